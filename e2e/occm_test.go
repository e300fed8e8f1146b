package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/apiversions"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

func externalNetwork(name string) networks.CreateOptsBuilder {
	return external.CreateOptsExt{CreateOptsBuilder: networks.CreateOpts{Name: name}, External: new(true)}
}

// occm makes the calls of the Kubernetes cloud provider for one Service of type
// LoadBalancer, in its order and with its polling.
type occm struct {
	*cloud
	name, subnet, nodes, public string
}

// active polls as the provider does: at once, then each second, slower by a fifth.
func (o *occm) active(id string) *loadbalancers.LoadBalancer {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, 30*time.Second)
	defer cancel()
	for wait := time.Second; ; wait = wait * 6 / 5 {
		lb := got(loadbalancers.Get(ctx, o.lb, id).Extract())(o.t)
		switch lb.ProvisioningStatus {
		case "ACTIVE":
			return lb
		case "ERROR":
			o.t.Fatalf("the load balancer is in ERROR: %+v", lb)
		}
		select {
		case <-ctx.Done():
			o.t.Fatalf("the load balancer is %s after 30 s", lb.ProvisioningStatus)
		case <-time.After(wait):
		}
	}
}

// feature tells whether the API is at v2.minor: by the last version of the list.
func (o *occm) feature(minor int) bool {
	o.t.Helper()
	list := all(o.cloud, apiversions.List(o.lb), apiversions.ExtractAPIVersions)
	var have int
	if n, err := fmt.Sscanf(list[len(list)-1].ID, "v2.%d", &have); n != 1 {
		o.t.Fatalf("version %q: %v", list[len(list)-1].ID, err)
	}
	return have >= minor
}

func (o *occm) find() *loadbalancers.LoadBalancer {
	o.t.Helper()
	l := all(o.cloud, loadbalancers.List(o.lb, loadbalancers.ListOpts{Name: o.name}), loadbalancers.ExtractLoadBalancers)
	switch len(l) {
	case 0:
		return nil
	case 1:
		return &l[0]
	}
	o.t.Fatalf("%d load balancers are called %s", len(l), o.name)
	return nil
}

func (o *occm) members(nodes []string, nodePort int) []pools.BatchUpdateMemberOpts {
	var out []pools.BatchUpdateMemberOpts
	for _, n := range nodes {
		out = append(out, pools.BatchUpdateMemberOpts{Address: n, ProtocolPort: nodePort, Name: new("node_" + n), SubnetID: &o.subnet, MonitorPort: new(10256)})
	}
	return out
}

// create is the first ensure: the whole tree in one call.
func (o *occm) create(port int, nodes []string) *loadbalancers.LoadBalancer {
	o.t.Helper()
	var members []pools.CreateMemberOpts
	for _, m := range o.members(nodes, 30000+port) {
		members = append(members, pools.CreateMemberOpts{Address: m.Address, ProtocolPort: m.ProtocolPort, Name: *m.Name, SubnetID: *m.SubnetID, MonitorPort: m.MonitorPort})
	}
	lb := got(loadbalancers.Create(o.ctx, o.lb, loadbalancers.CreateOpts{
		Name: o.name, Description: "Kubernetes external service default/web from cluster kubernetes", VipSubnetID: o.subnet, VipNetworkID: o.nodes, Provider: "octavia", Tags: []string{o.name},
		Listeners: []listeners.CreateOpts{{
			Name: "listener_0_" + o.name, Protocol: "HTTP", ProtocolPort: port, ConnLimit: new(-1), AllowedCIDRs: []string{"0.0.0.0/0"}, Tags: []string{o.name},
			InsertHeaders: map[string]string{"X-Forwarded-For": "true"}, TimeoutClientData: new(50000), TimeoutMemberConnect: new(5000), TimeoutMemberData: new(50000), TimeoutTCPInspect: new(0),
			DefaultPool: &pools.CreateOpts{
				Name: "pool_0_" + o.name, Protocol: pools.ProtocolHTTP, LBMethod: pools.LBMethodRoundRobin, Members: members,
				Monitor: monitors.CreateOpts{Name: "monitor_0_" + o.name, Type: "TCP", Delay: 5, Timeout: 3, MaxRetries: 1, MaxRetriesDown: 3},
			},
		}},
	}).Extract())(o.t)
	return o.active(lb.ID)
}

// floating is how the provider finds the balancer's public address, and gets one.
func (o *occm) floating(lb *loadbalancers.LoadBalancer) *floatingips.FloatingIP {
	o.t.Helper()
	l := all(o.cloud, floatingips.List(o.network, floatingips.ListOpts{PortID: lb.VipPortID}), floatingips.ExtractFloatingIPs)
	if len(l) == 1 {
		return &l[0]
	}
	nets := all(o.cloud, networks.List(o.network, external.ListOptsExt{ListOptsBuilder: networks.ListOpts{}, External: new(true)}), networks.ExtractNetworks)
	if len(nets) != 1 || nets[0].ID != o.public {
		o.t.Fatalf("external networks: %+v", nets)
	}
	sub := all(o.cloud, subnets.List(o.network, subnets.ListOpts{NetworkID: o.public}), subnets.ExtractSubnets)
	return got(floatingips.Create(o.ctx, o.network, floatingips.CreateOpts{FloatingNetworkID: o.public, SubnetID: sub[0].ID, PortID: lb.VipPortID, Description: "Floating IP for Kubernetes external service web"}).Extract())(o.t)
}

// TestCallsOfTheKubernetesCloudProvider: a Service is ensured, gets a second
// port and other nodes, is shared with a second Service, and is deleted.
func TestCallsOfTheKubernetesCloudProvider(t *testing.T) {
	t.Parallel()
	c := startLoopback(t, t.TempDir()).gopher(t)
	o := &occm{cloud: c, name: "kube_service_kubernetes_default_web"}
	o.nodes, o.subnet = c.subnet("nodes", "127.0.22.0/24", false)
	o.public, _ = c.subnet("public", "127.0.23.0/24", true)
	router := got(routers.Create(c.ctx, c.network, routers.CreateOpts{Name: "r", GatewayInfo: &routers.GatewayInfo{NetworkID: o.public}}).Extract())(t)
	got(routers.AddInterface(c.ctx, c.network, router.ID, routers.AddInterfaceOpts{SubnetID: o.subnet}).Extract())(t)
	ctx, lbc := c.ctx, c.lb

	for feature, minor := range map[string]int{"timeouts": 1, "tags": 5} {
		if !o.feature(minor) {
			t.Errorf("the provider would not use %s", feature)
		}
	}
	if names := all(c, providers.List(lbc, nil), providers.ExtractProviders); !slices.ContainsFunc(names, func(p providers.Provider) bool { return p.Name == "octavia" }) {
		t.Errorf("providers: %v", names)
	}

	// Ensure: nothing there, so create; then a floating IP.
	if o.find() != nil {
		t.Fatal("it is there already")
	}
	lb := o.create(8080, []string{"127.0.22.11", "127.0.22.12"})
	fip := o.floating(lb)
	if fip.FixedIP != lb.VipAddress {
		t.Errorf("floating IP on %q, the VIP is %s", fip.FixedIP, lb.VipAddress)
	}
	if again := o.floating(lb); again.ID != fip.ID {
		t.Errorf("the floating IP is not found by its port: %+v", again)
	}

	// Ensure again: all is read, the listener and the monitor change, a port comes.
	lb = o.active(o.find().ID)
	lis := all(c, listeners.List(lbc, listeners.ListOpts{LoadbalancerID: lb.ID}), listeners.ExtractListeners)
	if len(lis) != 1 || lis[0].InsertHeaders["X-Forwarded-For"] != "true" || !slices.Equal(lis[0].Tags, []string{o.name}) {
		t.Fatalf("listeners: %+v", lis)
	}
	got(listeners.Update(ctx, lbc, lis[0].ID, listeners.UpdateOpts{AllowedCIDRs: &[]string{"127.0.0.0/8"}, TimeoutClientData: new(60000), ConnLimit: new(100)}).Extract())(t)
	o.active(lb.ID)
	pool := o.poolOf(lb.ID, lis[0].ID)
	if ms := all(c, pools.ListMembers(lbc, pool.ID, pools.ListMembersOpts{}), pools.ExtractMembers); len(ms) != 2 || ms[0].MonitorPort != 10256 {
		t.Errorf("members: %+v", ms)
	}
	c.ok(pools.BatchUpdateMembers(ctx, lbc, pool.ID, o.members([]string{"127.0.22.12", "127.0.22.13"}, 38080)).ExtractErr())
	o.active(lb.ID)
	hm := got(monitors.Get(ctx, lbc, pool.MonitorID).Extract())(t)
	got(monitors.Update(ctx, lbc, hm.ID, monitors.UpdateOpts{Name: new(hm.Name), Delay: 9, Timeout: 4, MaxRetries: 2, MaxRetriesDown: 2}).Extract())(t)
	o.active(lb.ID)
	c.ok(monitors.Delete(ctx, lbc, hm.ID).ExtractErr()) // its type changes: the provider makes it anew
	o.active(lb.ID)
	got(monitors.Create(ctx, lbc, monitors.CreateOpts{PoolID: pool.ID, Name: hm.Name, Type: "HTTP", URLPath: "/healthz", HTTPMethod: "GET", ExpectedCodes: "200", Delay: 9, Timeout: 4, MaxRetries: 2, MaxRetriesDown: 2}).Extract())(t)
	o.active(lb.ID)
	second := got(listeners.Create(ctx, lbc, listeners.CreateOpts{Name: "listener_1_" + o.name, Protocol: "TCP", ProtocolPort: 8443, LoadbalancerID: lb.ID, Tags: []string{o.name}}).Extract())(t)
	o.active(lb.ID)
	p2 := got(pools.Create(ctx, lbc, pools.CreateOpts{Name: "pool_1_" + o.name, Protocol: pools.ProtocolTCP, LBMethod: pools.LBMethodSourceIp, ListenerID: second.ID, Persistence: &pools.SessionPersistence{Type: "SOURCE_IP"}}).Extract())(t)
	o.active(lb.ID)
	c.ok(pools.BatchUpdateMembers(ctx, lbc, p2.ID, o.members([]string{"127.0.22.12"}, 38443)).ExtractErr())
	o.active(lb.ID)

	// A managed security group on the nodes' ports.
	sg := got(groups.Create(ctx, c.network, groups.CreateOpts{Name: "lb-sg-web", Description: "Security Group for default/web Service LoadBalancer in cluster kubernetes"}).Extract())(t)
	rule := got(rules.Create(ctx, c.network, rules.CreateOpts{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortRangeMin: 38080, PortRangeMax: 38080, RemoteIPPrefix: "127.0.22.0/24", SecGroupID: sg.ID}).Extract())(t)
	node := got(ports.Create(ctx, c.network, ports.CreateOpts{NetworkID: o.nodes, DeviceID: "server-1"}).Extract())(t)
	if l := all(c, ports.List(c.network, ports.ListOpts{DeviceID: "server-1"}), ports.ExtractPorts); len(l) != 1 || l[0].ID != node.ID {
		t.Errorf("ports of the server: %+v", l)
	}
	got(ports.Update(ctx, c.network, node.ID, ports.UpdateOpts{SecurityGroups: new(append(node.SecurityGroups, sg.ID))}).Extract())(t)
	c.ok(attributestags.Add(ctx, c.network, "ports", node.ID, sg.ID).ExtractErr())
	if l := all(c, ports.List(c.network, ports.ListOpts{SecurityGroups: []string{sg.ID}}), ports.ExtractPorts); len(l) != 1 {
		t.Errorf("ports in the group: %+v", l)
	}
	if l := all(c, rules.List(c.network, rules.ListOpts{SecGroupID: sg.ID, Direction: "ingress"}), rules.ExtractRules); len(l) != 1 || l[0].ID != rule.ID {
		t.Errorf("ingress rules: %+v", l)
	}

	// A second Service shares the balancer, and leaves.
	got(loadbalancers.Update(ctx, lbc, lb.ID, loadbalancers.UpdateOpts{Tags: &[]string{o.name, "kube_service_other"}}).Extract())(t)
	o.active(lb.ID)
	got(loadbalancers.Update(ctx, lbc, lb.ID, loadbalancers.UpdateOpts{Tags: &[]string{""}}).Extract())(t)
	o.active(lb.ID)

	// Delete: the floating IP, the tree at once, then the group.
	c.ok(floatingips.Delete(ctx, c.network, fip.ID).ExtractErr())
	c.ok(loadbalancers.Delete(ctx, lbc, lb.ID, loadbalancers.DeleteOpts{Cascade: true}).ExtractErr())
	c.removed(lb.ID)
	got(ports.Update(ctx, c.network, node.ID, ports.UpdateOpts{SecurityGroups: &node.SecurityGroups}).Extract())(t)
	c.ok(attributestags.Delete(ctx, c.network, "ports", node.ID, sg.ID).ExtractErr())
	c.ok(groups.Delete(ctx, c.network, sg.ID).ExtractErr())
	if _, err := ports.Get(ctx, c.network, lb.VipPortID).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("the VIP's port after the delete: %v", err)
	}
}

// poolOf is the pool that has a listener, as the provider looks for it.
func (o *occm) poolOf(lb, listener string) *pools.Pool {
	o.t.Helper()
	for _, p := range all(o.cloud, pools.List(o.lb, pools.ListOpts{LoadbalancerID: lb}), pools.ExtractPools) {
		if slices.ContainsFunc(p.Listeners, func(l pools.ListenerID) bool { return l.ID == listener }) {
			return &p
		}
	}
	o.t.Fatalf("no pool of listener %s", listener)
	return nil
}
