package app

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/raft"
	"lbd/store/model"
)

// spreadTable is a version of the table, with Spread on.
func spreadTable(version uint64, places map[model.LoadBalancerID]model.SpreadPlace) *raft.SpreadTable {
	return &raft.SpreadTable{Spread: model.Spread{Version: version, On: true}, Places: places}
}

func setText(s *lbSet) string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(s.has)) {
		ids = append(ids, string(id))
	}
	return strings.Join(ids, " ")
}

func at(node string, since uint64) model.SpreadPlace {
	return model.SpreadPlace{Node: model.NodeID(node), Since: since}
}

// TestShareLetsGoBeforeItObeys is one move from a node: it holds on while connections
// end, obeys only when the holder has confirmed that it let go, and gets it back only
// when it is cleared.
func TestShareLetsGoBeforeItObeys(t *testing.T) {
	all := &lbSet{has: setOf([]model.LoadBalancerID{"x", "y"})}
	now := time.Now()
	s, rights := newShare(), raft.Rights{Until: now.Add(time.Second), Holder: 1, Cleared: 5}
	seq := uint64(0)
	step := func(table *raft.SpreadTable, want string, letting string) {
		t.Helper()
		hold, taken := s.next(all, "a", table, rights, now)
		if setText(hold) != want || setText(&lbSet{has: setOf(taken)}) != letting {
			t.Errorf("holds %q, lets go of %v; want %q and %q", setText(hold), taken, want, letting)
		}
		seq++
		s.ordered(seq, hold, rights.Until, 1)
	}
	obeys := func(table *raft.SpreadTable, want bool) {
		t.Helper()
		if got := s.obeys("a", table, rights); got != want {
			t.Errorf("version %d obeyed: %v", table.Version, got)
		}
	}

	first := spreadTable(5, map[model.LoadBalancerID]model.SpreadPlace{"x": at("a", 0), "y": at("a", 5)})
	step(first, "x y", "")
	obeys(first, true) // all that may be held is given
	taken := spreadTable(7, map[model.LoadBalancerID]model.SpreadPlace{"x": at("b", 7), "y": at("a", 5)})
	step(taken, "x y", "x")
	obeys(taken, false)
	s.release([]model.LoadBalancerID{"x"})
	step(taken, "y", "")
	obeys(taken, false) // the holder may not have read that yet
	s.confirmed(seq - 1)
	obeys(taken, false)
	s.confirmed(seq)
	obeys(taken, true)

	back := spreadTable(9, map[model.LoadBalancerID]model.SpreadPlace{"x": at("a", 9), "y": at("a", 5)})
	step(back, "y", "")
	obeys(back, true)
	rights.Cleared = 9
	step(back, "x y", "")
	obeys(back, true)
}

// TestShareComesBackOnlyOnceItWasLetGo: what was taken and given back before this
// node let go of it may be held by who had it in between.
func TestShareComesBackOnlyOnceItWasLetGo(t *testing.T) {
	all := &lbSet{has: setOf([]model.LoadBalancerID{"x"})}
	now := time.Now()
	s, rights := newShare(), raft.Rights{Until: now.Add(time.Second), Holder: 1, Cleared: 5}
	s.ordered(1, all, rights.Until, 1)
	back := spreadTable(9, map[model.LoadBalancerID]model.SpreadPlace{"x": at("a", 9)})
	if hold, taken := s.next(all, "a", back, rights, now); setText(hold) != "x" || len(taken) != 1 {
		t.Errorf("holds %q, lets go of %v", setText(hold), taken)
	}
	if s.obeys("a", back, rights) {
		t.Error("it has obeyed before it has let go")
	}
}

// TestShareHoldsNothingOnAfterAGap: what was taken may be somebody else's by then.
func TestShareHoldsNothingOnAfterAGap(t *testing.T) {
	all := &lbSet{has: setOf([]model.LoadBalancerID{"x", "y"})}
	now := time.Now()
	taken := spreadTable(7, map[model.LoadBalancerID]model.SpreadPlace{"x": at("b", 7), "y": at("a", 0)})
	good := raft.Rights{Until: now.Add(time.Second), Holder: 1, Cleared: 5}
	for name, tc := range map[string]struct {
		until  time.Time // of the order before
		holder uint64
		rights raft.Rights
		want   string
	}{
		"none":                  {now.Add(time.Millisecond), 1, good, "x y"},
		"the order has ended":   {now, 1, good, "y"},
		"it was released":       {time.Time{}, 1, good, "y"},
		"another holder":        {now.Add(time.Millisecond), 2, good, "y"},
		"no lease":              {now.Add(time.Millisecond), 1, raft.Rights{Until: now, Holder: 1, Cleared: 5}, "y"},
		"there never was one":   {now.Add(time.Millisecond), 1, raft.Rights{Holder: 1}, ""},
		"nothing of it cleared": {now.Add(time.Millisecond), 1, raft.Rights{Until: good.Until, Holder: 1}, "x y"},
	} {
		s := newShare()
		s.ordered(1, all, tc.until, tc.holder)
		if hold, _ := s.next(all, "a", taken, tc.rights, now); setText(hold) != tc.want {
			t.Errorf("%s: holds %q, want %q", name, setText(hold), tc.want)
		}
	}
}

// TestShareForgetsNoOrder: however many orders are under way, what any of them gave
// to the holder counts.
func TestShareForgetsNoOrder(t *testing.T) {
	s := newShare()
	for i := range 3 * maxShareOrders {
		s.ordered(uint64(i+1), &lbSet{has: setOf([]model.LoadBalancerID{model.LoadBalancerID(rune('A' + i))})}, time.Now().Add(time.Second), 1)
	}
	if len(s.orders) > maxShareOrders {
		t.Errorf("%d orders are kept", len(s.orders))
	}
	if !s.mayBeHeld(func(lb model.LoadBalancerID) bool { return lb == "A" }) {
		t.Error("the first order is forgotten")
	}
	s.confirmed(3 * maxShareOrders)
	if s.mayBeHeld(func(lb model.LoadBalancerID) bool { return lb == "A" }) || len(s.orders) != 1 {
		t.Error("what is confirmed is not forgotten")
	}
}
