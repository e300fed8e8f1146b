package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func TestPoolCreate(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.ListenerCreate, listener("l2", "lb1", 81))
	c.settle()
	c.ok(store.PoolCreate, pool("alone", "lb1", ""))
	c.statuses(map[string]model.Provisioning{"alone": model.PendingCreate, "lb1": model.PendingUpdate, "l2": model.Active})
	c.ok(store.PoolCreate, pool("pool2", "", "l2"))
	c.statuses(map[string]model.Provisioning{"pool2": model.PendingCreate, "l2": model.PendingUpdate, "listener1": model.Active})
	c.read(func(st *store.State) {
		p, _ := st.Pool("pool2")
		l, _ := st.Listener("l2")
		if p.LoadBalancer != "lb1" || p.Project != "p" || l.DefaultPool != "pool2" {
			t.Errorf("pool %+v of listener %+v", p, l)
		}
	})

	c.refused(store.PoolCreate, pool("q", "", ""), store.Invalid, "Validation failure: Must provide at least one of: loadbalancer_id, listener_id")
	c.refused(store.PoolCreate, pool("q", "x", ""), store.NotFound, "Load Balancer x not found.")
	c.refused(store.PoolCreate, pool("q", "", "x"), store.NotFound, "Listener x not found.")
	c.refused(store.PoolCreate, pool("q", "lb9", "l2"), store.NotFound, "Listener l2 not found.")
	c.refused(store.PoolCreate, pool("q", "", "l2"), store.Conflict, "This listener already has a default pool")
	c.refused(store.PoolCreate, pool("pool2", "lb1", ""), store.Conflict, "Already an entity with that specified id.")
	udp := listener("udp", "lb1", 53)
	udp.Protocol = model.UDP
	c.ok(store.ListenerCreate, udp)
	c.refused(store.PoolCreate, pool("q", "lb1", "udp"), store.Invalid,
		"Validation failure: The pool protocol 'HTTP' is invalid while the listener protocol is 'UDP'.")
	metrics := listener("metrics", "lb1", 9100)
	metrics.Protocol = model.Prometheus
	c.ok(store.ListenerCreate, metrics)
	c.refused(store.PoolCreate, pool("q", "", "metrics"), store.Invalid, "Protocol PROMETHEUS listeners cannot have child objects.")
}

func TestPoolUpdate(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	keep := &model.Persistence{Type: "SOURCE_IP"}
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "pool1", Algorithm: ptr(model.LeastConnections), Persistence: &store.PersistenceOverride{Value: keep}})
	c.statuses(map[string]model.Provisioning{"pool1": model.PendingUpdate, "listener1": model.PendingUpdate, "lb1": model.PendingUpdate, "m1": model.Active})
	c.read(func(st *store.State) {
		p, _ := st.Pool("pool1")
		if p.Algorithm != model.LeastConnections || !cmp.Equal(p.Persistence, keep) {
			t.Errorf("updated %+v", p)
		}
	})
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "pool1", Persistence: &store.PersistenceOverride{}})
	c.read(func(st *store.State) {
		if p, _ := st.Pool("pool1"); p.Persistence != nil || p.Algorithm != model.LeastConnections {
			t.Errorf("updated %+v", p)
		}
	})
	c.refused(store.PoolUpdate, &store.PoolPatch{ID: "x"}, store.NotFound, "Pool x not found.")
}

func TestPoolDelete(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool1"})
	c.statuses(map[string]model.Provisioning{"pool1": model.PendingDelete, "listener1": model.PendingUpdate, "m1": model.Active, "lb1": model.PendingUpdate})
	immutable := "Pool pool1 is immutable and cannot be updated."
	locked := "Load Balancer lb1 is immutable and cannot be updated."
	c.refused(store.PoolDelete, &store.PoolRef{ID: "pool1"}, store.Conflict, locked)
	c.refused(store.PoolUpdate, &store.PoolPatch{ID: "pool1"}, store.Conflict, locked)
	c.refused(store.MemberCreate, member("m", "pool1", "10.0.0.9"), store.Conflict, immutable)
	c.refused(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "pool1"}, store.Conflict, immutable)
	c.refused(store.MonitorUpdate, &store.MonitorPatch{ID: "hm1"}, store.Conflict, immutable)

	// The listener may get its next pool at once.
	c.ok(store.PoolCreate, pool("pool2", "", "listener1"))
	c.settle()
	c.statuses(map[string]model.Provisioning{"pool1": "gone", "m1": "gone", "m2": "gone", "hm1": "gone", "pool2": model.Active})
	c.read(func(st *store.State) {
		if l, _ := st.Listener("listener1"); l.DefaultPool != "pool2" {
			t.Errorf("default pool %q", l.DefaultPool)
		}
	})

	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool2"})
	c.settle()
	c.read(func(st *store.State) {
		if l, _ := st.Listener("listener1"); l.DefaultPool != "" || l.Revision != c.index {
			t.Errorf("after the pool went: %+v", l)
		}
	})
}

func TestMember(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	m := member("m3", "pool1", "10.0.0.9")
	m.Subnet = "sub"
	c.ok(store.MemberCreate, m)
	c.statuses(map[string]model.Provisioning{
		"m3": model.PendingCreate, "m1": model.Active, "pool1": model.PendingUpdate,
		"listener1": model.PendingUpdate, "lb1": model.PendingUpdate, "hm1": model.Active,
	})
	c.ok(store.MemberUpdate, &store.MemberPatch{ID: "m3", Pool: "pool1", Weight: ptr(0), MonitorPort: ptr(uint16(8080))})
	c.statuses(map[string]model.Provisioning{"m3": model.PendingCreate}) // its creation is what is pending
	c.settle()
	c.ok(store.MemberUpdate, &store.MemberPatch{ID: "m3", Pool: "pool1", Backup: ptr(true)})
	c.statuses(map[string]model.Provisioning{"m3": model.PendingUpdate})
	c.read(func(st *store.State) {
		got, _ := st.Member("m3")
		if got.Weight != 0 || got.MonitorPort != 8080 || !got.Backup || got.Address != addr("10.0.0.9") || got.Project != "p" {
			t.Errorf("updated %+v", got)
		}
		var ids []model.MemberID
		for _, m := range st.MembersOf("pool1") {
			ids = append(ids, m.ID)
		}
		if !cmp.Equal(ids, []model.MemberID{"m1", "m2", "m3"}) {
			t.Errorf("members %v", ids)
		}
	})

	c.ok(store.PoolCreate, pool("pool2", "lb1", ""))
	c.ok(store.MemberCreate, member("same", "pool2", "10.0.0.6")) // another pool
	mapped := member("m4", "pool1", "::ffff:10.0.0.9")
	tests := []struct {
		name    string
		kind    store.CommandKind
		in      any
		refused store.Kind
		want    string
	}{
		{"no pool", store.MemberCreate, member("m", "x", "10.0.0.9"), store.NotFound, "Pool x not found."},
		{"no pool for update", store.MemberUpdate, &store.MemberPatch{ID: "m1", Pool: "x"}, store.NotFound, "Pool x not found."},
		{"other pool", store.MemberUpdate, &store.MemberPatch{ID: "m1", Pool: "pool2"}, store.NotFound, "Member m1 not found."},
		{"no member", store.MemberDelete, &store.MemberRef{ID: "x", Pool: "pool1"}, store.NotFound, "Member x not found."},
		{
			"duplicate", store.MemberCreate, member("m4", "pool1", "10.0.0.9"), store.Conflict,
			"Another member on this pool is already using ip 10.0.0.9 on protocol_port 80",
		},
		{
			"duplicate, written otherwise", store.MemberCreate, mapped, store.Conflict,
			"Another member on this pool is already using ip ::ffff:10.0.0.9 on protocol_port 80",
		},
		{
			"no subnet", store.MemberCreate, &model.Member{ID: "m4", Pool: "pool1", Address: addr("10.0.0.10"), Port: 80, Subnet: "x"},
			store.Invalid, "Subnet x not found.",
		},
		{"no address", store.MemberCreate, &model.Member{ID: "m4", Pool: "pool1", Port: 80}, store.Invalid, "The IP Address  is invalid."},
		{
			"subnet in use", store.SubnetDelete, &store.SubnetRef{ID: "sub"}, store.Conflict,
			"Unable to complete operation on subnet sub: One or more ports have an IP allocation from this subnet.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { c.refused(tt.kind, tt.in, tt.refused, tt.want) })
	}
}

// A pool in ERROR keeps its members and monitor as they are; it can itself be
// changed, which is the way out, and deleted (contract 5.3).
func TestPoolInError(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "pool1"})
	c.settle(model.Failure{Object: "pool1", Reason: "n1: no memory"})
	c.statuses(map[string]model.Provisioning{"pool1": model.Error, "lb1": model.Active, "listener1": model.Active})
	immutable := "Pool pool1 is immutable and cannot be updated."
	c.refused(store.MemberCreate, member("m", "pool1", "10.0.0.9"), store.Conflict, immutable)
	c.refused(store.MemberUpdate, &store.MemberPatch{ID: "m1", Pool: "pool1"}, store.Conflict, immutable)
	c.refused(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "pool1"}, store.Conflict, immutable)
	c.refused(store.MemberBatch, batchOf(true), store.Conflict, immutable)
	c.refused(store.MonitorUpdate, &store.MonitorPatch{ID: "hm1"}, store.Conflict, immutable)
	c.refused(store.MonitorDelete, &store.MonitorRef{ID: "hm1"}, store.Conflict, immutable)
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "pool1", Name: ptr("again")})
	c.ok(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "pool1"})
	c.settle(model.Failure{Object: "pool1", Reason: "n1: no memory"})
	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool1"})
}

func TestMemberDelete(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	ref := &store.MemberRef{ID: "m1", Pool: "pool1"}
	c.ok(store.MemberDelete, ref)
	c.statuses(map[string]model.Provisioning{"m1": model.PendingDelete, "pool1": model.PendingUpdate, "listener1": model.PendingUpdate, "lb1": model.PendingUpdate})
	c.refused(store.MemberDelete, ref, store.Conflict, "Pool pool1 is immutable and cannot be updated.")
	// Its successor need not wait.
	c.ok(store.MemberCreate, member("m9", "pool1", "10.0.0.6"))
	c.refused(store.MemberCreate, member("m8", "pool1", "10.0.0.6"), store.Conflict,
		"Another member on this pool is already using ip 10.0.0.6 on protocol_port 80")
	c.settle()
	c.statuses(map[string]model.Provisioning{"m1": "gone", "m9": model.Active})
	c.refused(store.MemberCreate, member("m8", "pool1", "10.0.0.6"), store.Conflict,
		"Another member on this pool is already using ip 10.0.0.6 on protocol_port 80")
}

func TestMonitor(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.refused(store.MonitorCreate, monitor("hm2", "pool1"), store.Conflict, "This pool already has a health monitor")
	c.refused(store.MonitorCreate, monitor("hm2", "x"), store.NotFound, "Pool x not found.")
	c.ok(store.MonitorUpdate, &store.MonitorPatch{ID: "hm1", Delay: ptr(1), URLPath: ptr("/health")})
	c.statuses(map[string]model.Provisioning{"hm1": model.PendingUpdate, "pool1": model.PendingUpdate, "listener1": model.PendingUpdate, "m1": model.Active})
	c.read(func(st *store.State) {
		m, ok := st.MonitorOf("pool1")
		if !ok || m.Delay != 1 || m.URLPath != "/health" || m.MaxRetries != 4 {
			t.Errorf("monitor %+v", m)
		}
	})
	c.ok(store.MonitorDelete, &store.MonitorRef{ID: "hm1"})
	c.refused(store.MonitorDelete, &store.MonitorRef{ID: "hm1"}, store.Conflict, "Pool pool1 is immutable and cannot be updated.")
	c.settle()
	c.statuses(map[string]model.Provisioning{"hm1": "gone", "pool1": model.Active})
	c.refused(store.MonitorUpdate, &store.MonitorPatch{ID: "hm1"}, store.NotFound, "Health Monitor hm1 not found.")

	udp := pool("udp", "lb1", "")
	udp.Pool.Protocol = model.UDP
	c.ok(store.PoolCreate, udp)
	ping := monitor("hm2", "udp")
	ping.Type = model.MonitorPing
	c.refused(store.MonitorCreate, ping, store.Invalid,
		"Validation failure: The associated pool protocol is UDP, so only a UDP-CONNECT/SCTP/TCP/HTTP health monitor is supported.")
	connect := monitor("hm2", "pool1")
	connect.Type = model.MonitorUDPConnect
	c.refused(store.MonitorCreate, connect, store.Invalid,
		"Validation failure: The UDP-CONNECT type is only supported for pools of type UDP/SCTP.")
	connect.Pool = "udp"
	c.ok(store.MonitorCreate, connect)
}
