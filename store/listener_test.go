package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func TestListenerCreate(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	l := listener("l", "lb1", 8080)
	l.Project = "someone else" // the load balancer's counts
	l.DefaultPool = "pool1"
	l.AllowedCIDRs = prefixes("192.0.2.0/24")
	c.ok(store.ListenerCreate, l)
	c.statuses(map[string]model.Provisioning{
		"lb1": model.PendingUpdate, "l": model.PendingCreate,
		"pool1": model.Active, "listener1": model.Active,
	})
	c.read(func(st *store.State) {
		got, _ := st.Listener("l")
		if got.Project != "p" || got.Created != at(c.index) || got.Revision != c.index || !got.Updated.IsZero() {
			t.Errorf("created %+v", got.Base)
		}
		if using := st.ListenersUsing("pool1"); len(using) != 2 {
			t.Errorf("using the pool: %v", using)
		}
	})
}

func TestListenerRefusals(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.LoadBalancerCreate, lb("lb2"))
	c.ok(store.PoolCreate, pool("other", "lb2", ""))
	with := func(change func(*model.Listener)) *model.Listener {
		l := listener("l", "lb1", 8080)
		change(l)
		return l
	}
	tests := []struct {
		name string
		in   *model.Listener
		kind store.Kind
		want string
	}{
		{"no load balancer", listener("l", "x", 80), store.NotFound, "Load Balancer x not found."},
		{
			"same port", listener("l", "lb1", 80), store.Conflict,
			"Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80",
		},
		{
			"same port, same transport", with(func(l *model.Listener) { l.Port, l.Protocol = 80, model.TCP }), store.Conflict,
			"Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80",
		},
		{"id in use", listener("listener1", "lb1", 81), store.Conflict, "Already an entity with that specified id."},
		{"no pool", with(func(l *model.Listener) { l.DefaultPool = "x" }), store.NotFound, "Pool x not found."},
		{"pool of another", with(func(l *model.Listener) { l.DefaultPool = "other" }), store.NotFound, "Pool other not found."},
		{
			"protocols", with(func(l *model.Listener) { l.DefaultPool, l.Protocol = "pool1", model.UDP }), store.Invalid,
			"Validation failure: The pool protocol 'HTTP' is invalid while the listener protocol is 'UDP'.",
		},
		{
			"metrics with pool", with(func(l *model.Listener) { l.DefaultPool, l.Protocol = "pool1", model.Prometheus }), store.Invalid,
			"Protocol PROMETHEUS listeners cannot have child objects.",
		},
		{
			"family of CIDR", with(func(l *model.Listener) { l.AllowedCIDRs = prefixes("fe80::/64") }), store.Invalid,
			"Validation failure: CIDR fe80::/64 IP version incompatible with all VIPs ['10.0.0.254'] IP version.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { c.refused(store.ListenerCreate, tt.in, tt.kind, tt.want) })
	}
	c.ok(store.ListenerCreate, with(func(l *model.Listener) { l.Port, l.Protocol = 80, model.UDP }))
}

func TestListenerUpdate(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.PoolCreate, pool("pool2", "lb1", ""))
	c.ok(store.ListenerUpdate, &store.ListenerPatch{
		ID: "listener1", Name: ptr("n"), DefaultPool: ptr(model.PoolID("pool2")),
		InsertHeaders: ptr(map[string]string{"X-Forwarded-For": "true"}), ConnectionLimit: ptr(7),
	})
	c.statuses(map[string]model.Provisioning{"listener1": model.PendingUpdate, "lb1": model.PendingUpdate, "pool1": model.Active})
	c.read(func(st *store.State) {
		got, _ := st.Listener("listener1")
		want := *got
		want.Name, want.DefaultPool, want.ConnectionLimit = "n", "pool2", 7
		want.InsertHeaders = map[string]string{"X-Forwarded-For": "true"}
		if d := cmp.Diff(&want, got, byValue); d != "" {
			t.Error(d)
		}
		if u := st.ListenersUsing("pool1"); len(u) != 0 {
			t.Errorf("still using pool1: %v", u)
		}
	})
	c.ok(store.ListenerUpdate, &store.ListenerPatch{ID: "listener1", DefaultPool: ptr(model.PoolID(""))})
	c.refused(store.ListenerUpdate, &store.ListenerPatch{ID: "x"}, store.NotFound, "Listener x not found.")
	c.refused(store.ListenerUpdate, &store.ListenerPatch{ID: "listener1", DefaultPool: ptr(model.PoolID("x"))}, store.NotFound, "Pool x not found.")
	c.refused(store.ListenerUpdate, &store.ListenerPatch{ID: "listener1", AllowedCIDRs: ptr(prefixes("::/0"))}, store.Invalid,
		"Validation failure: CIDR ::/0 IP version incompatible with all VIPs ['10.0.0.254'] IP version.")
	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool2"})
	c.refused(store.ListenerUpdate, &store.ListenerPatch{ID: "listener1", DefaultPool: ptr(model.PoolID("pool2"))}, store.Conflict,
		"Pool pool2 is immutable and cannot be updated.")
}

func TestListenerDelete(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.ListenerDelete, &store.ListenerRef{ID: "listener1"})
	c.statuses(map[string]model.Provisioning{"listener1": model.PendingDelete, "lb1": model.PendingUpdate, "pool1": model.Active})
	immutable := "Load Balancer lb1 is immutable and cannot be updated."
	c.refused(store.ListenerDelete, &store.ListenerRef{ID: "listener1"}, store.Conflict, immutable)
	c.refused(store.ListenerUpdate, &store.ListenerPatch{ID: "listener1"}, store.Conflict, immutable)
	c.refused(store.ListenerCreate, listener("l", "lb1", 80), store.Conflict,
		"Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80")
	// A change of its pool does not call it back.
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "pool1", Name: ptr("n")})
	c.statuses(map[string]model.Provisioning{"listener1": model.PendingDelete})
	c.settle()
	c.statuses(map[string]model.Provisioning{"listener1": "gone", "lb1": model.Active})
	c.ok(store.ListenerCreate, listener("l", "lb1", 80))
	c.refused(store.ListenerDelete, &store.ListenerRef{ID: "listener1"}, store.NotFound, "Listener listener1 not found.")
}
