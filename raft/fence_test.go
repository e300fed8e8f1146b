package raft

import (
	"slices"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

var fenceTiming = Timing{Detect: 300 * time.Millisecond, Lease: 200 * time.Millisecond}

func TestLeaseCountsFromTheSendingTimeOfAQuorum(t *testing.T) {
	t0 := time.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	five := []hraft.ServerID{"a", "b", "c", "d", "e"}
	f := newFence(fenceTiming, t0)
	ack := func(id string, term uint64, ms int, voters []hraft.ServerID, grew bool, want int) {
		t.Helper()
		if got := f.acked(hraft.ServerID(id), term, at(ms), voters, "a"); got != grew {
			t.Errorf("ack of %s: grew %v, want %v", id, got, grew)
		}
		lease := f.lease(term)
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
	if !f.lease(1).IsZero() {
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
	if !f.heard(1, 1, at(500)) || f.mayVote(2, false, at(500+p-1)) {
		t.Error("a vote within the promise")
	}
	if !f.mayVote(2, true, at(501)) {
		t.Error("a transfer is refused")
	}
	if f.heard(1, 1, at(502)) {
		t.Error("a beat of the old term is taken after a vote for a later one was let through")
	}
	if !f.heard(2, 2, at(503)) {
		t.Error("a beat of the new leader is refused")
	}
	if f.heard(1, 2, at(504)); f.sinceContact(at(600)) != 97*time.Millisecond {
		t.Error("a refused beat counts as contact")
	}
	if !f.mayVote(3, false, at(503+p)) {
		t.Error("no vote after the promise")
	}

	// A leader keeps its promise to itself, and a vote ends its lease for good.
	f = newFence(fenceTiming, t0)
	f.acked("b", 5, at(1000), []hraft.ServerID{"a", "b", "c"}, "a")
	if f.mayVote(6, false, at(1199)) {
		t.Error("a leader votes within its lease")
	}
	if !f.mayVote(6, false, at(1200)) {
		t.Error("a leader without lease does not vote")
	}
	if f.acked("b", 5, at(1190), []hraft.ServerID{"a", "b", "c"}, "a") {
		t.Error("the lease grows after a vote for a later term")
	}

	// A transfer is good for the very next term only.
	f = newFence(fenceTiming, t0)
	f.heard(7, 7, at(1000))
	f.takeOver(7)
	if ok, _ := f.mayStand(9, at(1001)); ok {
		t.Error("a transfer of term 7 lets stand in term 9")
	}
	if ok, by := f.mayStand(8, at(1001)); !ok || !by {
		t.Error("a transfer of term 7 does not let stand in term 8")
	}
}

func TestYieldingAvoidsASplit(t *testing.T) {
	t0 := time.Now()
	f := newFence(fenceTiming, t0)
	now := t0.Add(time.Second)
	if !f.mayYield("b", now) || f.mayYield("c", now.Add(time.Millisecond)) || !f.mayYield("b", now.Add(2*time.Millisecond)) {
		t.Error("one candidate at a time")
	}
	if !f.mayYield("c", now.Add(fenceTiming.Detect)) {
		t.Error("a candidate that does not stand blocks the others")
	}
	if f.heard(1, 1, now.Add(time.Second)); f.mayYield("b", now.Add(time.Second+time.Millisecond)) {
		t.Error("yields while there is a leader")
	}
}

// TestLeasesNeverOverlap lets random histories of beats, delays, restarts and
// candidacies run over three fences, with votes as Raft gives them, and checks
// that no leader is elected while an older lease runs.
func TestLeasesNeverOverlap(t *testing.T) {
	for range 30 { // the faults this is to find need a thousand histories or more
		rapid.Check(t, checkLeases)
	}
}

func checkLeases(t *rapid.T) {
	ids := []hraft.ServerID{"a", "b", "c"}
	now := time.Now()
	fences := make(map[hraft.ServerID]*fence)
	term := make(map[hraft.ServerID]uint64)
	voted := make(map[hraft.ServerID]uint64) // newest term a vote was given in
	leads := make(map[hraft.ServerID]uint64)
	for _, id := range ids {
		fences[id] = newFence(fenceTiming, now)
	}
	type answer struct {
		from, to hraft.ServerID
		term     uint64
		sent     time.Time
	}
	type request struct {
		to, voter hraft.ServerID
		term      uint64
	}
	votes := make(map[hraft.ServerID]int)
	var onTheWay []answer
	var passed []request
	for range rapid.IntRange(5, 120).Draw(t, "steps") {
		now = now.Add(time.Duration(rapid.IntRange(0, 150).Draw(t, "ms")) * time.Millisecond)
		who := rapid.SampledFrom(ids).Draw(t, "who")
		other := rapid.SampledFrom(ids).Draw(t, "other")
		switch rapid.SampledFrom([]string{"beat", "beat", "beat", "answer", "answer", "stand", "vote", "vote", "restart"}).Draw(t, "what") {
		case "beat":
			if leads[who] == 0 || who == other {
				continue
			}
			// The beat arrives after a delay; its answer is on the way from then on.
			sent := now
			now = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "delay")) * time.Millisecond)
			if fences[other].heard(leads[who], term[other], now) && leads[who] >= term[other] {
				if leads[who] > term[other] {
					leads[other] = 0
				}
				term[other] = leads[who]
				onTheWay = append(onTheWay, answer{other, who, leads[who], sent})
			}
		case "answer":
			if len(onTheWay) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(onTheWay)-1).Draw(t, "i")
			a := onTheWay[i]
			onTheWay = append(onTheWay[:i], onTheWay[i+1:]...)
			if leads[a.to] == a.term {
				fences[a.to].acked(a.from, a.term, a.sent, ids, a.to)
			}
		case "stand":
			next := term[who] + 1
			if ok, _ := fences[who].mayStand(next, now); !ok {
				continue
			}
			leads[who], term[who], voted[who], votes[who] = 0, next, next, 1
			for _, v := range ids {
				if v != who && !rapid.Bool().Draw(t, "lost") && fences[v].mayVote(next, false, now) {
					passed = append(passed, request{who, v, next}) // the library handles it later
				}
			}
		case "vote":
			if len(passed) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(passed)-1).Draw(t, "i")
			r := passed[i]
			passed = append(passed[:i], passed[i+1:]...)
			if term[r.voter] > r.term || voted[r.voter] >= r.term {
				continue
			}
			if term[r.voter] < r.term {
				term[r.voter], leads[r.voter] = r.term, 0
			}
			voted[r.voter] = r.term
			if term[r.to] != r.term || leads[r.to] != 0 {
				continue
			}
			if votes[r.to]++; votes[r.to] < 2 {
				continue
			}
			for _, o := range ids {
				if o != r.to && now.Before(fences[o].leaseUntil) {
					t.Fatalf("%s is elected in term %d while %s has a lease for %v", r.to, r.term, o, fences[o].leaseUntil.Sub(now))
				}
			}
			leads[r.to] = r.term
		case "restart":
			// The process is gone, and its VIP with it; term and vote are on disk.
			fences[who], leads[who], votes[who] = newFence(fenceTiming, now), 0, 0
			passed = slices.DeleteFunc(passed, func(r request) bool { return r.voter == who })
		}
	}
}
