package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// line is the policies of a listener by position, which must be dense.
func (c *cluster) line(listener string) (ids []string) {
	c.t.Helper()
	c.read(func(st *store.State) {
		for i, p := range st.PoliciesOf(model.ListenerID(listener)) {
			if p.Position != i+1 {
				c.t.Errorf("%s has position %d, want %d", p.ID, p.Position, i+1)
			}
			ids = append(ids, string(p.ID))
		}
	})
	return ids
}

func (c *cluster) wantLine(listener string, want ...string) {
	c.t.Helper()
	if d := cmp.Diff(append([]string{}, want...), append([]string{}, c.line(listener)...)); d != "" {
		c.t.Errorf("policies of %s: %s", listener, d)
	}
}

func TestL7PolicyPositions(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	at := func(id string, position int) *model.L7Policy {
		p := policy(id, "listener1")
		p.Position = position
		return p
	}
	c.ok(store.L7PolicyCreate, at("a", 0))
	c.ok(store.L7PolicyCreate, at("b", 100))
	c.wantLine("listener1", "a", "b")
	c.ok(store.L7PolicyCreate, at("c", 1))
	c.ok(store.L7PolicyCreate, at("d", 2))
	c.wantLine("listener1", "c", "d", "a", "b")
	c.ok(store.L7PolicyCreate, at("e", 5))
	c.wantLine("listener1", "c", "d", "a", "b", "e")

	move := func(id string, to int) {
		t.Helper()
		c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: model.L7PolicyID(id), Position: &to})
	}
	move("c", 3)
	c.wantLine("listener1", "d", "a", "c", "b", "e")
	move("e", 1)
	c.wantLine("listener1", "e", "d", "a", "c", "b")
	move("d", 2147483647)
	c.wantLine("listener1", "e", "a", "c", "b", "d")
	move("a", 2)
	c.wantLine("listener1", "e", "a", "c", "b", "d")
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "c", Name: ptr("stays")})
	c.wantLine("listener1", "e", "a", "c", "b", "d")

	// One that is being deleted keeps its place until it is gone.
	c.ok(store.L7PolicyDelete, &store.L7PolicyRef{ID: "a"})
	c.wantLine("listener1", "e", "a", "c", "b", "d")
	c.settle()
	c.wantLine("listener1", "e", "c", "b", "d")
	c.ok(store.L7PolicyDelete, &store.L7PolicyRef{ID: "e"})
	c.ok(store.L7PolicyDelete, &store.L7PolicyRef{ID: "d"})
	c.settle()
	c.wantLine("listener1", "c", "b")
}

func TestL7Statuses(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.PoolCreate, pool("pool2", "lb1", ""))
	c.settle()
	p, l := model.PendingUpdate, model.Active
	step := func(kind store.CommandKind, payload any, policy, rule model.Provisioning) {
		t.Helper()
		c.ok(kind, payload)
		c.statuses(map[string]model.Provisioning{
			"lb1": p, "listener1": p, "pool1": l, "pool2": l, "m1": l, "l7": policy, "r": rule,
		})
		c.settle()
		c.statuses(map[string]model.Provisioning{"lb1": l, "listener1": l})
	}
	step(store.L7PolicyCreate, toPool("l7", "listener1", "pool2"), model.PendingCreate, "gone")
	step(store.L7RuleCreate, rule("r", "l7"), p, model.PendingCreate)
	step(store.L7RuleUpdate, &store.L7RulePatch{ID: "r", Policy: "l7", Invert: ptr(true)}, p, p)
	step(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", Name: ptr("n")}, p, l)
	step(store.L7RuleDelete, &store.L7RuleRef{ID: "r", Policy: "l7"}, p, model.PendingDelete)
	c.statuses(map[string]model.Provisioning{"l7": l, "r": "gone"})
	step(store.L7PolicyDelete, &store.L7PolicyRef{ID: "l7"}, model.PendingDelete, "gone")
	c.statuses(map[string]model.Provisioning{"l7": "gone"})
}

// A listener uses a pool through an enabled policy that has a rule.
func TestPoolUsedByPolicy(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.PoolCreate, pool("pool2", "lb1", ""))
	c.ok(store.L7PolicyCreate, toPool("l7", "listener1", "pool2"))
	used := func(want bool) {
		t.Helper()
		c.settle()
		c.read(func(st *store.State) {
			by := st.ListenersUsing("pool2")
			l, _ := st.Listener("listener1")
			pools := st.PoolsUsedBy(l)
			if got := len(by) == 1 && by[0].ID == "listener1"; got != want || len(pools) != len(by)+1 || pools[0].ID != "pool1" {
				t.Errorf("used by %v, listener uses %v", by, pools)
			}
		})
		c.ok(store.MemberCreate, member("new", "pool2", "10.0.0.7"))
		c.statuses(map[string]model.Provisioning{"listener1": map[bool]model.Provisioning{true: model.PendingUpdate, false: model.Active}[want]})
		c.ok(store.MemberDelete, &store.MemberRef{ID: "new", Pool: "pool2"})
		c.settle()
	}
	used(false)
	c.ok(store.L7RuleCreate, rule("r", "l7"))
	used(true)
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", AdminStateUp: ptr(false)})
	used(false)
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", AdminStateUp: ptr(true)})
	used(true)

	c.refused(store.PoolDelete, &store.PoolRef{ID: "pool2"}, store.Conflict, "Pool pool2 is in use by L7 policy l7")
	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool1"}) // a default pool may go
	c.ok(store.L7PolicyDelete, &store.L7PolicyRef{ID: "l7"})
	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool2"}) // queued behind its policy
	c.settle()
	c.statuses(map[string]model.Provisioning{"l7": "gone", "r": "gone", "pool1": "gone", "pool2": "gone", "listener1": model.Active})
}

func TestL7Refusals(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	tcp := listener("tcp", "lb1", 81)
	tcp.Protocol = model.TCP
	c.ok(store.ListenerCreate, tcp)
	metrics := listener("metrics", "lb1", 82)
	metrics.Protocol = model.Prometheus
	c.ok(store.ListenerCreate, metrics)
	tcpPool := pool("tcppool", "lb1", "")
	tcpPool.Pool.Protocol = model.TCP
	c.ok(store.PoolCreate, tcpPool)
	c.ok(store.LoadBalancerCreate, lb("lb2"))
	c.ok(store.PoolCreate, pool("foreign", "lb2", ""))
	c.ok(store.L7PolicyCreate, toPool("l7", "listener1", "pool1"))
	c.ok(store.L7RuleCreate, rule("r", "l7"))
	c.settle()

	url := policy("x", "listener1")
	url.Action = model.L7RedirectURL
	prefix := policy("x", "listener1")
	prefix.Action = model.L7RedirectPrefix
	odd := policy("x", "listener1")
	odd.Action = "BLESS"
	for _, tc := range []struct {
		kind    store.CommandKind
		payload any
		refusal store.Kind
		message string
	}{
		{store.L7PolicyCreate, policy("x", "none"), store.NotFound, "Listener none not found."},
		{
			store.L7PolicyCreate, policy("x", "tcp"), store.Unsupported,
			"Provider '' does not support a requested option: TCP protocol listeners do not support L7 policies",
		},
		{store.L7PolicyCreate, policy("x", "metrics"), store.Invalid, "Protocol PROMETHEUS listeners cannot have child objects."},
		{store.L7PolicyCreate, toPool("x", "listener1", "none"), store.NotFound, "Pool none not found."},
		{store.L7PolicyCreate, toPool("x", "listener1", "foreign"), store.NotFound, "Pool foreign not found."},
		{
			store.L7PolicyCreate, toPool("x", "listener1", "tcppool"), store.Invalid,
			"Validation failure: The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'.",
		},
		{store.L7PolicyCreate, policy("l7", "listener1"), store.Conflict, "Already an entity with that specified id."},
		{store.L7PolicyCreate, toPool("x", "listener1", ""), store.Invalid, "Invalid L7 Policy arguments: redirect_pool_id or redirect_pool must not be None"},
		{store.L7PolicyCreate, url, store.Invalid, "Invalid L7 Policy arguments: redirect_url must not be None"},
		{store.L7PolicyCreate, prefix, store.Invalid, "Invalid L7 Policy arguments: redirect_prefix must not be None"},
		{store.L7PolicyCreate, odd, store.Invalid, "Invalid L7 Policy action specified: BLESS"},
		{store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "x"}, store.NotFound, "L7 Policy x not found."},
		{
			store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", RedirectPool: ptr(model.PoolID(""))}, store.Invalid,
			"Invalid L7 Policy arguments: redirect_pool_id or redirect_pool must not be None",
		},
		{store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", RedirectPool: ptr(model.PoolID("foreign"))}, store.NotFound, "Pool foreign not found."},
		{store.L7PolicyDelete, &store.L7PolicyRef{ID: "x"}, store.NotFound, "L7 Policy x not found."},
		{store.L7RuleCreate, rule("x", "none"), store.NotFound, "L7Policy none not found."},
		{store.L7RuleCreate, rule("r", "l7"), store.Conflict, "Already an entity with that specified id."},
		{store.L7RuleUpdate, &store.L7RulePatch{ID: "r", Policy: "none"}, store.NotFound, "L7Policy none not found."},
		{store.L7RuleDelete, &store.L7RuleRef{ID: "x", Policy: "l7"}, store.NotFound, "L7 Rule x not found."},
	} {
		t.Run(tc.message, func(t *testing.T) { c.refused(tc.kind, tc.payload, tc.refusal, tc.message) })
	}

	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7"})
	c.settle(model.Failure{Object: "l7", Reason: "n1: too many regular expressions"})
	broken := "L7Policy l7 is immutable and cannot be updated."
	c.refused(store.L7RuleCreate, rule("x", "l7"), store.Conflict, broken)
	c.refused(store.L7RuleUpdate, &store.L7RulePatch{ID: "r", Policy: "l7"}, store.Conflict, broken)
	c.refused(store.L7RuleDelete, &store.L7RuleRef{ID: "r", Policy: "l7"}, store.Conflict, broken)
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", Name: ptr("another chance")})

	c.ok(store.L7RuleDelete, &store.L7RuleRef{ID: "r", Policy: "l7"})
	c.refused(store.L7RuleUpdate, &store.L7RulePatch{ID: "r", Policy: "l7"}, store.Conflict, "L7Policy l7 is immutable and cannot be updated.")
	c.ok(store.L7PolicyDelete, &store.L7PolicyRef{ID: "l7"})
	c.refused(store.L7RuleCreate, rule("x", "l7"), store.Conflict, "L7Policy l7 is immutable and cannot be updated.")
	c.refused(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7"}, store.Conflict, "Load Balancer lb1 is immutable and cannot be updated.")
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true})
	c.refused(store.L7PolicyCreate, policy("x", "listener1"), store.Conflict, "Load Balancer lb1 is immutable and cannot be updated.")
	c.settle()
	c.statuses(map[string]model.Provisioning{"l7": "gone", "r": "gone", "listener1": "gone"})
}

func TestL7RuleLimit(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.L7PolicyCreate, policy("l7", "listener1"))
	for i := range model.MaxL7Rules {
		c.ok(store.L7RuleCreate, rule(fmt.Sprint("r", i), "l7"))
	}
	c.ok(store.L7RuleDelete, &store.L7RuleRef{ID: "r0", Policy: "l7"})
	c.refused(store.L7RuleCreate, rule("more", "l7"), store.Conflict, "Too many rules on L7 policy l7")
	c.settle()
	c.ok(store.L7RuleCreate, rule("more", "l7"))
}

// What belongs to another action goes when the action changes (contract 4.4).
func TestL7PolicyAction(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	type redirect struct {
		Action      model.L7Action
		Pool        model.PoolID
		URL, Prefix string
		Code        int
	}
	want := func(want redirect) {
		t.Helper()
		c.read(func(st *store.State) {
			p, _ := st.L7Policy("l7")
			if d := cmp.Diff(want, redirect{p.Action, p.RedirectPool, p.RedirectURL, p.RedirectPrefix, p.RedirectCode}); d != "" {
				t.Error(d)
			}
		})
	}
	p := policy("l7", "listener1")
	p.RedirectCode = 301
	c.ok(store.L7PolicyCreate, p)
	want(redirect{Action: model.L7Reject, Code: 301})
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", Action: ptr(model.L7RedirectURL), RedirectURL: ptr("http://a")})
	want(redirect{Action: model.L7RedirectURL, URL: "http://a", Code: 301})
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", RedirectCode: ptr(0)})
	want(redirect{Action: model.L7RedirectURL, URL: "http://a", Code: 302})
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", Action: ptr(model.L7RedirectPrefix), RedirectPrefix: ptr("http://b"), RedirectCode: ptr(308)})
	want(redirect{Action: model.L7RedirectPrefix, Prefix: "http://b", Code: 308})
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", Action: ptr(model.L7RedirectPool), RedirectPool: ptr(model.PoolID("pool1"))})
	want(redirect{Action: model.L7RedirectPool, Pool: "pool1"})
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", RedirectCode: ptr(301), Name: ptr("n")})
	want(redirect{Action: model.L7RedirectPool, Pool: "pool1"})
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "l7", Action: ptr(model.L7Reject)})
	want(redirect{Action: model.L7Reject})
}

func TestConfigHasPolicies(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.ListenerCreate, listener("l", "lb1", 80))
	c.ok(store.ListenerCreate, listener("k", "lb1", 81))
	c.ok(store.PoolCreate, pool("p", "lb1", ""))
	c.ok(store.L7PolicyCreate, toPool("a", "k", "p"))
	c.ok(store.L7PolicyCreate, policy("b", "l"))
	first := policy("c", "l")
	first.Position = 1
	c.ok(store.L7PolicyCreate, first)
	c.ok(store.L7RuleCreate, rule("r1", "b"))
	c.ok(store.L7RuleCreate, rule("r0", "b"))
	expect := func(want string) {
		t.Helper()
		if d := cmp.Diff([]string{"lb1 [10.0.0.254]: l→ k→ p()" + want}, outline(c.s.Config())); d != "" {
			t.Error(d)
		}
	}
	expect(" l:c→[] l:b→[r1 r0 ] k:a→p[]")
	c.ok(store.L7RuleDelete, &store.L7RuleRef{ID: "r1", Policy: "b"})
	c.ok(store.L7PolicyDelete, &store.L7PolicyRef{ID: "a"})
	expect(" l:c→[] l:b→[r0 ]")
	c.settle()
	c.ok(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "b", Position: ptr(1)})
	expect(" l:b→[r0 ] l:c→[]")
}

// A load balancer that cannot be created takes its policies and rules along.
func TestL7FailsWithItsLoadBalancer(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.ListenerCreate, listener("l", "lb1", 80))
	c.ok(store.L7PolicyCreate, policy("l7", "l"))
	c.ok(store.L7RuleCreate, rule("r", "l7"))
	c.settle(model.Failure{Object: "lb1", Reason: "no address"})
	c.statuses(map[string]model.Provisioning{"lb1": model.Error, "l": model.Error, "l7": model.Error, "r": model.Error})
}
