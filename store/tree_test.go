package store_test

import (
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// tree is a load balancer with two listeners, two pools, members and a monitor.
func tree() *store.TreeCreatePayload {
	p := &store.TreeCreatePayload{LoadBalancerCreatePayload: *lb("lb1")}
	first, second := *listener("l1", "", 80), *listener("l2", "", 81)
	first.DefaultPool = "p1"
	p.Listeners = []model.Listener{first, second}
	p.Pools = []store.TreePool{
		{
			Pool: pool("p1", "", "").Pool, Monitor: monitor("hm1", ""),
			Members: []model.Member{*member("m1", "", "10.0.0.6"), *member("m2", "", "10.0.0.7")},
		},
		{Pool: pool("p2", "", "").Pool, Members: []model.Member{*member("m3", "", "10.0.0.6")}},
	}
	return p
}

func TestTree(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.TreeCreate, tree())
	for _, id := range []string{"lb1", "l1", "l2", "p1", "p2", "m1", "m2", "m3", "hm1"} {
		if got := c.status(id); got != model.PendingCreate {
			t.Errorf("%s is %s", id, got)
		}
	}
	c.read(func(st *store.State) {
		l, _ := st.Listener("l1")
		m, _ := st.Member("m3")
		hm, _ := st.MonitorOf("p1")
		if l.LoadBalancer != "lb1" || l.Project != "p" || m.Pool != "p2" || m.Project != "p" || hm.Pool != "p1" || hm.Project != "p" {
			t.Errorf("links are wrong: %+v %+v %+v", l, m, hm)
		}
	})
	sv := c.s.Config().Services[0]
	if len(sv.Listeners) != 2 || len(sv.Pools) != 2 || len(sv.Pools[0].Members)+len(sv.Pools[1].Members) != 3 {
		t.Errorf("the data plane sees %+v", sv)
	}
	c.settle()
	if got := c.status("m3"); got != model.Active {
		t.Errorf("m3 is %s", got)
	}
}

// Any error leaves nothing behind, wherever in the tree it is.
func TestTreeIsAllOrNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(p *store.TreeCreatePayload)
		kind  store.Kind
		text  string
	}{
		"no subnet":        {func(p *store.TreeCreatePayload) { p.LoadBalancer.VIP.Subnet = "x" }, store.Invalid, "Subnet x not found."},
		"same port":        {func(p *store.TreeCreatePayload) { p.Listeners[1].Port = 80 }, store.Conflict, "Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80"},
		"foreign pool":     {func(p *store.TreeCreatePayload) { p.Listeners[1].DefaultPool = "old" }, store.NotFound, "Pool old not found."},
		"protocols":        {func(p *store.TreeCreatePayload) { p.Listeners[0].Protocol = model.HTTPS }, store.Invalid, "Validation failure: The pool protocol 'HTTP' is invalid while the listener protocol is 'HTTPS'."},
		"prometheus":       {func(p *store.TreeCreatePayload) { p.Listeners[0].Protocol = model.Prometheus }, store.Invalid, "Protocol PROMETHEUS listeners cannot have child objects."},
		"family":           {func(p *store.TreeCreatePayload) { p.Listeners[1].AllowedCIDRs = prefixes("fe80::/64") }, store.Invalid, "Validation failure: CIDR fe80::/64 IP version incompatible with all VIPs ['10.0.0.254'] IP version."},
		"same member":      {func(p *store.TreeCreatePayload) { p.Pools[0].Members[1].Address = addr("::ffff:10.0.0.6") }, store.Conflict, "Another member on this pool is already using ip 10.0.0.7 on protocol_port 80"},
		"member's subnet":  {func(p *store.TreeCreatePayload) { p.Pools[1].Members[0].Subnet = "x" }, store.Invalid, "Subnet x not found."},
		"monitor":          {func(p *store.TreeCreatePayload) { p.Pools[0].Monitor.Type = model.MonitorSCTP }, store.Invalid, "Validation failure: The SCTP type is only supported for pools of type UDP/SCTP."},
		"listener's quota": {func(p *store.TreeCreatePayload) { p.Listeners = append(p.Listeners, *listener("l3", "", 82)) }, store.Quota, "Quota has been met for resources: Listener"},
		"member's quota": {func(p *store.TreeCreatePayload) {
			p.Pools[1].Members = append(p.Pools[1].Members, *member("m4", "", "10.0.0.8"))
		}, store.Quota, "Quota has been met for resources: Member"},
		"same id": {func(p *store.TreeCreatePayload) { p.Pools[1].Pool.ID = "p1" }, store.Conflict, "Already an entity with that specified id."},
		"used id": {func(p *store.TreeCreatePayload) { p.Pools[1].Pool.ID = "old" }, store.Conflict, "Already an entity with that specified id."},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.networks()
			c.ok(store.LoadBalancerCreate, func() any {
				old := lb("old")
				old.LoadBalancer.Project = "other"
				old.LoadBalancer.VIP.Address = addr("10.0.0.200")
				return old
			}())
			c.ok(store.PoolCreate, pool("old", "old", ""))
			c.ok(store.QuotaUpdate, limits(model.QuotaMember, 3))
			c.ok(store.QuotaUpdate, limits(model.QuotaListener, 2))
			p := tree()
			tc.spoil(p)
			c.refused(store.TreeCreate, p, tc.kind, tc.text)
			c.ok(store.TreeCreate, tree())
		})
	}
}

func TestRenew(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.LoadBalancerRenew, &store.LoadBalancerRef{ID: "lb1"})
	c.statuses(map[string]model.Provisioning{"lb1": model.PendingUpdate, "listener1": model.Active})
	c.settle(model.Failure{Object: "lb1", Reason: "no link"})
	c.statuses(map[string]model.Provisioning{"lb1": model.Error})
	c.ok(store.LoadBalancerRenew, &store.LoadBalancerRef{ID: "lb1"}) // from ERROR, too
	c.settle()
	c.statuses(map[string]model.Provisioning{"lb1": model.Active})
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true})
	c.refused(store.LoadBalancerRenew, &store.LoadBalancerRef{ID: "lb1"}, store.Conflict, "Invalid state PENDING_DELETE of loadbalancer resource lb1")
	c.refused(store.LoadBalancerRenew, &store.LoadBalancerRef{ID: "x"}, store.NotFound, "Load Balancer x not found.")
}

// treeNamed is tree with ids of its own.
func treeNamed(prefix string) *store.TreeCreatePayload {
	p := tree()
	p.LoadBalancer.ID, p.NewPort.ID = model.LoadBalancerID(prefix+"lb1"), model.PortID(prefix+"vip")
	for i := range p.Listeners {
		l := &p.Listeners[i]
		if l.ID = model.ListenerID(prefix) + l.ID; l.DefaultPool != "" {
			l.DefaultPool = model.PoolID(prefix) + l.DefaultPool
		}
	}
	for i := range p.Pools {
		x := &p.Pools[i]
		x.Pool.ID = model.PoolID(prefix) + x.Pool.ID
		for j := range x.Members {
			x.Members[j].ID = model.MemberID(prefix) + x.Members[j].ID
		}
		if x.Monitor != nil {
			x.Monitor.ID = model.HealthMonitorID(prefix) + x.Monitor.ID
		}
	}
	return p
}
