package raft

import (
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// handOver ends a, a leader of three, with a caretaker for it, and starts its next
// process.
func handOver(c *cluster, a *member) (care *Caretaker, settled chan struct{}) {
	c.t.Helper()
	care, err := a.node.Caretaker()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(care.Close)
	settled = make(chan struct{})
	a.cfg.Inherit, a.cfg.Settled = care.Term(), settled
	c.kill(a)
	return care, settled
}

// TestTheNextProcessOfALeaderLeads: between two processes of a leader nobody else
// leads, the lease runs all the while, and the second process leads in the next term.
func TestTheNextProcessOfALeaderLeads(t *testing.T) {
	t.Parallel()
	for _, other := range []model.NodeKind{model.DataNode, model.Witness} {
		t.Run(string(other), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			a := c.first("a")
			a.node.SetHolder(7)
			a.cfg.Holder = 7
			b := c.join("b", model.DataNode, a)
			c.join("c", other, a)
			c.voters(3, false)
			mustWrite(t, b, "before")
			if c.leader() != a {
				t.Fatal("a joining node took the lead")
			}
			care, settled := handOver(c, a)
			leased := func(when string) {
				t.Helper()
				until, holder := care.Lease()
				if holder != 7 || !time.Now().Before(until) {
					t.Errorf("%s the lease for holder %d ended %v ago", when, holder, time.Since(until))
				}
			}
			leased("right after the end")
			begun, until := time.Now(), time.Time{}
			eventually(t, "three detection times are over", func() bool {
				leased("meanwhile")
				now, _ := care.Lease()
				if now.Before(until) {
					t.Errorf("the lease shrank from %v to %v", until, now)
				}
				until = now
				return time.Since(begun) > 3*testTiming.Detect
			})
			for _, o := range c.others(a) {
				if s := o.node.State(); s.Term != care.Term() || s.Leader != c.members["a"].node.Self() {
					t.Errorf("%s: term %d, leader %q", o.name, s.Term, s.Leader)
				}
			}

			c.restart(a)
			if a.node.core.Load().fence.mayVote(care.Term()+1, false, time.Now().Add(time.Hour)) {
				t.Error("the next process votes while the one before has the lease")
			}
			begun = time.Now()
			if err := a.node.Inherit(ctxFor(t, patience)); err != nil {
				t.Fatal(err)
			}
			leased("once the next process leads")
			t.Logf("elected in %v", time.Since(begun))
			if s := a.node.State(); !s.IsLeader || s.Term != care.Term()+1 || s.Holder != 7 || !has(a, "before") {
				t.Errorf("%+v", s)
			}
			if err := a.node.Transfer(ctxFor(t, patience), ""); store.KindOf(err) != store.Conflict || !strings.Contains(err.Error(), "restarting") {
				t.Errorf("leadership is handed over while two processes act for the node: %v", err)
			}
			close(settled)
			care.Close()
			mustWrite(t, b, "after")
			eventually(t, "leadership can be handed over again", func() bool { return a.node.Transfer(ctxFor(t, patience), b.node.Self()) == nil })
			c.leader(b)
		})
	}
}

// A process that comes too late does not lead, and is told so.
func TestTheNextProcessOfALeaderComesTooLate(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	c.join("c", model.DataNode, a)
	c.voters(3, false)
	c.leader()
	care, settled := handOver(c, a)
	care.Close()
	c.leader(c.others(a)...)
	if until, _ := care.Lease(); time.Now().Before(until) {
		t.Error("another node leads within the lease")
	}
	c.restart(a)
	eventually(t, "the next process hears of it", func() bool { return a.node.State().Term > care.Term() })
	if err := a.node.Inherit(ctxFor(t, patience)); err == nil {
		t.Error("it leads")
	}
	close(settled)
	mustWrite(t, b, "after")
	eventually(t, "it is an ordinary member", func() bool { return has(a, "after") })
	eventually(t, "it votes", func() bool { return a.node.core.Load().fence.mayVote(0, false, time.Now().Add(time.Hour)) })
}

// A leader that moves its VIPs, or that nobody else confirms, has nothing to bequeath.
func TestNoCaretakerForALeaseThatIsNotConfirmed(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	if _, err := a.node.Caretaker(); err == nil {
		t.Error("of a sole voter: see Freeze")
	}
	b := c.join("b", model.DataNode, a)
	w := c.join("w", model.Witness, a)
	c.voters(3, false)
	c.leader()
	if _, err := b.node.Caretaker(); err == nil || !strings.Contains(err.Error(), "does not lead") {
		t.Errorf("of a follower: %v", err)
	}
	if err := a.node.Transfer(ctxFor(t, patience), b.node.Self()); err != nil {
		t.Fatal(err)
	}
	c.leader(b)
	c.kill(w)
	c.wire.both("a", "b", true)
	eventually(t, "the leader is alone", func() bool { return time.Now().After(b.node.State().LeaseUntil) })
	if _, err := b.node.Caretaker(); err == nil {
		t.Error("nobody answers")
	}
}
