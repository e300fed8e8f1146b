package store

import (
	"fmt"
	"net/netip"

	"lbd/store/model"
)

// check finds references that lead nowhere and objects that exclude each
// other. Apply never makes them; a snapshot written by something else might
// have them, and the code below Apply relies on their absence.
func (st *State) check() error {
	c := &checker{st: st}
	c.cluster()
	c.identity()
	c.balancing()
	c.switching()
	c.choices()
	c.networking()
	c.keys()
	return c.err
}

// checker keeps the first fault.
type checker struct {
	st  *State
	err error
}

func (c *checker) want(ok bool, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func has[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}

func (c *checker) cluster() {
	st := c.st
	names := map[string]bool{}
	for _, n := range st.nodes {
		c.want(!names[n.Name], "two nodes are named %s", n.Name)
		names[n.Name] = true
	}
	for d := range st.dismissals {
		c.want(has(st.nodes, d.Node) && has(st.loadBalancers, d.LoadBalancer), "dismissed amphora of node %s and load balancer %s names what is not there", d.Node, d.LoadBalancer)
	}
}

func (c *checker) base(noun string, id any, b *model.Base) {
	c.want(b.Provisioning.IsPending() == (b.Pending != 0), "%s %s is %s since index %d", noun, id, b.Provisioning, b.Pending)
}

func (c *checker) balancing() {
	st := c.st
	vips := 0
	for _, lb := range st.loadBalancers {
		c.base("load balancer", lb.ID, &lb.Base)
		c.want(st.loadBalancing[lb.VIP.Port] == lb.ID, "VIP port %s has two load balancers", lb.VIP.Port)
		port := st.ports[lb.VIP.Port]
		for _, v := range append([]model.VIP{lb.VIP}, lb.AdditionalVIPs...) {
			vips++
			ok := port != nil && v.Port == port.ID && v.Network == port.Network && has(st.subnets, v.Subnet) &&
				st.portAt[networkAddr{v.Network, v.Address}] == port.ID
			c.want(ok, "load balancer %s: VIP %s is not on its port %s", lb.ID, v.Address, v.Port)
		}
	}
	c.want(len(st.serviceAddrs) == vips+len(st.floatingIPs), "two VIPs or floating IPs have one address")
	for _, l := range st.listeners {
		c.base("listener", l.ID, &l.Base)
		c.want(has(st.loadBalancers, l.LoadBalancer), "listener %s: no load balancer %s", l.ID, l.LoadBalancer)
		c.want(st.listenerAt[keyOfListener(l)] == l.ID, "listener %s: its port %d is another's", l.ID, l.Port)
		if l.DefaultPool != "" {
			p, ok := st.pools[l.DefaultPool]
			c.want(ok && p.LoadBalancer == l.LoadBalancer, "listener %s: no pool %s", l.ID, l.DefaultPool)
		}
	}
	for _, l := range st.listeners {
		for _, r := range l.TLS.Refs() {
			c.want(st.hasPayload(r), "listener %s: nothing at %s", l.ID, r)
		}
	}
	for _, p := range st.pools {
		for _, r := range p.TLS.Refs() {
			c.want(st.hasPayload(r), "pool %s: nothing at %s", p.ID, r)
		}
		c.base("pool", p.ID, &p.Base)
		c.want(has(st.loadBalancers, p.LoadBalancer), "pool %s: no load balancer %s", p.ID, p.LoadBalancer)
	}
	for _, m := range st.members {
		c.base("member", m.ID, &m.Base)
		c.want(has(st.pools, m.Pool), "member %s: no pool %s", m.ID, m.Pool)
		c.want(m.Subnet == "" || has(st.subnets, m.Subnet), "member %s: no subnet %s", m.ID, m.Subnet)
		first, _ := st.membersOf[m.Pool].at(addrPortOf(m))
		c.want(m.Provisioning == model.PendingDelete || first == m, "member %s: its address %s is another's", m.ID, netip.AddrPortFrom(m.Address, m.Port))
	}
	for _, m := range st.monitors {
		c.base("health monitor", m.ID, &m.Base)
		c.want(has(st.pools, m.Pool), "health monitor %s: no pool %s", m.ID, m.Pool)
		c.want(st.monitorOf[m.Pool] == m.ID, "pool %s has two health monitors", m.Pool)
	}
}

// choices checks flavors and availability zones.
func (c *checker) choices() {
	st := c.st
	for _, f := range st.flavors {
		c.want(has(st.flavorProfiles, f.Profile), "flavor %s: no profile %s", f.ID, f.Profile)
		c.want(st.flavorAt[f.Name] == f.ID, "two flavors are named %s", f.Name)
	}
	for _, z := range st.zones {
		c.want(has(st.zoneProfiles, z.Profile), "availability zone %s: no profile %s", z.Name, z.Profile)
	}
	for _, lb := range st.loadBalancers {
		c.want(lb.Flavor == "" || has(st.flavors, lb.Flavor), "load balancer %s: no flavor %s", lb.ID, lb.Flavor)
		c.want(lb.AvailabilityZone == "" || has(st.zones, lb.AvailabilityZone), "load balancer %s: no availability zone %s", lb.ID, lb.AvailabilityZone)
	}
}

// switching checks L7 policies and rules.
func (c *checker) switching() {
	st := c.st
	for _, p := range st.l7policies {
		c.base("L7 policy", p.ID, &p.Base)
		l, ok := st.listeners[p.Listener]
		c.want(ok, "L7 policy %s: no listener %s", p.ID, p.Listener)
		if p.RedirectPool != "" && ok {
			pool, found := st.pools[p.RedirectPool]
			c.want(found && pool.LoadBalancer == l.LoadBalancer, "L7 policy %s: no pool %s", p.ID, p.RedirectPool)
		}
	}
	for listener := range st.policiesOf {
		for i, p := range st.PoliciesOf(listener) {
			c.want(p.Position == i+1, "L7 policy %s has position %d instead of %d", p.ID, p.Position, i+1)
		}
	}
	for _, r := range st.l7rules {
		c.base("L7 rule", r.ID, &r.Base)
		c.want(has(st.l7policies, r.Policy), "L7 rule %s: no policy %s", r.ID, r.Policy)
		c.want(len(st.rulesOf[r.Policy]) <= model.MaxL7Rules, "L7 policy %s has too many rules", r.Policy)
	}
}

func (c *checker) networking() {
	st := c.st
	for _, sn := range st.subnets {
		c.want(has(st.networks, sn.Network), "subnet %s: no network %s", sn.ID, sn.Network)
		c.want(servable(sn.CIDR), "subnet %s has an impossible cidr", sn.ID)
		c.want(checkPools(sn.CIDR, sn.Pools) == nil, "subnet %s has impossible allocation pools", sn.ID)
	}
	for _, p := range st.ports {
		c.want(has(st.networks, p.Network), "port %s: no network %s", p.ID, p.Network)
		for _, f := range p.FixedIPs {
			sn, ok := st.subnets[f.Subnet]
			c.want(ok && sn.Network == p.Network && sn.CIDR.Contains(f.Address), "port %s: %s is not in subnet %s", p.ID, f.Address, f.Subnet)
			c.want(st.portAt[networkAddr{p.Network, f.Address}] == p.ID, "port %s: its address %s is another's", p.ID, f.Address)
		}
		switch p.DeviceOwner {
		case model.OwnerRouterInterface:
			c.want(len(p.FixedIPs) == 1, "port %s: a router interface has one address", p.ID)
			fallthrough
		case model.OwnerRouterGateway:
			c.want(has(st.routers, model.RouterID(p.DeviceID)), "port %s: no router %s", p.ID, p.DeviceID)
		}
	}
	for _, r := range st.securityGroupRules {
		c.want(has(st.securityGroups, r.Group), "security group rule %s: no group %s", r.ID, r.Group)
		c.want(r.RemoteGroup == "" || has(st.securityGroups, r.RemoteGroup), "security group rule %s: no remote group %s", r.ID, r.RemoteGroup)
	}
	for _, g := range st.securityGroups {
		c.want(!g.Default || st.defaultGroup[g.Project] == g.ID, "project %s has two default security groups", g.Project)
	}
	for _, p := range st.ports {
		for _, g := range p.SecurityGroups {
			c.want(has(st.securityGroups, g), "port %s: no security group %s", p.ID, g)
		}
	}
	for _, r := range st.routers {
		c.want((r.External == "") == (r.GatewayPort == ""), "router %s has half a gateway", r.ID)
		if r.External != "" {
			p, ok := st.ports[r.GatewayPort]
			c.want(ok && p.Network == r.External && p.DeviceID == string(r.ID), "router %s: no gateway port %s on network %s", r.ID, r.GatewayPort, r.External)
		}
		seen := map[model.SubnetID]bool{}
		for _, sn := range st.RouterSubnets(r.ID) {
			c.want(!seen[sn], "router %s has two interfaces in subnet %s", r.ID, sn)
			seen[sn] = true
		}
	}
	for _, f := range st.floatingIPs {
		sn, ok := st.subnets[f.Subnet]
		c.want(ok && sn.Network == f.Network && sn.CIDR.Contains(f.Address), "floating IP %s: %s is not in subnet %s", f.ID, f.Address, f.Subnet)
		c.want((f.Port == "") == (f.Router == ""), "floating IP %s is half bound", f.ID)
		if f.Port != "" {
			p, ok := st.ports[f.Port]
			c.want(ok && st.portAt[networkAddr{p.Network, f.Fixed}] == p.ID, "floating IP %s: no port %s with address %s", f.ID, f.Port, f.Fixed)
			c.want(has(st.routers, f.Router), "floating IP %s: no router %s", f.ID, f.Router)
		}
	}
}

// keys checks what of the key manager refers to each other.
func (c *checker) keys() {
	for _, k := range sortedKeys(c.st.containers) {
		for _, r := range c.st.containers[k].Secrets {
			c.want(has(c.st.secrets, r.Secret), "container %s: no secret %s", k, r.Secret)
		}
		c.want(!has(c.st.secrets, model.SecretID(k)), "container %s has the id of a secret", k)
	}
}
