package raft

import (
	"strings"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// TestSeatDecision goes through every combination of what the seat looks at and
// states the rule a second time, the other way round.
func TestSeatDecision(t *testing.T) {
	const d = 100 * time.Millisecond
	cases, granted := 0, 0
	for _, pre := range []bool{false, true} {
		for _, term := range []uint64{4, 5, 6, 7} {
			for _, parity := range []uint64{0, 1} {
				for _, voted := range []seatVote{{}, {4, "me"}, {5, "me"}, {6, "me"}, {7, "me"}, {6, "other"}, {9, "me"}} {
					for _, peers := range []int{0, 1, 2} {
						for _, silence := range []time.Duration{0, d - 1, d, time.Hour} {
							for _, up := range []time.Duration{0, seatUp*d - 1, seatUp * d, time.Hour} {
								for _, arbiter := range []bool{false, true} {
									for _, flags := range []int{0, 1, 2, 3} {
										silent, gone := flags&1 != 0, flags&2 != 0
										q := seatQuestion{
											Term: term, Candidate: "me", Pre: pre, Voted: voted, Parity: parity, RealPeers: peers,
											Silence: silence, Detect: d, Up: up, Arbiter: arbiter, VIPSilent: silent, Gone: gone,
										}
										a := decideSeat(q)
										alone := peers == 1 && (gone || silence >= d && up >= 4*d) && arbiter && silent
										fresh := term > voted.Term || term == voted.Term && voted.For == "me"
										mine := term%2 == parity
										want := alone && term >= voted.Term && (pre || mine && fresh)
										if a.Granted != want {
											t.Fatalf("%+v: granted %v (%s), want %v", q, a.Granted, a.Why, want)
										}
										if a.Granted != (a.Why == "") {
											t.Fatalf("%+v: reason %q", q, a.Why)
										}
										if a.Granted && a.Term != term {
											t.Fatalf("%+v: granted with term %d", q, a.Term)
										}
										if !alone && a.Term > max(term, voted.Term) {
											t.Fatalf("%+v: the term is moved to %d without need", q, a.Term)
										}
										// The library goes to the term it is told and stands for the one after.
										if alone && !pre && !mine && term >= voted.Term && (a.Term <= term || (a.Term+1)%2 != parity) {
											t.Fatalf("%+v: told term %d, next candidacy %d is not this node's", q, a.Term, a.Term+1)
										}
										cases++
										granted += btoi(a.Granted)
									}
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d cases, %d granted", cases, granted)
}

// TestSeatNeverHelpsBothInOneTerm: whatever each node knows, no term is granted to both.
func TestSeatNeverHelpsBothInOneTerm(t *testing.T) {
	a := &seat{core: &core{id: "a"}}
	b := &seat{core: &core{id: "b"}}
	pa := a.parity([]hraft.Server{{ID: "b"}})
	pb := b.parity([]hraft.Server{{ID: "a"}})
	if pa == pb {
		t.Fatalf("both nodes have parity %d", pa)
	}
}

func seatPair(t *testing.T) (c *cluster, a, b *member) {
	c = newCluster(t)
	c.arbiter = &testArbiter{c: c}
	c.arbiter.answers.Store(true)
	a = c.first("a")
	b = c.join("b", model.DataNode, a)
	c.voters(2, true)
	if c.leader() != a {
		t.Fatal("the first node does not lead")
	}
	mustWrite(t, b, "both")
	return c, a, b
}

// upLongEnough waits until the seat of m may vote.
func upLongEnough(t *testing.T, m *member) {
	t.Helper()
	eventually(t, "seat may vote", func() bool {
		c := m.node.core.Load()
		return time.Since(c.start) > seatUp*c.timing().Detect
	})
}

func TestSurvivorLeadsWithTheSeatAndWritesAreClosed(t *testing.T) {
	t.Parallel()
	c, a, b := seatPair(t)
	// Both parities: the same node takes over twice, from different terms.
	for round := range 2 {
		upLongEnough(t, b)
		begun := time.Now()
		c.kill(a)
		c.leader(b)
		t.Logf("takeover took %v with detection after %v", time.Since(begun), c.timing.Detect)
		if term := b.node.State().Term; term%2 != b.node.trans.seat.parity([]hraft.Server{{ID: hraftID(a.node.Self())}}) {
			t.Errorf("leads in term %d of the peer's parity", term)
		}
		begun = time.Now()
		err := write(t, b, "closed")
		if store.KindOf(err) != store.Unavailable || !strings.Contains(err.Error(), "held by the arbiter") || !strings.Contains(err.Error(), "node a ") {
			t.Errorf("write: %v", err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the refusal took %v", took)
		}
		if err := b.node.Read(ctxFor(t, patience)); store.KindOf(err) != store.Unavailable {
			t.Errorf("consistent read: %v", err)
		}
		if s := b.node.State(); s.Quorum != QuorumArbiter {
			t.Errorf("quorum is %q", s.Quorum)
		}
		last := b.node.State().LastIndex
		eventually(t, "the lease goes on", func() bool { return time.Until(b.node.State().LeaseUntil) > c.timing.Lease/2 })
		if now := b.node.State().LastIndex; now != last {
			t.Errorf("the log grew from %d to %d while writes are closed", last, now)
		}

		c.restart(a)
		eventually(t, "writes are open", func() bool { return c.leader().node.State().Quorum == QuorumOK })
		if c.leader() != b {
			t.Error("the node that came back took the lead")
		}
		name := "open-" + string(rune('0'+round))
		mustWrite(t, a, name)
		eventually(t, "the write is on both", func() bool { return has(a, name) && has(b, name) })
		if round == 0 { // an odd number of further terms
			if err := b.node.Transfer(ctxFor(t, patience), ""); err != nil {
				t.Fatal(err)
			}
			c.leader(a)
		}
	}
}

func TestLeaderKeepsTheLeaseWhenTheStandbyDies(t *testing.T) {
	t.Parallel()
	c, a, b := seatPair(t)
	term := a.node.State().Term
	stop := make(chan struct{})
	lost := make(chan bool)
	go func() {
		bad := false
		for {
			select {
			case <-stop:
				lost <- bad
				return
			default:
			}
			s := a.node.State()
			bad = bad || !s.IsLeader || !time.Now().Before(s.LeaseUntil)
			time.Sleep(time.Millisecond)
		}
	}()
	c.kill(b)
	eventually(t, "held by the arbiter", func() bool { return a.node.State().Quorum == QuorumArbiter })
	time.Sleep(2 * c.timing.Detect) // long enough for every lease of before to end
	close(stop)
	if <-lost || a.node.State().Term != term {
		t.Error("the leader lost its lease when the standby died")
	}
	// Without the arbiter nothing speaks for this node any more.
	c.arbiter.answers.Store(false)
	eventually(t, "the lease ends", func() bool { return !a.node.State().IsLeader })
	c.arbiter.answers.Store(true)
	c.leader(a)
	c.restart(b)
	eventually(t, "writes are open", func() bool { return c.leader().node.State().Quorum == QuorumOK })
	mustWrite(t, b, "again")
}

func TestSeatDoesNotHelpAgainstAVisibleOwner(t *testing.T) {
	t.Parallel()
	c, a, b := seatPair(t)
	upLongEnough(t, b)
	// The nodes do not hear each other; the data network works, so the VIP of a
	// is seen by b's probe.
	c.wire.both("a", "b", true)
	eventually(t, "a notices", func() bool { return a.node.State().Quorum == QuorumArbiter })
	time.Sleep(4 * c.timing.Detect) // the time in which a wrong takeover would come
	if b.node.State().IsLeader {
		t.Fatal("b leads although a's VIP answers")
	}
	if s := a.node.State(); !s.IsLeader || !time.Now().Before(s.LeaseUntil) {
		t.Fatal("a gave up although the arbiter answers")
	}
	c.wire.both("a", "b", false)
	eventually(t, "healed", func() bool { return c.leader().node.State().Quorum == QuorumOK })
	mustWrite(t, b, "healed")
}
