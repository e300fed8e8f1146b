package raft

import (
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// outOf waits until a has taken the silent node with that name out on the
// operator's word.
func outOf(t *testing.T, a *member, id model.NodeID) {
	t.Helper()
	var refused error
	eventually(t, "the dead peer is removed", func() bool {
		err := a.node.Remove(ctxFor(t, patience), id)
		if err != nil && store.KindOf(err) != store.Conflict && store.KindOf(err) != store.Unavailable {
			t.Fatalf("remove: %v", err)
		}
		if store.KindOf(err) == store.Conflict {
			refused = err
		}
		return err == nil
	})
	if refused == nil || !strings.Contains(refused.Error(), "was heard") {
		t.Errorf("a peer that was heard a moment ago is removed without question: %v", refused)
	}
}

// A peer that is dead for good is removed while the arbiter holds the quorum. What
// was acknowledged stays, writes are open again, and should the dead one live after
// all it learns of it before it can do harm, and for good.
func TestRemoveDeadPeerWhileTheArbiterHoldsTheQuorum(t *testing.T) {
	t.Parallel()
	c, a, b := lockPair(t)
	gone := b.node.Self()
	c.kill(b)
	eventually(t, "the arbiter holds the quorum", func() bool { return a.node.State().Quorum == QuorumArbiter })
	if err := write(t, a, "closed"); store.KindOf(err) != store.Unavailable {
		t.Fatalf("a write while the arbiter holds the quorum: %v", err)
	}
	outOf(t, a, gone)
	c.voters(1, false)
	mustWrite(t, a, "alone")
	if !has(a, "both") {
		t.Error("an acknowledged write is gone")
	}
	a.st.Read(func(st *store.State) {
		if _, still := st.Node(gone); still {
			t.Error("the record of the removed node is still there")
		}
	})

	// The dead one comes back, with the arbiter's lock free for the taking.
	term := a.node.State().Term
	c.start(b)
	eventually(t, "the returned node knows that it was removed", func() bool { return b.node.State().Removed })
	time.Sleep(4 * testTiming.Detect) // long enough to be elected with its half of the seat
	if s := b.node.State(); s.IsLeader || !s.LeaseUntil.IsZero() {
		t.Errorf("a removed node leads: %+v", s)
	}
	if s := a.node.State(); !s.IsLeader || s.Term != term {
		t.Errorf("a removed node disturbed the leader: %+v", s)
	}
	c.kill(b)
	if _, err := Open(b.cfg, store.New()); err == nil || !strings.Contains(err.Error(), "removed from its cluster") {
		t.Errorf("a removed node starts again: %v", err)
	}
	c.kill(a)
	c.restart(a)
	c.leader(a)
	delete(c.members, "b")
	c.join("b", model.DataNode, a) // another machine of the same name
	c.voters(2, true)
	mustWrite(t, a, "whole")
}

// A node that starts without the peer, and so cannot learn from a quorum what is
// committed, shows what it had applied before all the same.
func TestRestartedAloneItShowsWhatItKnew(t *testing.T) {
	t.Parallel()
	c, a, b := lockPair(t)
	for _, snapshot := range []bool{false, true} {
		name := "later"
		if snapshot {
			name = "after a snapshot"
			if err := a.node.core.Load().lib.Load().Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
		}
		mustWrite(t, a, name)
		c.kill(b)
		c.kill(a)
		c.start(a)
		if !has(a, "both") || !has(a, name) {
			t.Fatalf("with snapshot %v: what was acknowledged is not shown before a quorum confirms it", snapshot)
		}
		c.start(b)
		a.serve()
		b.serve()
		c.leader()
		mustWrite(t, a, "whole"+name)
		if n := len(networks(a.st)); n != map[bool]int{false: 3, true: 5}[snapshot] {
			t.Errorf("%d networks: %v", n, networks(a.st))
		}
	}
}
