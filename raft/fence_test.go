package raft

import (
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
)

var fenceTiming = Timing{Detect: 300 * time.Millisecond, Lease: 200 * time.Millisecond}

// ask is what a leader without a VIP holder says in its beats.
var ask = note{lease: fenceTiming.Lease}

func TestLeaseCountsFromTheSendingTimeOfAQuorum(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	five := []hraft.ServerID{"a", "b", "c", "d", "e"}
	f := newFence(fenceTiming, t0)
	ack := func(id string, term uint64, ms int, voters []hraft.ServerID, grew bool, want int) {
		t.Helper()
		if got := f.acked(hraft.ServerID(id), ask, term, at(ms), voters, "a"); got != grew {
			t.Errorf("ack of %s: grew %v, want %v", id, got, grew)
		}
		lease, _ := f.lease(term)
		if want == 0 && !lease.IsZero() || want != 0 && !lease.Equal(at(want)) {
			t.Errorf("after the ack of %s the lease ends %v after the start, want %d ms", id, lease.Sub(t0), want)
		}
	}
	ack("b", 1, 10, five, false, 0)
	ack("c", 1, 20, five, true, 210) // the older of the two that are needed
	ack("d", 1, 30, five, true, 220)
	ack("d", 1, 25, five, false, 220) // a late answer to an old beat
	ack("b", 1, 40, five, true, 230)
	ack("x", 1, 99, five, false, 230) // no voter
	ack("a", 2, 50, []hraft.ServerID{"a"}, true, 250)
	if l, _ := f.lease(1); !l.IsZero() {
		t.Error("a lease of an earlier term is shown")
	}
	f.surrender(2)
	ack("a", 2, 60, []hraft.ServerID{"a"}, false, 0)
	ack("a", 3, 70, []hraft.ServerID{"a"}, true, 270)
}

func TestPromise(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	p := int(fenceTiming.promise() / time.Millisecond)

	f := newFence(fenceTiming, t0)
	if f.mayVote(2, false, at(p-1)) {
		t.Error("a process that was just started votes: it may have promised before")
	}
	if !f.heard("b", ask, 1, 1, at(500)) || f.mayVote(2, false, at(500+p-1)) {
		t.Error("a vote within the promise")
	}
	if !f.mayVote(2, true, at(501)) {
		t.Error("a transfer is refused")
	}
	if f.heard("b", ask, 1, 1, at(502)) {
		t.Error("a beat of the old term is taken after a vote for a later one was let through")
	}
	if !f.heard("b", ask, 2, 2, at(503)) {
		t.Error("a beat of the new leader is refused")
	}
	if f.heard("b", ask, 1, 2, at(504)); f.sinceContact(at(600)) != 97*time.Millisecond {
		t.Error("a refused beat counts as contact")
	}
	if !f.mayVote(3, false, at(503+p)) {
		t.Error("no vote after the promise")
	}

	// A leader keeps its promise to itself, and a vote ends its lease for good.
	f = newFence(fenceTiming, t0)
	f.acked("b", ask, 5, at(1000), []hraft.ServerID{"a", "b", "c"}, "a")
	if f.mayVote(6, false, at(1199)) {
		t.Error("a leader votes within its lease")
	}
	if !f.mayVote(6, false, at(1200)) {
		t.Error("a leader without lease does not vote")
	}
	if f.acked("b", ask, 5, at(1190), []hraft.ServerID{"a", "b", "c"}, "a") {
		t.Error("the lease grows after a vote for a later term")
	}

	// A transfer is good for the very next term only.
	f = newFence(fenceTiming, t0)
	f.heard("b", ask, 7, 7, at(1000))
	f.takeOver(7, at(1000))
	if ok, _ := f.mayStand(9, at(1001)); ok {
		t.Error("a transfer of term 7 lets stand in term 9")
	}
	if ok, by := f.mayStand(8, at(1001)); !ok || !by {
		t.Error("a transfer of term 7 does not let stand in term 8")
	}
}

// Who has let everything go in a term is owed nothing for it, whatever it still says.
func TestReleased(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	led := func() *fence {
		f := newFence(fenceTiming, t0)
		f.heard("b", ask, 7, 7, at(1000))
		f.takeOver(7, at(1010))
		return f
	}
	f := led()
	f.released("b", 7, at(1005))
	if by, since, ok := f.orphaned(); !ok || by != "b" || !since.Equal(at(1005)) {
		t.Errorf("orphaned by %s since %v, %v", by, since, ok)
	}
	if !f.handedOver() {
		t.Error("nobody handed over")
	}
	if !f.heard("b", ask, 7, 7, at(1011)) {
		t.Error("a late beat is refused")
	}
	if ok, _ := f.mayStand(9, at(1012)); !ok {
		t.Error("a late beat of the term that was given up renews the promise")
	}
	f.heard("b", ask, 10, 9, at(1020))
	if f.handedOver() {
		t.Error("a leader of a later term handed over")
	}
	if ok, _ := f.mayStand(11, at(1021)); ok {
		t.Error("a leader of a later term is not owed anything")
	}
	for name, after := range map[string]func(*fence){
		"of another term":       func(f *fence) { f.released("b", 6, at(1005)) },
		"of another node":       func(f *fence) { f.released("c", 7, at(1005)) },
		"before a later leader": func(f *fence) { f.heard("b", ask, 8, 7, at(1011)); f.released("b", 7, at(1005)) },
	} {
		f := led()
		if after(f); !f.loyal(at(1015)) {
			t.Errorf("a release %s ends the promise", name)
		}
	}
}

// Whoever leads next knows when the lease before was over at the latest.
func TestLapseOfTheLeaseBefore(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	calm := note{holder: 7, lease: longestLease}
	for name, tc := range map[string]struct {
		before func(*fence)
		want   time.Time
	}{
		"nobody led":         {func(*fence) {}, time.Time{}},
		"silence":            {func(f *fence) { f.heard("b", calm, 3, 3, at(100)) }, at(500)},
		"another profile":    {func(f *fence) { f.heard("b", ask, 3, 3, at(100)) }, at(300)},
		"handed over":        {func(f *fence) { f.heard("b", calm, 3, 3, at(100)); f.takeOver(3, at(110)) }, at(110)},
		"an older hand-over": {func(f *fence) { f.takeOver(2, at(50)); f.heard("b", calm, 3, 3, at(100)) }, at(500)},
		"holder is gone":     {func(f *fence) { f.heard("b", calm, 3, 3, at(100)); f.gone("b", 7, at(120)) }, at(120)},
	} {
		f := newFence(fenceTiming, t0)
		tc.before(f)
		f.acked("b", ask, 4, at(1000), []hraft.ServerID{"a", "b", "c"}, "a")
		f.acked("b", ask, 4, at(1040), []hraft.ServerID{"a", "b", "c"}, "a")
		if got := f.lapsedAt(4); !got.Equal(tc.want) {
			t.Errorf("%s: %v after the start, want %v", name, got.Sub(t0), tc.want.Sub(t0))
		}
		if got := f.lapsedAt(3); !got.IsZero() {
			t.Errorf("%s: a lapse before a term that this node did not lead", name)
		}
	}
}

func TestYieldingAvoidsASplit(t *testing.T) {
	t0 := time.Now()
	f := newFence(fenceTiming, t0)
	now := t0.Add(time.Second)
	if !f.mayYield("b", now) || f.mayYield("c", now.Add(time.Millisecond)) || !f.mayYield("b", now.Add(2*time.Millisecond)) {
		t.Error("one candidate at a time")
	}
	if !f.yielding(now.Add(3*time.Millisecond)) || f.yielding(now.Add(fenceTiming.Detect)) {
		t.Error("who has said yes stands himself at once, or never")
	}
	if !f.mayYield("c", now.Add(fenceTiming.Detect)) {
		t.Error("a candidate that does not stand blocks the others")
	}
	if f.heard("b", ask, 1, 1, now.Add(time.Second)); f.mayYield("b", now.Add(time.Second+time.Millisecond)) {
		t.Error("yields while there is a leader")
	}
}

// Whoever has let a vote through waits for the candidate: it may still be writing.
func TestOneCandidateAtATime(t *testing.T) {
	now, d := time.Now().Add(time.Second), fenceTiming.Detect
	f := newFence(fenceTiming, now.Add(-time.Second))
	if f.gaveChance(now) {
		t.Error("a chance that nobody got")
	}
	if !f.mayVote(2, false, now) || !f.gaveChance(now) || !f.gaveChance(now.Add(d-1)) {
		t.Error("stands although it has let a vote through")
	}
	if f.gaveChance(now.Add(d)) {
		t.Error("waits for ever for a candidate that has died")
	}
	if f.heard("b", ask, 2, 2, now.Add(d/2)); f.gaveChance(now.Add(d/2 + 1)) {
		t.Error("waits for a candidate that leads")
	}

	f = newFence(fenceTiming, now.Add(-time.Second))
	if ok, _ := f.mayStand(2, now); !ok || f.gaveChance(now.Add(1)) {
		t.Error("its own candidacy is a chance for another one")
	}
	f.stands(now)
	if f.mayYield("b", now.Add(d-1)) || !f.mayYield("b", now.Add(d)) {
		t.Error("who stands says yes to another, or never does again")
	}
	if f.stuck(2, now.Add(d-1)) || !f.stuck(2, now.Add(d)) || f.stuck(3, now.Add(d)) {
		t.Error("a candidacy in term 2 is in vain after Detect")
	}
}

// Two who ask each other at the same moment both say yes; the lesser id goes first.
func TestWhoGoesFirst(t *testing.T) {
	now := time.Now().Add(time.Second)
	for _, c := range []struct {
		id, to hraft.ServerID
		want   bool
	}{{"b", "a", true}, {"b", "c", false}} {
		f := newFence(fenceTiming, now.Add(-time.Second))
		if f.after(c.id, now) {
			t.Errorf("%s waits for nobody", c.id)
		}
		if !f.mayYield(c.to, now) || f.after(c.id, now.Add(1)) != c.want {
			t.Errorf("%s has said yes to %s: it goes second: %v", c.id, c.to, !c.want)
		}
		if f.after(c.id, now.Add(fenceTiming.Detect)) {
			t.Errorf("%s waits for %s for ever", c.id, c.to)
		}
	}
}

func TestAPromiseEndsWithTheHolderItProtects(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	first, second := note{holder: 7, lease: fenceTiming.Lease}, note{holder: 8, lease: fenceTiming.Lease}
	f := newFence(fenceTiming, t0)
	if f.gone("b", 7, at(1)) || f.mayVote(2, false, at(2)) {
		t.Error("a voter that was just started may have promised to anybody")
	}

	f = newFence(fenceTiming, t0)
	f.heard("b", first, 1, 1, at(1000))
	if f.gone("c", 7, at(1001)) || f.gone("b", 9, at(1001)) || f.mayVote(2, false, at(1002)) {
		t.Error("the end of another holder ends the promise")
	}
	if !f.gone("b", 7, at(1003)) || !f.mayVote(2, false, at(1003)) {
		t.Error("the end of the holder does not end the promise")
	}

	f = newFence(fenceTiming, t0)
	f.heard("b", first, 1, 1, at(1000))
	f.gone("b", 7, at(1001))
	if !f.heard("b", first, 1, 1, at(1002)) || f.loyal(at(1003)) {
		t.Error("a late beat for a dead holder renews the promise")
	}
	f.heard("b", second, 1, 1, at(1010))
	if f.mayVote(2, false, at(1011)) {
		t.Error("a vote within the promise to the second holder")
	}
	if f.gone("b", 7, at(1012)) || f.mayVote(2, false, at(1013)) {
		t.Error("the first one's end counts twice")
	}

	// Who has led since then does not stand because of the one before: it has just
	// handed leadership to somebody else.
	f = newFence(fenceTiming, t0)
	voters := []hraft.ServerID{"a", "b"}
	f.heard("b", first, 1, 1, at(1000))
	if !f.acked("b", note{lease: fenceTiming.Lease}, 2, at(3000), voters, "a") {
		t.Fatal("no lease")
	}
	if f.gone("b", 7, at(3100)) {
		t.Error("a proof about an earlier leader, in one's own term")
	}
	f.surrender(2)
	if by, _, ok := f.orphaned(); ok {
		t.Errorf("orphaned by %s", by)
	}
	f.heard("b", second, 3, 3, at(3200))
	if !f.gone("b", 8, at(3201)) {
		t.Error("a proof about the next leader does not count")
	}

	// A voter with a shorter patience keeps to what it was asked for.
	f = newFence(Timing{Detect: 55 * time.Millisecond, Lease: 35 * time.Millisecond}, t0)
	f.heard("b", note{holder: 7, lease: 400 * time.Millisecond}, 1, 1, at(1000))
	if f.mayVote(2, false, at(1400)) || !f.mayVote(2, false, at(1420)) {
		t.Error("the promise does not follow the lease that the leader takes")
	}
}

func TestWhatTheSeatsWordIsGoodFor(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	seated := []hraft.ServerID{"a", "b", seatID}
	f := newFence(fenceTiming, t0)
	f.setHolder(1)
	stand := func(term uint64, ms int) {
		t.Helper()
		if ok, _ := f.mayStand(term, at(ms)); !ok {
			t.Fatalf("may not stand in term %d", term)
		}
	}
	ack := func(what string, from hraft.ServerID, n note, term uint64, ms int, want bool) {
		t.Helper()
		if got := f.acked(from, n, term, at(ms), seated, "a"); got != want {
			t.Errorf("%s: the lease grows %v, want %v", what, got, want)
		}
	}
	lease := int(fenceTiming.Lease / time.Millisecond)
	stand(3, 1000)
	first := f.asks(t0)
	ack("the seat right after the election", seatID, first, 3, 1010, true)
	ack("the seat goes on", seatID, first, 3, 1100, true)
	ack("the seat cannot revive", seatID, first, 3, 1100+lease, false)
	if !f.unconfirmed(3) {
		t.Error("a lapsed lease counts as confirmed")
	}
	ack("nor later", seatID, first, 3, 1101+lease, false)
	ack("the peer can", "b", first, 3, 1110+lease, true)
	ack("and then the seat goes on", seatID, first, 3, 1120+lease, true)

	f.setHolder(2)
	if l, h := f.lease(3); !l.IsZero() || h != 2 {
		t.Errorf("the second holder inherits a lease until %v", l)
	}
	ack("an answer to a beat for the first holder", "b", first, 3, 1330, false)
	ack("the seat for a holder that no peer has heard of", seatID, f.asks(t0), 3, 1335, false)
	if !f.unconfirmed(3) {
		t.Error("a holder that no peer has heard of counts as confirmed")
	}
	ack("the peer for the second holder", "b", f.asks(t0), 3, 1340, true)
	ack("the seat after the peer", seatID, f.asks(t0), 3, 1350, true)

	f.setHolder(3)
	stand(4, 3000)
	ack("the seat in a new term", seatID, f.asks(t0), 4, 3010, true)
	stand(5, 5000)
	ack("the seat long after the election", seatID, f.asks(t0), 5, 5000+lease, false)
	ack("the peer long after the election", "b", f.asks(t0), 5, 5001+lease, true)

	f.setHolder(4)
	stand(6, 7000)
	f.seatVoted(6, at(7400)) // it was asked until the peer's lease was over
	ack("the seat right after its vote", seatID, f.asks(t0), 6, 7410, true)
	stand(7, 9000)
	ack("the seat's vote of the term before", seatID, f.asks(t0), 7, 9000+lease, false)
	stand(8, 11000)
	f.seatVoted(8, at(11400))
	ack("the seat long after its vote", seatID, f.asks(t0), 8, 11400+lease, false)
}

// What the arbiter's answer is good for is no longer than the peer takes it for, whatever
// beats it has missed: it waits for so long before it holds the lock itself.
func TestTheLocksLeaseIsWhatThePeerKnows(t *testing.T) {
	const ms = time.Millisecond
	t0 := time.Now()
	pair := []hraft.ServerID{"a", "b", seatID}
	usual, slow := TimingOf(""), patient
	a, b := newFence(usual, t0), newFence(usual, t0)
	check := func(when string, want time.Duration) {
		t.Helper()
		got := a.byLock(usual.Lease)
		if got != byLock(want) {
			t.Errorf("%s: %v, want %v", when, got, byLock(want))
		}
		if waits := byLock(b.longestAsked()); got > waits {
			t.Errorf("%s: %v, and the peer waits for %v", when, got, waits)
		}
	}
	// beat of a in term 1; heard: b does, answered: a hears that.
	beat := func(after time.Duration, heard, answered bool) {
		t.Helper()
		sent := t0.Add(after)
		n := a.asks(sent)
		if heard {
			b.heard("a", n, 1, 1, sent)
		}
		if answered {
			a.acked("b", n, 1, sent, pair, "a")
		}
	}
	check("at the start", usual.Lease)
	a.setTiming(slow, t0)
	check("slowed before the peer has answered anything", usual.Lease)
	a.setTiming(usual, t0)
	beat(time.Second, true, true)
	check("usual", usual.Lease)
	a.setTiming(slow, t0.Add(time.Second+ms))
	check("slowed, and nobody knows", usual.Lease)
	beat(time.Second+2*ms, false, false)
	beat(time.Second+3*ms, true, false)
	check("slowed, and the peer's answer was lost", usual.Lease)
	beat(time.Second+4*ms, true, true)
	check("slowed, and the peer knows", slow.Lease)
	old := a.asks(t0.Add(time.Second + 5*ms))
	a.setTiming(usual, t0.Add(2*time.Second))
	check("fast again", usual.Lease)
	beat(3*time.Second, true, true)
	a.acked("b", old, 1, t0.Add(time.Second+5*ms), pair, "a") // late
	a.setTiming(slow, t0.Add(3*time.Second+ms))
	check("slowed again, after a late answer", usual.Lease)
}
