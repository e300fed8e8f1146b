package operating_test

import (
	"net/netip"
	"testing"
	"time"

	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

// TestStatuses: one load balancer with a listener, a pool and two members,
// seen by nodes a and b, under many observations.
func TestStatuses(t *testing.T) {
	st := store.New()
	index := uint64(0)
	apply := func(kind store.CommandKind, payload any) {
		t.Helper()
		index++
		if err := st.Apply(index, store.Command{Kind: kind, At: time.Unix(int64(index), 0), Payload: payload}); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	up := model.Base{AdminStateUp: true}
	apply(store.NodePut, &model.Node{ID: "a", Name: "alpha"})
	apply(store.NodePut, &model.Node{ID: "b", Name: "beta"})
	apply(store.NodePut, &model.Node{ID: "w", Name: "gamma", Kind: model.Witness})
	apply(store.NetworkCreate, &model.Network{ID: "n"})
	apply(store.SubnetCreate, &model.Subnet{ID: "s", Network: "n", CIDR: netip.MustParsePrefix("10.0.0.0/24")})
	apply(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{LoadBalancer: model.LoadBalancer{ID: "lb", Base: up, VIP: model.VIP{Subnet: "s"}}, NewPort: model.Port{ID: "v"}})
	apply(store.ListenerCreate, &model.Listener{ID: "l", Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Port: 80})
	apply(store.PoolCreate, &store.PoolCreatePayload{Pool: model.Pool{ID: "p", Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Algorithm: model.RoundRobin}, Listener: "l"})
	apply(store.MemberCreate, &model.Member{ID: "m1", Base: up, Pool: "p", Address: netip.MustParseAddr("10.0.0.3"), Port: 80, Weight: 1})
	apply(store.MemberCreate, &model.Member{ID: "m2", Base: up, Pool: "p", Address: netip.MustParseAddr("10.0.0.6"), Port: 80, Weight: 0})
	apply(store.MonitorCreate, &model.HealthMonitor{ID: "h", Base: up, Pool: "p", Type: model.MonitorTCP, Delay: 1, Timeout: 1, MaxRetries: 1, MaxRetriesDown: 1})
	apply(store.SettleKind, &store.Settle{Index: index})

	row := func(node model.NodeID, role model.RoleName, age time.Duration, m1, m2 model.Operating) model.Heard {
		return model.Heard{Age: age, Report: model.Report{
			Node: node, Applied: 1, Role: model.RoleReport{Role: role},
			Members:   map[model.MemberID]model.MemberHealth{"m1": {Status: m1, ActiveConnections: 2}, "m2": {Status: m2}},
			Listeners: map[model.ListenerID]model.ListenerCounters{"l": {TotalConnections: 5, ActiveConnections: 1}},
		}}
	}
	on, off, bad := model.Online, model.Offline, model.Failing
	full := row("a", model.RoleActive, 0, on, on)
	full.Listeners = map[model.ListenerID]model.ListenerCounters{"l": {Full: true}}
	missing := row("a", model.RoleActive, 0, on, on)
	missing.Listeners = nil
	for _, tc := range []struct {
		name                 string
		rows                 []model.Heard
		m1, m2, pool, l, all model.Operating
	}{
		{"nobody is heard", nil, off, off, off, off, off},
		{"only a witness is heard", []model.Heard{row("w", model.RoleWitness, 0, on, on)}, off, off, off, off, off},
		{"a silent node is not believed", []model.Heard{row("a", model.RoleActive, operating.SilentAfter, on, on)}, off, off, off, off, off},
		{"all is well, weight 0 drains", []model.Heard{row("a", model.RoleActive, 0, on, on)}, on, model.Draining, on, on, on},
		{"no verdict yet", []model.Heard{row("a", model.RoleActive, 0, off, off)}, off, off, off, on, on},
		{"one is broken", []model.Heard{row("a", model.RoleActive, 0, bad, on)}, bad, model.Draining, model.Degraded, on, model.Degraded},
		{"both are broken", []model.Heard{row("a", model.RoleActive, 0, bad, bad)}, bad, bad, bad, on, bad},
		{"the active node's word counts", []model.Heard{row("a", model.RoleStandby, 0, bad, bad), row("b", model.RoleActive, time.Second, on, on)}, on, model.Draining, on, on, on},
		{"without an active one, this node's", []model.Heard{row("b", model.RoleStandby, 0, bad, bad), row("a", model.RoleStandby, time.Second, on, on)}, on, model.Draining, on, on, on},
		{"the connection limit is reached", []model.Heard{full}, on, model.Draining, on, model.Degraded, model.Degraded},
		{"a listener that nobody reports", []model.Heard{missing}, on, model.Draining, on, bad, on},
	} {
		st.Read(func(s *store.State) {
			v := operating.New(s, tc.rows, "a", time.Unix(1000, 0))
			m1, _ := s.Member("m1")
			m2, _ := s.Member("m2")
			p, _ := s.Pool("p")
			l, _ := s.Listener("l")
			lb, _ := s.LoadBalancer("lb")
			got := [5]model.Operating{v.Member(m1), v.Member(m2), v.Pool(p), v.Listener(l), v.LoadBalancer(lb)}
			if want := [5]model.Operating{tc.m1, tc.m2, tc.pool, tc.l, tc.all}; got != want {
				t.Errorf("%s: %v, want %v", tc.name, got, want)
			}
		})
	}
	st.Read(func(s *store.State) {
		v := operating.New(s, []model.Heard{row("a", model.RoleActive, 0, on, on), row("b", model.RoleStandby, time.Minute, on, on)}, "a", time.Now())
		if c := v.Counters("l"); c.TotalConnections != 10 || c.ActiveConnections != 1 || v.Connections("m1") != 2 {
			t.Errorf("counters of a silent node: %+v, %d", c, v.Connections("m1"))
		}
	})
}
