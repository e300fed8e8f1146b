package spread

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// table reads "x:a y: z:b": load balancers with the nodes they belong to.
func table(s string) Table {
	t := Table{Places: map[model.LoadBalancerID]model.SpreadPlace{}}
	for _, f := range strings.Fields(s) {
		lb, node, _ := strings.Cut(f, ":")
		t.LoadBalancers = append(t.LoadBalancers, model.LoadBalancerID(lb))
		if node != "" {
			t.Places[model.LoadBalancerID(lb)] = model.SpreadPlace{Node: model.NodeID(node)}
		}
	}
	return t
}

// nodes reads "a b? c!": b is alive and not ready, c is dead.
func nodes(s string) (all []Node) {
	for _, f := range strings.Fields(s) {
		id := strings.TrimRight(f, "?!")
		all = append(all, Node{ID: model.NodeID(id), Alive: !strings.HasSuffix(f, "!"), Ready: f == id})
	}
	return all
}

func text(moves []store.SpreadMove) string {
	var out []string
	for _, m := range moves {
		out = append(out, fmt.Sprintf("%s:%s", m.LoadBalancer, m.Node))
	}
	return strings.Join(out, " ")
}

func TestPlans(t *testing.T) {
	for _, tc := range []struct{ name, table, nodes, tend, balance string }{
		{"nothing", "", "a b", "", ""},
		{"nobody", "x:a y:", "", "", ""},
		{"new ones go to who has least", "u:a v:a x: y: z:", "a b", "x:b y:b z:a", "x:b y:b z:a"},
		{"the first by id among equals", "x: y:", "b a", "x:a y:b", "x:a y:b"},
		{"even is left alone", "x:a y:b z:a", "a b", "", ""},
		{"uneven is left alone until it is asked for", "w:a x:a y:a z:a", "a b", "", "y:b z:b"},
		{"a dead node's go to the survivors", "u:a v:a w:b x:b y:c z:c", "a! b c", "u:b v:c", "u:b v:c"},
		{"so do those of one that leaves", "x:a y:b", "a? b", "x:b", "x:b"},
		{"and of one that is gone", "x:gone y:b", "b c", "x:c", "x:c"},
		{"the last ones stay where they are", "x:a y:b", "a? b?", "", ""},
		{"alive is better than dead", "x:a y:b", "a! b?", "x:b", "x:b"},
		{"all dead", "x:a y:", "a! b!", "", ""},
		{"no more than it takes", "s:a t:a u:a v:a w:a x:b y:b z:c", "a b c", "", "v:b w:c"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := text(Tend(table(tc.table), nodes(tc.nodes))); got != tc.tend {
				t.Errorf("tend: %q, want %q", got, tc.tend)
			}
			if got := text(Balance(table(tc.table), nodes(tc.nodes))); got != tc.balance {
				t.Errorf("balance: %q, want %q", got, tc.balance)
			}
		})
	}
}

func TestAwayAndGather(t *testing.T) {
	for _, tc := range []struct{ table, nodes, want string }{
		{"x:a y:b", "a b c", "x:c"},
		{"x:a y:b", "a b c?", "x:b"},
		{"x:a y:b", "a b!", ""},
		{"x:a", "a", ""},
	} {
		got := ""
		if m, ok := Away(table(tc.table), nodes(tc.nodes), "x"); ok {
			got = text([]store.SpreadMove{m})
		}
		if got != tc.want {
			t.Errorf("away from %s with %s: %q, want %q", tc.table, tc.nodes, got, tc.want)
		}
	}
	if got := text(Gather(table("x:a z:c y:b w:"), "a")); got != "w:a y:a z:a" {
		t.Errorf("gather: %q", got)
	}
}

// TestBalanceIsEvenAndMinimal: whatever was before, the shares of ready nodes differ
// by one at most, nobody else has anything, nothing moves that need not, the order of
// what is given does not matter, and a second time there is nothing to do.
func TestBalanceIsEvenAndMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Node
		for i := range rapid.IntRange(1, 5).Draw(t, "nodes") {
			ready := i == 0 || rapid.Bool().Draw(t, "ready")
			all = append(all, Node{ID: model.NodeID(rune('a' + i)), Ready: ready, Alive: ready || rapid.Bool().Draw(t, "alive")})
		}
		tab := Table{Places: map[model.LoadBalancerID]model.SpreadPlace{}}
		had := map[model.NodeID]int{}
		for i := range rapid.IntRange(0, 30).Draw(t, "lbs") {
			lb := model.LoadBalancerID(fmt.Sprintf("lb%02d", i))
			tab.LoadBalancers = append(tab.LoadBalancers, lb)
			if n := model.NodeID(rune('a' + rapid.IntRange(0, 6).Draw(t, "at"))); n != "g" {
				tab.Places[lb] = model.SpreadPlace{Node: n}
				had[n]++
			}
		}
		moves := Balance(tab, all)
		after := Table{LoadBalancers: tab.LoadBalancers, Places: map[model.LoadBalancerID]model.SpreadPlace{}}
		for lb, p := range tab.Places {
			after.Places[lb] = p
		}
		for _, m := range moves {
			if tab.Places[m.LoadBalancer].Node == m.Node {
				t.Fatalf("%v moves nowhere", m)
			}
			after.Places[m.LoadBalancer] = model.SpreadPlace{Node: m.Node}
		}
		has := map[model.NodeID]int{}
		for _, lb := range tab.LoadBalancers {
			has[after.Places[lb].Node]++
		}
		low, ready, kept := len(tab.LoadBalancers), 0, 0
		var counts []int
		for _, n := range all {
			if !n.Ready {
				if has[n.ID] > 0 {
					t.Fatalf("%s is not ready and has %d", n.ID, has[n.ID])
				}
				continue
			}
			ready++
			low = min(low, has[n.ID])
			counts = append(counts, had[n.ID])
		}
		for _, n := range all {
			if n.Ready && has[n.ID] > low+1 {
				t.Fatalf("%s has %d, another %d", n.ID, has[n.ID], low)
			}
		}
		// The most that can stay: the larger shares keep the odd ones.
		slices.Sort(counts)
		slices.Reverse(counts)
		each, odd := len(tab.LoadBalancers)/ready, len(tab.LoadBalancers)%ready
		for i, c := range counts {
			kept += min(c, each+btoi(i < odd))
		}
		if want := len(tab.LoadBalancers) - kept; len(moves) != want {
			t.Fatalf("%d moves, %d would do", len(moves), want)
		}
		slices.Reverse(tab.LoadBalancers)
		slices.Reverse(all)
		if again := Balance(tab, all); text(again) != text(moves) {
			t.Fatalf("in another order: %s, not %s", text(again), text(moves))
		}
		if more := Balance(after, all); len(more) > 0 {
			t.Fatalf("a second time: %v", more)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
