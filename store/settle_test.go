package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func TestSettle(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.ListenerCreate, listener("l1", "lb1", 80))
	upTo := c.index
	c.ok(store.ListenerCreate, listener("l2", "lb1", 81))
	c.ok(store.SettleKind, &store.Settle{Index: upTo})
	// The load balancer was written again by l2.
	c.statuses(map[string]model.Provisioning{"l1": model.Active, "l2": model.PendingCreate, "lb1": model.PendingCreate})
	c.read(func(st *store.State) {
		l, _ := st.Listener("l1")
		if l.Pending != 0 || l.Updated != at(c.index) || l.Revision != c.index {
			t.Errorf("settled %+v", l.Base)
		}
		if newest, ok := st.PendingSince(); !ok || newest != upTo+1 {
			t.Errorf("pending since %d %v", newest, ok)
		}
	})
	c.settle()
	c.statuses(map[string]model.Provisioning{"l1": model.Active, "l2": model.Active, "lb1": model.Active})
	c.read(func(st *store.State) {
		if newest, ok := st.PendingSince(); ok || newest != 0 {
			t.Errorf("pending since %d %v", newest, ok)
		}
	})
	before := c.s.Content()
	c.ok(store.SettleKind, &store.Settle{Index: upTo}) // late: nothing to do
	if d := cmp.Diff(before, c.s.Content()); d != "" {
		t.Error("a late settle changed something")
	}
}

func TestSettleFailures(t *testing.T) {
	t.Run("child", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.ok(store.ListenerCreate, listener("l2", "lb1", 81))
		c.settle(model.Failure{Object: "l2", Reason: "n1: bind: address already in use"})
		c.statuses(map[string]model.Provisioning{"l2": model.Error, "lb1": model.Active, "listener1": model.Active})
		c.read(func(st *store.State) {
			if l, _ := st.Listener("l2"); l.Reason != "n1: bind: address already in use" {
				t.Errorf("reason %q", l.Reason)
			}
		})
		// A later write is a new chance.
		c.ok(store.ListenerUpdate, &store.ListenerPatch{ID: "l2", Name: ptr("n")})
		c.statuses(map[string]model.Provisioning{"l2": model.PendingUpdate})
		c.settle()
		c.read(func(st *store.State) {
			if l, _ := st.Listener("l2"); l.Provisioning != model.Active || l.Reason != "" {
				t.Errorf("after its second chance: %+v", l.Base)
			}
		})
	})
	t.Run("created load balancer", func(t *testing.T) {
		c := newCluster(t)
		c.networks()
		c.ok(store.LoadBalancerCreate, lb("lb1"))
		c.ok(store.ListenerCreate, listener("l1", "lb1", 80))
		c.ok(store.PoolCreate, pool("p1", "", "l1"))
		c.ok(store.MemberCreate, member("m1", "p1", "10.0.0.6"))
		c.ok(store.MonitorCreate, monitor("h1", "p1"))
		c.settle(model.Failure{Object: "lb1", Reason: "n1: no interface"}, model.Failure{Object: "m1", Reason: "own"})
		c.statuses(map[string]model.Provisioning{"lb1": model.Error, "l1": model.Error, "p1": model.Error, "m1": model.Error, "h1": model.Error})
		c.read(func(st *store.State) {
			m, _ := st.Member("m1")
			l, _ := st.Listener("l1")
			if m.Reason != "own" || l.Reason != "load balancer lb1: n1: no interface" {
				t.Errorf("reasons %q, %q", m.Reason, l.Reason)
			}
		})
	})
	t.Run("updated load balancer", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.ok(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb1"})
		c.settle(model.Failure{Object: "lb1", Reason: "r"})
		c.statuses(map[string]model.Provisioning{"lb1": model.Error, "listener1": model.Active, "pool1": model.Active})
	})
	t.Run("deleted", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.ok(store.ListenerDelete, &store.ListenerRef{ID: "listener1"})
		c.settle(model.Failure{Object: "listener1", Reason: "r"})
		c.statuses(map[string]model.Provisioning{"listener1": "gone"})
	})
	t.Run("settled long ago", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.settle(model.Failure{Object: "listener1", Reason: "r"})
		c.statuses(map[string]model.Provisioning{"listener1": model.Active})
	})
}

func TestSettleable(t *testing.T) {
	c := newCluster(t)
	c.ok(store.NodePut, &model.Node{ID: "b", Name: "n1", Kind: model.DataNode})
	c.ok(store.NodePut, &model.Node{ID: "a", Name: "n2", Kind: model.DataNode})
	c.ok(store.NodePut, &model.Node{ID: "w", Name: "n3", Kind: model.Witness})
	c.walkthrough()
	c.ok(store.ListenerCreate, listener("l2", "lb1", 81))
	l2 := c.index
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "pool1"})
	last := c.index
	heard := func(node model.NodeID, applied uint64, failures ...model.Failure) model.Heard {
		return model.Heard{Report: model.Report{Node: node, Applied: applied, Failures: failures}, Age: time.Millisecond}
	}
	fail := func(object, reason string) model.Failure { return model.Failure{Object: object, Reason: reason} }
	tests := []struct {
		name string
		live []model.Heard
		want store.Settle
		ok   bool
	}{
		{"nobody", nil, store.Settle{}, false},
		{"witness alone", []model.Heard{heard("w", 0)}, store.Settle{}, false},
		{"one behind", []model.Heard{heard("a", last), heard("b", l2-1)}, store.Settle{}, false},
		{"one new", []model.Heard{heard("a", last), heard("b", 0)}, store.Settle{}, false},
		{"part", []model.Heard{heard("a", last), heard("b", l2), heard("w", 0)}, store.Settle{Index: l2}, true},
		{"all", []model.Heard{heard("a", last+5), heard("b", last)}, store.Settle{Index: last}, true},
		{"failures merged by node name", []model.Heard{
			heard("a", last, fail("l2", "in use"), fail("listener1", "old")),
			heard("b", last, fail("l2", "no right"), fail("hm1", "settled")),
		}, store.Settle{Index: last, Failures: []model.Failure{
			fail("l2", "n1: no right; n2: in use"), fail("listener1", "n2: old"),
		}}, true},
		{"failure of what is pending later", []model.Heard{heard("a", l2, fail("pool1", "x")), heard("b", last)}, store.Settle{Index: l2}, true},
		{"unknown node counts", []model.Heard{heard("new", l2-1), heard("b", last)}, store.Settle{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.read(func(st *store.State) {
				got, ok := store.Settleable(st, tt.live)
				if d := cmp.Diff(tt.want, got); ok != tt.ok || d != "" {
					t.Errorf("ok %v, %s", ok, d)
				}
			})
		})
	}
	c.settle()
	c.read(func(st *store.State) {
		if s, ok := store.Settleable(st, []model.Heard{heard("a", c.index), heard("b", c.index)}); ok {
			t.Errorf("nothing is pending, but %+v", s)
		}
	})
}
