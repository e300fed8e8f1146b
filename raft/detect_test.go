package raft

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store/model"
)

// Who waits for whom when a leader is silent: for data nodes alone, and not for the
// silent one.
func TestCandidatesAreStaggered(t *testing.T) {
	for _, c := range []struct {
		voters     []hraft.ServerID
		id, silent hraft.ServerID
		want       int
	}{
		{[]hraft.ServerID{"a", "b", "w"}, "b", "a", 0},
		{[]hraft.ServerID{"a", "w", "x"}, "x", "a", 0},
		{[]hraft.ServerID{"a", "w", "x"}, "x", "", 1},
		{[]hraft.ServerID{"c", "b", "a"}, "c", "b", 1},
		{[]hraft.ServerID{"c", "b", "a"}, "c", "", 2},
		{[]hraft.ServerID{seatID, "x"}, "x", "", 0},
	} {
		may := func(id hraft.ServerID) bool { return id != c.silent && id != "w" }
		if got := rankAmong(c.voters, c.id, may); got != c.want {
			t.Errorf("of %v, %s waits for %d when %q is silent, want %d", c.voters, c.id, got, c.silent, c.want)
		}
	}
}

// Who is asked whether it would vote, and how often, until there is a result.
func TestPoll(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context) func() bool {
		return func() bool { <-ctx.Done(); return false }
	}
	for _, c := range []struct {
		name  string
		asks  func(asked *atomic.Int32, ended context.Context) []func() bool
		need  int
		want  bool
		least int32 // how often those who say no are asked
	}{
		{"nobody to ask", func(*atomic.Int32, context.Context) []func() bool { return nil }, 0, true, 0},
		{"all say no", func(n *atomic.Int32, _ context.Context) []func() bool {
			no := func() bool { n.Add(1); return false }
			return []func() bool{no, no}
		}, 1, false, 2},
		// The leader is silent, and this voter has heard it a little later than we have.
		{"yes at the third time", func(n *atomic.Int32, ended context.Context) []func() bool {
			return []func() bool{silent(ended), func() bool { return n.Add(1) == 3 }}
		}, 1, true, 3},
		{"one yes is not enough", func(n *atomic.Int32, _ context.Context) []func() bool {
			return []func() bool{func() bool { return true }, func() bool { n.Add(1); return false }}
		}, 2, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			var asked atomic.Int32
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			if got := poll(ctx, wg.Go, c.asks(&asked, ctx), c.need, nil); got != c.want {
				t.Errorf("got %v", got)
			}
			if ctx.Err() != nil {
				t.Error("it waited for who does not answer")
			}
			if n := asked.Load(); n < c.least {
				t.Errorf("asked %d times, want %d", n, c.least)
			}
		})
	}
}

// A vote is split when both who are left stand, and neither has the other's vote. Once
// they can talk, one of them stands again by itself: the library would in a minute here.
func TestSplitVote(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.below = time.Minute
	a := c.first("a")
	b, d := c.join("b", model.DataNode, a), c.join("d", model.DataNode, a)
	c.voters(3, false)
	c.leader(a)
	term := a.node.State().Term
	for _, pair := range [][2]string{{"a", "b"}, {"a", "d"}, {"b", "d"}} {
		c.wire.both(pair[0], pair[1], true)
	}
	for _, m := range []*member{b, d} {
		eventually(t, m.name+" owes nothing", func() bool { return !m.node.core.Load().fence.loyal(time.Now()) })
		m.node.trans.inject(&hraft.TimeoutNowRequest{RPCHeader: m.node.trans.header()})
	}
	for _, m := range []*member{b, d} {
		eventually(t, m.name+" stands", func() bool { return m.node.core.Load().lib.Load().CurrentTerm() > term })
	}
	c.wire.both("b", "d", false)
	c.leader(b, d)
}
