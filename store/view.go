package store

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lbd/store/model"
)

// Returned slices are fresh and ordered by creation time, then id (nodes: by
// the time they joined).

// ClusterID is "" until the cluster was initialised.
func (st *State) ClusterID() string { return st.clusterID }

// Settings of the cluster, complete.
func (st *State) Settings() model.Settings {
	if st.settings == nil {
		return model.Settings{Profile: model.ProfileDefault}
	}
	return *st.settings
}

// RoleChanges is the history of who held the VIPs, oldest term first.
func (st *State) RoleChanges() []*model.RoleChange {
	return slices.SortedFunc(maps.Values(st.roleChanges), func(a, b *model.RoleChange) int { return cmp.Compare(a.Term, b.Term) })
}

func (st *State) LoadBalancer(id model.LoadBalancerID) (*model.LoadBalancer, bool) {
	return get(st.loadBalancers, id)
}

func (st *State) Listener(id model.ListenerID) (*model.Listener, bool) { return get(st.listeners, id) }
func (st *State) Pool(id model.PoolID) (*model.Pool, bool)             { return get(st.pools, id) }
func (st *State) Member(id model.MemberID) (*model.Member, bool)       { return get(st.members, id) }

func (st *State) HealthMonitor(id model.HealthMonitorID) (*model.HealthMonitor, bool) {
	return get(st.monitors, id)
}
func (st *State) Network(id model.NetworkID) (*model.Network, bool) { return get(st.networks, id) }
func (st *State) Subnet(id model.SubnetID) (*model.Subnet, bool)    { return get(st.subnets, id) }
func (st *State) Port(id model.PortID) (*model.Port, bool)          { return get(st.ports, id) }
func (st *State) Router(id model.RouterID) (*model.Router, bool)    { return get(st.routers, id) }
func (st *State) FloatingIP(id model.FloatingIPID) (*model.FloatingIP, bool) {
	return get(st.floatingIPs, id)
}
func (st *State) Node(id model.NodeID) (*model.Node, bool) { return get(st.nodes, id) }

func (st *State) LoadBalancers() []*model.LoadBalancer {
	return listed(st.loadBalancersByAge, st.loadBalancers)
}

func (st *State) Listeners() []*model.Listener           { return listed(st.listenersByAge, st.listeners) }
func (st *State) Pools() []*model.Pool                   { return listed(st.poolsByAge, st.pools) }
func (st *State) Members() []*model.Member               { return all(st.members, byMember) }
func (st *State) HealthMonitors() []*model.HealthMonitor { return all(st.monitors, byMonitor) }
func (st *State) Networks() []*model.Network             { return all(st.networks, byNetwork) }
func (st *State) Subnets() []*model.Subnet               { return all(st.subnets, bySubnet) }
func (st *State) Ports() []*model.Port                   { return all(st.ports, byPort) }
func (st *State) Routers() []*model.Router               { return all(st.routers, byRouter) }
func (st *State) FloatingIPs() []*model.FloatingIP       { return all(st.floatingIPs, byFloatingIP) }
func (st *State) Nodes() []*model.Node                   { return all(st.nodes, byNode) }

// ListenersOf are the listeners of a load balancer.
func (st *State) ListenersOf(lb model.LoadBalancerID) []*model.Listener {
	return some(st.listeners, st.listenersOf[lb], byListener)
}

// PoolsOf are the pools of a load balancer.
func (st *State) PoolsOf(lb model.LoadBalancerID) []*model.Pool {
	return some(st.pools, st.poolsOf[lb], byPool)
}

// MembersOf are the members of a pool.
func (st *State) MembersOf(pool model.PoolID) []*model.Member {
	out := append(make([]*model.Member, 0, len(st.membersOf[pool])), st.membersOf[pool]...)
	slices.SortFunc(out, byMember)
	return out
}

// MonitorOf is the health monitor of a pool.
func (st *State) MonitorOf(pool model.PoolID) (*model.HealthMonitor, bool) {
	return get(st.monitors, st.monitorOf[pool])
}

// SubnetsOf are the subnets of a network.
func (st *State) SubnetsOf(network model.NetworkID) []*model.Subnet {
	return some(st.subnets, st.subnetsOf[network], bySubnet)
}

// PortsOf are the ports of a device ("lb-<id>", or a router's id).
func (st *State) PortsOf(device string) []*model.Port {
	return some(st.ports, st.portsOf[device], byPort)
}

// LoadBalancerOfPort is the load balancer whose VIP port this is.
func (st *State) LoadBalancerOfPort(port model.PortID) (*model.LoadBalancer, bool) {
	return get(st.loadBalancers, st.loadBalancing[port])
}

// FloatingIPOf is the oldest floating IP bound to a port.
func (st *State) FloatingIPOf(port model.PortID) (*model.FloatingIP, bool) {
	fips := st.FloatingIPsOf(port)
	if len(fips) == 0 {
		return nil, false
	}
	return fips[0], true
}

// FloatingIPsOf are the floating IPs bound to a port: at most one per external
// network and address of the port.
func (st *State) FloatingIPsOf(port model.PortID) []*model.FloatingIP {
	return some(st.floatingIPs, st.floatingOf[port], byFloatingIP)
}

func (st *State) SecurityGroup(id model.SecurityGroupID) (*model.SecurityGroup, bool) {
	return get(st.securityGroups, id)
}

func (st *State) SecurityGroupRule(id model.SecurityGroupRuleID) (*model.SecurityGroupRule, bool) {
	return get(st.securityGroupRules, id)
}

func (st *State) SecurityGroups() []*model.SecurityGroup {
	return all(st.securityGroups, bySecurityGroup)
}

func (st *State) SecurityGroupRules() []*model.SecurityGroupRule {
	return all(st.securityGroupRules, bySecurityGroupRule)
}

// GroupRules are the rules of a security group.
func (st *State) GroupRules(group model.SecurityGroupID) []*model.SecurityGroupRule {
	return some(st.securityGroupRules, st.groupRules[group], bySecurityGroupRule)
}

// DefaultGroup is the security group that new ports of a project get.
func (st *State) DefaultGroup(project model.ProjectID) (*model.SecurityGroup, bool) {
	return get(st.securityGroups, st.defaultGroup[project])
}

func bySecurityGroup(a, b *model.SecurityGroup) int { return by(a.Created, b.Created, a.ID, b.ID) }
func bySecurityGroupRule(a, b *model.SecurityGroupRule) int {
	return by(a.Created, b.Created, a.ID, b.ID)
}

// RouterSubnets are the subnets in which a router has an interface.
func (st *State) RouterSubnets(router model.RouterID) []model.SubnetID {
	var ids []model.SubnetID
	for _, p := range st.PortsOf(string(router)) {
		if p.DeviceOwner != model.OwnerRouterInterface {
			continue
		}
		for _, f := range p.FixedIPs {
			ids = append(ids, f.Subnet)
		}
	}
	return ids
}

// NodeByName finds a node.
func (st *State) NodeByName(name string) (*model.Node, bool) {
	return find(st.Nodes(), func(n *model.Node) bool { return n.Name == name })
}

// PendingSince is the highest Pending index of all objects; ok is false when
// nothing is pending.
func (st *State) PendingSince() (newest uint64, ok bool) {
	for _, at := range st.pending {
		newest = max(newest, at)
	}
	return newest, len(st.pending) > 0
}

func get[K comparable, V any](m map[K]*V, id K) (*V, bool) {
	v, ok := m[id]
	return v, ok
}

func all[K comparable, V any](m map[K]*V, by func(a, b *V) int) []*V {
	out := make([]*V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, by)
	return out
}

func some[K comparable, V any](m map[K]*V, ids map[K]struct{}, by func(a, b *V) int) []*V {
	out := make([]*V, 0, len(ids))
	for id := range ids {
		if v, ok := m[id]; ok {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, by)
	return out
}

func find[V any](in []*V, is func(*V) bool) (*V, bool) {
	if i := slices.IndexFunc(in, is); i >= 0 {
		return in[i], true
	}
	return nil, false
}

func by[I cmp.Ordered](a, b time.Time, x, y I) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	return cmp.Compare(x, y)
}

func byLoadBalancer(a, b *model.LoadBalancer) int { return by(a.Created, b.Created, a.ID, b.ID) }
func byListener(a, b *model.Listener) int         { return by(a.Created, b.Created, a.ID, b.ID) }
func byPool(a, b *model.Pool) int                 { return by(a.Created, b.Created, a.ID, b.ID) }
func byMember(a, b *model.Member) int             { return by(a.Created, b.Created, a.ID, b.ID) }
func byMonitor(a, b *model.HealthMonitor) int     { return by(a.Created, b.Created, a.ID, b.ID) }
func byNetwork(a, b *model.Network) int           { return by(a.Created, b.Created, a.ID, b.ID) }
func bySubnet(a, b *model.Subnet) int             { return by(a.Created, b.Created, a.ID, b.ID) }
func byPort(a, b *model.Port) int                 { return by(a.Created, b.Created, a.ID, b.ID) }
func byRouter(a, b *model.Router) int             { return by(a.Created, b.Created, a.ID, b.ID) }
func byFloatingIP(a, b *model.FloatingIP) int     { return by(a.Created, b.Created, a.ID, b.ID) }
func byNode(a, b *model.Node) int                 { return by(a.Joined, b.Joined, a.ID, b.ID) }
