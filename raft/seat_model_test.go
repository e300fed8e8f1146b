package raft

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
)

// The model check of two data nodes with the arbiter seat: every interleaving of
// up to three faults, at every tick of a bounded time, over the real fence and
// the real seat decision. A tick is longer than any message takes.
const (
	tick      = 100 * time.Millisecond
	lastFault = 9  // ticks after the start, in which faults may come
	settle    = 45 // ticks until somebody must serve
)

var modelTiming = Timing{Detect: 3 * tick, Lease: 2 * tick, Beat: tick}

// world is the state of the model. It is copied at every branch.
type modelWorld struct {
	now   time.Time
	nodes [2]modelNode
	ctl   [2]bool // control path from node i to the other works
}

type modelNode struct {
	up, frozen bool
	leg        bool // its data network: arbiter, clients, the other's ARP
	fence      *fence
	start      time.Time
	term       uint64 // on disk, as are the next two
	voted      uint64
	seatVote   seatVote
	leads      bool
	heard      time.Time // the peer, on any path
	answered   time.Time // the peer, to a beat
	seen       time.Time // the VIP, answered by the peer
	legSince   time.Time // when leg last came up
}

func (f *fence) copy() *fence {
	c := &fence{
		start: f.start, timing: f.timing, contact: f.contact, owed: f.owed, asked: f.asked, orphan: f.orphan, dead: slices.Clone(f.dead),
		heardAt: f.heardAt, quiet: f.quiet, barred: f.barred, holder: f.holder, firstHolder: f.firstHolder, confirmed: f.confirmed,
		lapsed: f.lapsed, stoodAt: f.stoodAt, leaseTerm: f.leaseTerm, leaseUntil: f.leaseUntil, acks: maps.Clone(f.acks),
		surrendered: f.surrendered, transfer: f.transfer, yieldedTo: f.yieldedTo, yieldedAt: f.yieldedAt,
	}
	return c
}

func (w *modelWorld) copy() *modelWorld {
	c := *w
	for i := range c.nodes {
		c.nodes[i].fence = w.nodes[i].fence.copy()
	}
	return &c
}

var modelIDs = [2]hraft.ServerID{"a", "b"}

var modelVoters = []hraft.ServerID{"a", "b", seatID}

func (n *modelNode) boot(now time.Time, holder uint64) {
	n.up, n.frozen, n.leads = true, false, false
	n.fence, n.start, n.heard, n.answered = newFence(modelTiming, now), now, now, now
	n.fence.setHolder(holder)
}

// holds tells whether the node's kernel answers for the VIP.
func (w *modelWorld) holds(i int) bool {
	n := &w.nodes[i]
	return n.up && n.leads && w.now.Before(n.fence.leaseUntil)
}

func (w *modelWorld) runs(i int) bool { return w.nodes[i].up && !w.nodes[i].frozen }

// reach tells whether a message from i is handled by the other.
func (w *modelWorld) reach(i int) bool { return w.ctl[i] && w.runs(1-i) }

// sees tells whether the other's answer for the VIP reaches i now.
func (w *modelWorld) sees(i int) bool { return w.nodes[i].leg && w.nodes[1-i].leg && w.holds(1-i) }

func (w *modelWorld) question(i int, term uint64, pre bool) seatQuestion {
	n := &w.nodes[i]
	by, _, orphaned := n.fence.orphaned()
	q := seatQuestion{
		Term: term, Candidate: string(modelIDs[i]), Pre: pre, Voted: n.seatVote, Parity: uint64(i), RealPeers: 1,
		Silence: w.now.Sub(n.heard), Gone: orphaned && by == modelIDs[1-i], Detect: modelTiming.Detect, Up: w.now.Sub(n.start),
		Arbiter: n.leg, VIPSilent: !w.sees(i),
	}
	if window := modelTiming.Lease; !q.Gone && (w.now.Sub(n.seen) <= window || w.now.Sub(n.legSince) <= window) {
		q.VIPSilent = false
	}
	return q
}

// stand is a candidacy as detector and library do it.
func (w *modelWorld) stand(i int) {
	n, p := &w.nodes[i], &w.nodes[1-i]
	both := w.reach(i) && w.ctl[1-i]
	next := n.term + 1
	votes := 1
	if both && p.fence.mayYield(modelIDs[i], w.now) {
		votes++
	}
	bySeat := decideSeat(w.question(i, next, true)).Granted
	if bySeat {
		votes++
	}
	if votes < 2 {
		return
	}
	if bySeat && next%2 != uint64(i) {
		next++ // passed by
	}
	if ok, _ := n.fence.mayStand(next, w.now); !ok {
		return
	}
	n.term, n.voted, votes = next, next, 1
	if both && p.voted < next && p.term <= next && p.fence.mayVote(next, false, w.now) {
		p.term, p.voted, p.leads = next, next, false
		votes++
	}
	if decideSeat(w.question(i, next, false)).Granted {
		n.seatVote = seatVote{next, string(modelIDs[i])}
		votes++
	}
	n.leads = votes >= 2
}

// beat is a leader's round.
func (w *modelWorld) beat(i int) {
	n, p := &w.nodes[i], &w.nodes[1-i]
	asks := n.fence.asks()
	if w.reach(i) {
		p.heard = w.now
		higher := p.term > n.term
		if !higher && p.fence.heard(modelIDs[i], asks, n.term, p.term, w.now) {
			if p.term < n.term {
				p.leads = false
			}
			p.term = n.term
			if w.ctl[1-i] {
				n.answered, n.heard = w.now, w.now
				n.fence.acked(modelIDs[1-i], asks, n.term, w.now, modelVoters, modelIDs[i])
			}
		}
		if higher && w.ctl[1-i] {
			n.term, n.leads = p.term, false
			return
		}
	}
	if n.leg {
		n.fence.acked(seatID, asks, n.term, w.now, modelVoters, modelIDs[i])
	}
	silent := w.now.Sub(n.answered) > modelTiming.Detect
	if silent && (n.fence.unconfirmed(n.term) || !n.leg) {
		n.term, n.leads = n.term+1, false // it resigns, or the library finds no quorum
	}
}

// step lets one tick pass.
func (w *modelWorld) step() {
	w.now = w.now.Add(tick)
	for i := range w.nodes {
		if w.runs(i) && !w.nodes[i].leads && w.reach(i) {
			w.nodes[1-i].heard = w.now // whoever does not lead keeps its connections warm
		}
	}
	for i := range w.nodes {
		if w.runs(i) && w.sees(i) {
			w.nodes[i].seen = w.now
		}
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		if !w.runs(i) {
			continue
		}
		if n.leads {
			w.beat(i)
			continue
		}
		silence, ok := n.fence.silence(w.now)
		_, _, orphaned := n.fence.orphaned()
		if (orphaned || !ok || silence >= modelTiming.Detect) && !n.fence.loyal(w.now) {
			w.stand(i)
			if n.leads {
				w.beat(i)
			}
		}
	}
}

// modelFaults are the events, each with what it does.
var modelFaults = []struct {
	name string
	do   func(w *modelWorld, i int) bool // false: it makes no difference now
}{
	{"kill", func(w *modelWorld, i int) bool {
		n, p := &w.nodes[i], &w.nodes[1-i]
		was := n.up
		if was && w.ctl[i] && p.up { // the tether's end
			p.fence.gone(modelIDs[i], n.fence.holder, w.now)
		}
		n.up = false
		return was
	}},
	{"start", func(w *modelWorld, i int) bool {
		was := w.nodes[i].up
		if !was {
			w.nodes[i].boot(w.now, w.nodes[i].fence.holder+2)
		}
		return !was
	}},
	{"freeze", func(w *modelWorld, i int) bool {
		was := w.runs(i)
		w.nodes[i].frozen = true
		return was
	}},
	{"thaw", func(w *modelWorld, i int) bool {
		was := w.nodes[i].frozen && w.nodes[i].up
		w.nodes[i].frozen = false
		return was
	}},
	{"leg", func(w *modelWorld, i int) bool {
		w.nodes[i].leg, w.nodes[i].legSince = !w.nodes[i].leg, w.now
		return true
	}},
	{"mute", func(w *modelWorld, i int) bool { w.ctl[i] = !w.ctl[i]; return true }},
	{"cut", func(w *modelWorld, i int) bool {
		was := w.ctl == [2]bool{true, true} && i == 0
		if was {
			w.ctl = [2]bool{}
		}
		return was
	}},
	{"heal", func(w *modelWorld, i int) bool {
		was := w.ctl != [2]bool{true, true} && i == 0
		if was {
			w.ctl = [2]bool{true, true}
		}
		return was
	}},
}

func newModel() *modelWorld {
	w := &modelWorld{now: time.Now(), ctl: [2]bool{true, true}}
	for i := range w.nodes {
		w.nodes[i].leg = true
		w.nodes[i].boot(w.now.Add(-time.Minute), uint64(i+1))
		w.nodes[i].term = 2
	}
	w.nodes[0].leads, w.nodes[0].voted = true, 2
	w.nodes[0].fence.stoodAt = w.now
	w.step()
	return w
}

type modelRun struct {
	t     *testing.T
	runs  int
	trace []string
}

func (r *modelRun) safe(w *modelWorld) bool {
	if w.holds(0) && w.holds(1) {
		r.t.Errorf("two owners after %v", r.trace)
		return false
	}
	return true
}

// served checks that somebody holds the VIP in the end wherever somebody could:
// a node that runs and reaches clients, whose peer is down, or answers it, or is
// seen to hold.
func (r *modelRun) served(w *modelWorld) {
	for range settle {
		if w.step(); !r.safe(w) {
			return
		}
	}
	if w.holds(0) || w.holds(1) {
		return
	}
	for i := range w.nodes {
		peer := w.nodes[1-i]
		if w.runs(i) && w.nodes[i].leg && (!peer.up || w.ctl == [2]bool{true, true} && w.runs(1-i)) {
			r.t.Errorf("nobody serves after %v, though %s could", r.trace, modelIDs[i])
			return
		}
	}
}

// explore lets up to faults more events happen from tick at on.
func (r *modelRun) explore(w *modelWorld, at, faults int) {
	if r.t.Failed() {
		return
	}
	r.runs++
	r.served(w.copy())
	if faults == 0 {
		return
	}
	for w = w.copy(); at < lastFault; at++ {
		for _, f := range modelFaults {
			for i := range w.nodes {
				next := w.copy()
				if !f.do(next, i) {
					continue
				}
				r.trace = append(r.trace, fmt.Sprintf("%d: %s %s", at, f.name, modelIDs[i]))
				if r.safe(next) {
					r.explore(next, at, faults-1)
				}
				r.trace = r.trace[:len(r.trace)-1]
			}
		}
		if w.step(); !r.safe(w) {
			return
		}
	}
}

func TestModelOfTwoNodesAndTheSeat(t *testing.T) {
	faults := 3
	if testing.Short() {
		faults = 2
	}
	r := &modelRun{t: t}
	r.explore(newModel(), 0, faults)
	t.Logf("%d histories", r.runs)
}
