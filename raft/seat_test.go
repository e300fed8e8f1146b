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
									for flags := range 4 * 6 {
										silent, gone := flags&1 != 0, flags&2 != 0
										registers, locked := RegistersState(flags/4%3), flags >= 12
										q := seatQuestion{
											Term: term, Candidate: "me", Pre: pre, Voted: voted, Parity: parity, RealPeers: peers,
											Silence: silence, Detect: d, Up: up, Arbiter: arbiter, VIPSilent: silent, Gone: gone,
											Registers: registers, Locked: locked,
										}
										a := decideSeat(q)
										inferred := registers == RegistersNone && (gone || silence >= d && up >= 4*d) && arbiter && silent
										alone := peers <= 1 && (inferred || registers == RegistersReady && locked)
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
	t.Helper()
	return pairUp(t, newCluster(t))
}

// lockPair is seatPair with an arbiter that keeps the lock and shows nothing else:
// it does not count that it answers, nor what is seen of the VIPs.
func lockPair(t *testing.T) (c *cluster, a, b *member) {
	t.Helper()
	c = newCluster(t)
	c.register = &testRegister{cut: map[string]bool{}}
	return pairUp(t, c)
}

// witnessPair is two data nodes and a witness.
func witnessPair(t *testing.T) (c *cluster, a, b *member) {
	t.Helper()
	c = newCluster(t)
	a = c.first("a")
	b = c.join("b", model.DataNode, a)
	c.join("w", model.Witness, a)
	c.voters(3, false)
	return c, a, b
}

func pairUp(t *testing.T, c *cluster) (_ *cluster, a, b *member) {
	t.Helper()
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

// owns tells whether a node leads with a lease.
func owns(m *member) bool {
	s := m.node.State()
	return s.IsLeader && time.Now().Before(s.LeaseUntil)
}

// watchOwners counts the moments at which both own, until the function it returns
// is called.
func watchOwners(a, b *member) (both func() int) {
	stop, count := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				count <- n
				return
			case <-time.After(time.Millisecond):
				if owns(a) && owns(b) && owns(a) {
					n++
				}
			}
		}
	}()
	return func() int { close(stop); return <-count }
}

func TestNodesThatHearNothingOfEachOtherShareTheArbitersLock(t *testing.T) {
	t.Parallel()
	c, a, b := lockPair(t)
	eventually(t, "the leader has the lock", func() bool { _, ok := a.node.claim.Load().held(time.Now()); return ok })
	both := watchOwners(a, b)
	c.wire.both("a", "b", true)
	eventually(t, "a notices", func() bool { return a.node.State().Quorum == QuorumArbiter })
	// Long enough for several claims of b, each of which takes the entry for a moment.
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if b.node.State().IsLeader {
			t.Fatal("b leads although a holds the lock")
		}
	}
	eventually(t, "a owns: it holds the lock", func() bool { return owns(a) })
	if b.node.State().IsLeader {
		t.Error("b leads although a holds the lock")
	}
	// Now a loses the arbiter: b is the one that can serve.
	c.register.reach("a", false)
	c.leader(b)
	eventually(t, "b owns", func() bool { return owns(b) })
	c.register.reach("a", true)
	c.wire.both("a", "b", false)
	eventually(t, "healed", func() bool { return c.leader().node.State().Quorum == QuorumOK })
	mustWrite(t, a, "healed")
	if n := both(); n > 0 {
		t.Errorf("both owned at %d moments", n)
	}
}

func TestBothRestartedInAnyOrderWithTheLock(t *testing.T) {
	t.Parallel()
	c, a, b := lockPair(t)
	for _, first := range []*member{b, a} {
		c.kill(a)
		c.kill(b)
		second := a
		if first == a {
			second = b
		}
		c.restart(first)
		c.leader(first)
		eventually(t, "it owns alone", func() bool { return owns(first) })
		if err := write(t, first, "closed"); store.KindOf(err) != store.Unavailable {
			t.Errorf("write while alone: %v", err)
		}
		c.restart(second)
		eventually(t, "writes are open", func() bool { return c.leader().node.State().Quorum == QuorumOK })
		mustWrite(t, second, "open-after-"+first.name)
	}
}

func TestLostLockOfALoneLeaderIsNoOwnership(t *testing.T) {
	t.Parallel()
	c, a, b := lockPair(t)
	c.kill(b)
	eventually(t, "held by the arbiter", func() bool { return a.node.State().Quorum == QuorumArbiter })
	c.register.mu.Lock()
	c.register.owner, c.register.cut["a"] = "b", true // whom a does not see
	c.register.mu.Unlock()
	eventually(t, "the lease ends", func() bool { return !owns(a) })
	c.register.reach("a", true)
	eventually(t, "it comes back", func() bool { return owns(a) })
}

// A survivor's first entry waits for the peer, whom the library asks ever less often: a
// lock that is lost ends the term without either of them. The quicker of two times tells.
func TestASurvivorThatLostTheLockStepsDownAtOnce(t *testing.T) {
	t.Parallel()
	c, a, b := lockPair(t)
	c.leader(a)
	c.kill(a)
	quickest := time.Hour
	for range 2 {
		c.leader(b)
		term, since := b.node.core.Load().term(), time.Now()
		eventually(t, "b leads for long enough", func() bool {
			if now := b.node.core.Load().term(); now != term {
				term, since = now, time.Now()
			}
			return time.Since(since) > 2500*time.Millisecond
		})
		c.register.reach("b", false)
		eventually(t, "the lease ends", func() bool { return !owns(b) })
		over := time.Now()
		eventually(t, "b steps down", func() bool { return !b.node.core.Load().leadsIn(term) })
		quickest = min(quickest, time.Since(over))
		c.register.reach("b", true)
		eventually(t, "b comes back", func() bool { return owns(b) })
	}
	if want := libTimeout / 4; quickest > want {
		t.Errorf("b stepped down %s after its lease at best, want at most %s", quickest, want)
	}
}

// A standby that stood in vain is in a later term than the leader, whose lease the
// arbiter or a witness keeps up. It refuses that leader's beats: the leader must get to
// know why.
func TestAStandbyThatStoodInVainComesBack(t *testing.T) {
	t.Run("arbiter", func(t *testing.T) {
		t.Parallel()
		c, a, b := lockPair(t)
		testInVain(t, c, a, b)
	})
	t.Run("witness", func(t *testing.T) {
		t.Parallel()
		c, a, b := witnessPair(t)
		testInVain(t, c, a, b)
	})
}

func testInVain(t *testing.T, c *cluster, a, b *member) {
	c.leader(a)
	c.wire.both("a", "b", true)
	eventually(t, "a goes on without b", func() bool { return a.node.State().Quorum != QuorumLost && owns(a) })
	term := b.node.core.Load().lib.Load().CurrentTerm()
	eventually(t, "b owes nothing", func() bool { return !b.node.core.Load().fence.loyal(time.Now()) })
	b.node.trans.inject(&hraft.TimeoutNowRequest{RPCHeader: b.node.trans.header()})
	eventually(t, "b stands", func() bool { return b.node.core.Load().lib.Load().CurrentTerm() > term })
	if !owns(a) {
		t.Fatal("a does not own: it was not in vain")
	}
	c.wire.both("a", "b", false)
	eventually(t, "both take part", func() bool {
		l := c.leader()
		other := map[*member]*member{a: b, b: a}[l]
		return l.node.State().Quorum == QuorumOK && other.node.core.Load().fence.sinceContact(time.Now()) < other.node.Timing().Detect
	})
	mustWrite(t, a, "both again")
	mustWrite(t, b, "both again from the other")
}
