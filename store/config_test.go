package store_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// outline is a Config in words.
func outline(cfg *model.Config) []string {
	out := []string{}
	for _, sv := range cfg.Services {
		line := fmt.Sprintf("%s %v:", sv.LoadBalancer.ID, sv.Addresses)
		for _, l := range sv.Listeners {
			line += fmt.Sprintf(" %s→%s", l.ID, l.DefaultPool)
		}
		for _, b := range sv.Pools {
			line += fmt.Sprintf(" %s(", b.Pool.ID)
			for _, m := range b.Members {
				line += string(m.ID) + " "
			}
			if b.Monitor != nil {
				line += string(b.Monitor.ID)
			}
			line += ")"
		}
		for _, p := range sv.Policies {
			line += fmt.Sprintf(" %s:%s→%s[", p.Policy.Listener, p.Policy.ID, p.Policy.RedirectPool)
			for _, r := range p.Rules {
				line += string(r.ID) + " "
			}
			line += "]"
		}
		out = append(out, line)
	}
	return out
}

func TestConfig(t *testing.T) {
	c := newCluster(t)
	expect := func(want ...string) {
		t.Helper()
		cfg := c.s.Config()
		if d := cmp.Diff(append([]string{}, want...), outline(cfg)); d != "" {
			t.Error(d)
		}
		if cfg.Index != c.index {
			t.Errorf("index %d, want %d", cfg.Index, c.index)
		}
	}
	expect()
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	expect("lb1 [10.0.0.254]:")
	c.ok(store.ListenerCreate, listener("l", "lb1", 80))
	c.ok(store.PoolCreate, pool("p", "", "l"))
	expect("lb1 [10.0.0.254]: l→p p()")
	c.ok(store.MemberCreate, member("m1", "p", "10.0.0.6"))
	c.ok(store.MemberCreate, member("m2", "p", "10.0.0.3"))
	c.ok(store.MonitorCreate, monitor("h", "p"))
	expect("lb1 [10.0.0.254]: l→p p(m1 m2 h)")
	c.settle()
	expect("lb1 [10.0.0.254]: l→p p(m1 m2 h)")

	c.ok(store.MemberUpdate, &store.MemberPatch{ID: "m1", Pool: "p", AdminStateUp: ptr(false)})
	expect("lb1 [10.0.0.254]: l→p p(m1 m2 h)") // whether to serve it is the data plane's decision
	c.ok(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "p"})
	expect("lb1 [10.0.0.254]: l→p p(m2 h)")
	c.ok(store.MonitorDelete, &store.MonitorRef{ID: "h"})
	expect("lb1 [10.0.0.254]: l→p p(m2 )")
	c.ok(store.PoolDelete, &store.PoolRef{ID: "p"})
	expect("lb1 [10.0.0.254]: l→")
	c.settle()
	expect("lb1 [10.0.0.254]: l→")
	c.ok(store.LoadBalancerCreate, lb("lb2"))
	c.ok(store.ListenerDelete, &store.ListenerRef{ID: "l"})
	expect("lb1 [10.0.0.254]:", "lb2 [10.0.0.253]:")
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1"})
	expect("lb2 [10.0.0.253]:")
	c.settle()
	expect("lb2 [10.0.0.253]:")
}

func TestConfigReusesWhatDidNotChange(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.LoadBalancerCreate, lb("lb2"))
	c.ok(store.PoolCreate, pool("pool2", "lb1", ""))
	c.settle()
	first := c.s.Config()
	if c.s.Config() != first {
		t.Error("an unchanged store gives another Config")
	}

	c.ok(store.MemberCreate, member("m", "pool2", "10.0.0.9"))
	second := c.s.Config()
	if second.Services[0] == first.Services[0] || second.Services[1] != first.Services[1] {
		t.Error("want the service that changed, and only that, to be new")
	}
	if second.Services[0].Pools[0] != first.Services[0].Pools[0] || second.Services[0].Pools[1] == first.Services[0].Pools[1] {
		t.Error("want the pool that changed, and only that, to be new")
	}
	if len(first.Services[0].Pools[1].Members) != 0 {
		t.Error("a Config changed after it was made")
	}

	c.settle()
	third := c.s.Config()
	if third.Index != c.index || &third.Services[0] != &second.Services[0] {
		t.Error("settling is no change for the data plane")
	}
}

// A Config made step by step equals one made at once.
func TestConfigAfterRestore(t *testing.T) {
	c := newCluster(t)
	c.networks()
	for i := range 70 { // more than are inserted one by one
		c.ok(store.LoadBalancerCreate, lb(fmt.Sprintf("lb%d", i)))
		if i%9 == 0 {
			c.s.Config()
		}
	}
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb33"})
	var b bytes.Buffer
	if err := c.s.Snapshot().Write(&b); err != nil {
		t.Fatal(err)
	}
	other := newCluster(t)
	other.walkthrough()
	other.s.Config()
	if err := other.s.Restore(&b); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c.s.Config(), other.s.Config(), byValue); d != "" {
		t.Error(d)
	}
	if n := len(other.s.Config().Services); n != 69 {
		t.Errorf("%d services", n)
	}
}
