package raft

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// holding is what a VIP holder would have been told: the latest end of a lease,
// by term.
type holding struct {
	who   string
	first time.Time // when this node was first seen with a lease in the term
	until time.Time
}

// watchLeases looks at all nodes all the time until stop is closed, and then
// complains about every two terms whose leases overlap.
func watchLeases(t *testing.T, members []*member, stop <-chan struct{}) func() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	terms := make(map[uint64]holding)
	for _, m := range members {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := m.node.State()
				if now := time.Now(); s.IsLeader && now.Before(s.LeaseUntil) {
					mu.Lock()
					h, ok := terms[s.Term]
					if ok && h.who != m.name {
						t.Errorf("%s and %s both lead in term %d", h.who, m.name, s.Term)
					}
					if !ok {
						h = holding{who: m.name, first: now}
					}
					if s.LeaseUntil.After(h.until) {
						h.until = s.LeaseUntil
					}
					terms[s.Term] = h
					mu.Unlock()
				}
				time.Sleep(500 * time.Microsecond)
			}
		})
	}
	return func() {
		wg.Wait()
		for ta, a := range terms {
			for tb, b := range terms {
				if ta < tb && !b.first.After(a.until) {
					t.Errorf("%s holds a lease of term %d until %v after %s has one of term %d", a.who, ta, a.until.Sub(b.first), b.who, tb)
				}
			}
		}
		t.Logf("%d terms", len(terms))
	}
}

func TestLeasesDoNotOverlapUnderPartitions(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	d := c.join("d", model.DataNode, a)
	c.voters(3, false)
	members := []*member{a, b, d}
	stop := make(chan struct{})
	check := watchLeases(t, members, stop)

	var acked []string
	for i := range 6 {
		lead := c.leader()
		rest := c.others(lead)
		switch i % 3 {
		case 0: // the leader is cut off
			c.wire.both(lead.name, rest[0].name, true)
			c.wire.both(lead.name, rest[1].name, true)
		case 1: // it is heard but hears nothing
			c.wire.cut(rest[0].name, lead.name, true)
			c.wire.cut(rest[1].name, lead.name, true)
		case 2: // it hears but is not heard by one
			c.wire.cut(lead.name, rest[rand.IntN(2)].name, true)
		}
		name := fmt.Sprintf("p-%d", i)
		if i%3 != 2 {
			c.leader(rest...)
			if write(t, rest[0], name) == nil {
				acked = append(acked, name)
			}
		}
		for _, x := range members {
			for _, y := range members {
				c.wire.cut(x.name, y.name, false)
			}
		}
		mustWrite(t, lead, "healed-"+name)
		acked = append(acked, "healed-"+name)
	}
	close(stop)
	check()
	for _, m := range members {
		if err := m.node.Read(ctxFor(t, patience)); err != nil {
			t.Errorf("read on %s: %v", m.name, err)
		}
		for _, name := range acked {
			if !has(m, name) {
				t.Errorf("%s lacks %s", m.name, name)
			}
		}
	}
}

func TestReturningNodeDoesNotDeposeTheLeader(t *testing.T) {
	t.Parallel()
	c, a, b := witnessPair(t)
	lead, term := c.leader(), a.node.State().Term
	cut := b
	if lead == b {
		cut = a
	}
	for _, o := range c.others(cut) {
		c.wire.both(cut.name, o.name, true)
	}
	time.Sleep(5 * c.timing.Detect) // it tries to stand again and again
	for _, o := range c.others(cut) {
		c.wire.both(cut.name, o.name, false)
	}
	mustWrite(t, cut, "back")
	if s := lead.node.State(); !s.IsLeader || s.Term != term {
		t.Errorf("the leader of term %d was deposed: %+v", term, s)
	}
}

func TestApplyWithoutAQuorumIsRefusedInTime(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a) // no arbiter: the seat helps nobody
	c.voters(2, true)
	c.kill(b)
	begun := time.Now()
	err := write(t, a, "x")
	if store.KindOf(err) != store.Unavailable {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > writeWait+2*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	eventually(t, "the quorum is shown as lost", func() bool { return a.node.State().Quorum == QuorumLost })
}

// A node that was away for long is told of the log as soon as it is back: the library,
// left alone, would do so up to 10 s later.
func TestANodeThatIsBackCatchesUpAtOnce(t *testing.T) {
	t.Parallel()
	c, a, b := witnessPair(t)
	mustWrite(t, b, "before")
	away := func(yes bool) {
		c.wire.both("a", "b", yes)
		c.wire.both("a", "w", yes)
	}
	away(true)
	gone := time.Now()
	c.leader(b)
	eventually(t, "a was away for long", func() bool { return time.Since(gone) > 6200*time.Millisecond })
	mustWrite(t, b, "meanwhile")
	away(false)
	peers, id := b.node.core.Load().peers, a.node.core.Load().id
	eventually(t, "a answers", func() bool { return peers.sinceAnswer(id, time.Now()) < b.node.Timing().Detect })
	back := time.Now()
	eventually(t, "a has what was written meanwhile", func() bool { return has(a, "meanwhile") })
	if took := time.Since(back); took > time.Second {
		t.Errorf("a had caught up %v after it had answered", took)
	}
}
