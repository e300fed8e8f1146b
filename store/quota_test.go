package store_test

import (
	"testing"

	"lbd/store"
	"lbd/store/model"
)

func limits(class model.QuotaClass, n int) *store.QuotaPatch {
	return &store.QuotaPatch{Project: "p", Limits: map[model.QuotaClass]*int{class: &n}}
}

func TestQuotaOfEveryClass(t *testing.T) {
	for class, tc := range map[model.QuotaClass]struct {
		noun string
		kind store.CommandKind
		more func(i string) any
	}{
		model.QuotaLoadBalancer:  {"Load Balancer", store.LoadBalancerCreate, func(i string) any { return lb("lb" + i) }},
		model.QuotaListener:      {"Listener", store.ListenerCreate, func(i string) any { return listener("l"+i, "lb1", 100+uint16(i[0])) }},
		model.QuotaPool:          {"Pool", store.PoolCreate, func(i string) any { return pool("p"+i, "lb1", "") }},
		model.QuotaMember:        {"Member", store.MemberCreate, func(i string) any { return member("m"+i, "pool1", "10.0.0.4"+i) }},
		model.QuotaL7Policy:      {"L7 Policy", store.L7PolicyCreate, func(i string) any { return policy("l7"+i, "listener1") }},
		model.QuotaL7Rule:        {"L7 Rule", store.L7RuleCreate, func(i string) any { return rule("r"+i, "l7") }},
		model.QuotaHealthMonitor: {"Health Monitor", store.MonitorCreate, func(i string) any { return monitor("hm"+i, "free"+i) }},
	} {
		t.Run(string(class), func(t *testing.T) {
			c := newCluster(t)
			c.walkthrough()
			c.ok(store.L7PolicyCreate, policy("l7", "listener1"))
			c.ok(store.PoolCreate, pool("free8", "lb1", ""))
			c.ok(store.PoolCreate, pool("free9", "lb1", ""))
			c.settle()
			used := 0
			c.read(func(st *store.State) { used = st.Usage("p", class) })
			message := "Quota has been met for resources: " + tc.noun

			c.ok(store.QuotaUpdate, limits(class, used))
			c.refused(tc.kind, tc.more("8"), store.Quota, message)
			c.ok(store.QuotaUpdate, limits(class, used+1))
			c.ok(tc.kind, tc.more("8"))
			c.refused(tc.kind, tc.more("9"), store.Quota, message)
			c.ok(store.QuotaUpdate, limits(class, 0)) // below what there is: allowed
			c.refused(tc.kind, tc.more("9"), store.Quota, message)
			c.ok(store.QuotaReset, &store.QuotaRef{Project: "p"})
			c.ok(tc.kind, tc.more("9"))
			c.read(func(st *store.State) {
				if got := st.Usage("p", class); got != used+2 {
					t.Errorf("%d are in use, want %d", got, used+2)
				}
			})
		})
	}
}

// What is being deleted counts until it is gone.
func TestQuotaCountsWhatIsBeingDeleted(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.QuotaUpdate, limits(model.QuotaMember, 2))
	c.ok(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "pool1"})
	c.refused(store.MemberCreate, member("m3", "pool1", "10.0.0.7"), store.Quota, "Quota has been met for resources: Member")
	c.settle()
	c.ok(store.MemberCreate, member("m3", "pool1", "10.0.0.7"))

	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true})
	c.settle()
	c.read(func(st *store.State) {
		for _, class := range model.QuotaClasses() {
			if n := st.Usage("p", class); n != 0 {
				t.Errorf("%d of class %s are left", n, class)
			}
		}
	})
}

func TestQuotaRows(t *testing.T) {
	c := newCluster(t)
	c.refused(store.QuotaReset, &store.QuotaRef{Project: "p"}, store.NotFound, "Quotas p not found.")
	c.refused(store.QuotaUpdate, limits("colour", 1), store.Invalid, "Validation failure: unknown quota class colour.")
	c.refused(store.QuotaUpdate, limits(model.QuotaPool, -2), store.Invalid, "Validation failure: the limit -2 is out of range.")
	c.ok(store.QuotaUpdate, limits(model.QuotaPool, 5))
	c.ok(store.QuotaUpdate, limits(model.QuotaMember, 7))
	c.read(func(st *store.State) {
		if q := st.Quota("p"); q.Limit(model.QuotaPool) != 5 || q.Limit(model.QuotaMember) != 7 || q.Limit(model.QuotaListener) != model.Unlimited {
			t.Errorf("limits are %v", q.Limits)
		}
	})
	c.ok(store.QuotaUpdate, &store.QuotaPatch{Project: "p", Limits: map[model.QuotaClass]*int{model.QuotaPool: nil}})
	c.read(func(st *store.State) {
		if q := st.Quota("p"); q.Limit(model.QuotaPool) != model.Unlimited || q.Limit(model.QuotaMember) != 7 {
			t.Errorf("limits are %v", q.Limits)
		}
		if len(st.Quotas()) != 1 || !st.HasQuota("p") || st.HasQuota("q") {
			t.Errorf("rows are %v", st.Quotas())
		}
	})
}
