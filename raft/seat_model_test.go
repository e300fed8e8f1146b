package raft

import (
	"maps"
	"slices"
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

var modelTiming = Timing{Detect: 4 * tick, Lease: 3 * tick, Beat: tick}

// world is the state of the model. It is copied at every branch.
type modelWorld struct {
	now   time.Time
	nodes [2]modelNode
	ctl   [2]bool // control path from node i to the other works
	lock  bool    // the arbiter keeps one
	owner int     // whom the arbiter takes for the owner of the VIP; -1 nobody
	split bool    // no frame passes between the nodes on the data network
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
	asking     time.Time // until then the candidate asks the seat for its vote
	heard      time.Time // the peer, on any path
	answered   time.Time // the peer, to a beat
	seen       time.Time // the VIP, answered by the peer
	legSince   time.Time // when leg last came up
	claim      claim
	tried      bool
	told       uint64    // the end of the peer's tether, not read yet
	handed     handed    // likewise that the peer gives up
	late       handed    // the same, still on the way
	last, woke time.Time // rounds with the arbiter
}

// handed is a request to take over; term 0: none.
type handed struct {
	term uint64
	asOf time.Time
}

func (f *fence) copy() *fence {
	c := &fence{
		start: f.start, timing: f.timing, contact: f.contact, owed: f.owed, owedIn: f.owedIn, asked: f.asked, orphan: f.orphan, dead: slices.Clone(f.dead),
		heardAt: f.heardAt, quiet: f.quiet, barred: f.barred, holder: f.holder, firstHolder: f.firstHolder, confirmed: f.confirmed,
		lapsed: f.lapsed, stoodAt: f.stoodAt, seatTerm: f.seatTerm, seatAsked: f.seatAsked, leaseTerm: f.leaseTerm, leaseUntil: f.leaseUntil, acks: maps.Clone(f.acks),
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
	n.up, n.frozen, n.leads, n.asking = true, false, false, time.Time{}
	n.late = handed{}
	n.fence, n.start, n.heard, n.answered = newFence(modelTiming, now), now, now, now
	n.fence.setHolder(holder)
	n.claim, n.tried, n.told, n.handed, n.last, n.woke = claim{}, false, 0, handed{}, now, now
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
func (w *modelWorld) sees(i int) bool {
	return w.nodes[i].leg && w.nodes[1-i].leg && !w.split && w.holds(1-i)
}

func (w *modelWorld) question(i int, term uint64, pre bool) seatQuestion {
	n := &w.nodes[i]
	by, _, orphaned := n.fence.orphaned()
	q := seatQuestion{
		Term: term, Candidate: string(modelIDs[i]), Pre: pre, Voted: n.seatVote, Parity: uint64(i), RealPeers: 1,
		Silence: w.now.Sub(n.heard), Gone: orphaned && by == modelIDs[1-i], Detect: modelTiming.Detect, Up: w.now.Sub(n.start),
		Arbiter: n.leg, VIPSilent: !w.sees(i),
	}
	if w.lock {
		q.Registers, q.Arbiter, q.VIPSilent = RegistersReady, false, false
		_, q.Locked = n.claim.held(w.now, n.fence.byLock(modelTiming.Lease))
		return q
	}
	q.Registers = RegistersNone
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
	if n.leads = votes >= 2; !n.leads {
		n.asking = w.now.Add(libTimeout)
		w.askSeat(i)
	}
}

// askSeat asks once more on behalf of a candidate.
func (w *modelWorld) askSeat(i int) {
	n := &w.nodes[i]
	if decideSeat(w.question(i, n.term, false)).Granted {
		n.seatVote = seatVote{n.term, string(modelIDs[i])}
		n.fence.seatVoted(n.term, w.now)
		n.leads, n.asking = true, time.Time{}
	}
}

// beat is a leader's round.
func (w *modelWorld) beat(i int) {
	n, p := &w.nodes[i], &w.nodes[1-i]
	asks := n.fence.asks(w.now)
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
	arbiter, sent := n.leg, w.now
	asks.lease = n.fence.byLock(modelTiming.Lease)
	if w.lock {
		sent, arbiter = n.claim.held(w.now, asks.lease)
	}
	if arbiter {
		n.fence.acked(seatID, asks, n.term, sent, modelVoters, modelIDs[i])
	}
	silent := w.now.Sub(n.answered) > modelTiming.Detect
	if silent && (n.fence.unconfirmed(n.term) || !arbiter && !w.now.Before(n.fence.leaseUntil)) {
		n.term, n.leads = n.term+1, false // it resigns, or the library finds no quorum
	}
}

// read lets a node learn what its kernel was told.
func (w *modelWorld) read(i int) {
	n := &w.nodes[i]
	if !w.runs(i) {
		return
	}
	if n.told != 0 {
		n.fence.gone(modelIDs[1-i], n.told, w.now)
		n.told = 0
	}
	if n.handed.term != 0 {
		w.takeOver(i)
	}
}

// surrender is how a leader gives up; term 0 where it does not.
func (w *modelWorld) surrender(i int) handed {
	n := &w.nodes[i]
	// Without the lock, two that are cut off from each other and hold nothing can
	// both find that nobody does.
	if !w.lock || !w.runs(i) || !n.leads || w.now.Sub(n.answered) > modelTiming.Detect {
		return handed{}
	}
	h := handed{n.term, n.answered}
	n.fence.surrender(n.term)
	n.claim = claim{}
	n.term, n.leads = n.term+1, false // should the other not take over
	return h
}

// takeOver is what a node does when it reads that it is to take over.
func (w *modelWorld) takeOver(i int) {
	n, p := &w.nodes[i], &w.nodes[1-i]
	h := n.handed
	n.handed = handed{}
	if n.term != h.term {
		return
	}
	n.fence.takeOver(h.term, w.now)
	n.fence.released(modelIDs[1-i], h.term, h.asOf)
	if ok, _ := n.fence.mayStand(h.term+1, w.now); !ok {
		return
	}
	n.term, n.voted, n.asking = h.term+1, h.term+1, w.now.Add(libTimeout)
	if w.reach(i) && w.ctl[1-i] && p.voted < n.term && p.term <= n.term && p.fence.mayVote(n.term, true, w.now) {
		p.term, p.voted, p.leads = n.term, n.term, false
		n.leads, n.asking = true, time.Time{}
	}
}

// claims is a node's round with the arbiter.
func (w *modelWorld) claims(i int) {
	n := &w.nodes[i]
	if paused(n.last, w.now, modelTiming.Lease) {
		n.woke = w.now
	}
	n.last = w.now
	wish := n.fence.leaderWish(n.term, modelIDs[1-i], w.now)
	if !n.leads {
		by, died, gone := n.fence.orphaned()
		gone = gone && modelTiming.fresh(died, n.woke, w.now, modelTiming.Lease)
		silence := n.fence.sinceContact(w.now)
		n.tried = n.tried && silence >= modelTiming.missed()
		wish = modelTiming.followerWish(gone && by == modelIDs[1-i], silence, w.now.Sub(n.seen), n.tried && n.claim.state == unclaimed)
	}
	move := n.claim.step(w.now, wish, n.fence.byLock(modelTiming.Lease), byLock(n.fence.longestAsked()))
	n.tried = n.tried || move == moveWriteRead
	if !n.leg {
		return
	}
	if move == moveWriteRead {
		w.owner = i
	}
	if move != moveNone && w.owner == i {
		n.claim.answered(w.now, w.now)
	}
	if move == moveReadWrite {
		w.owner = i
	}
}

// step lets one tick pass.
func (w *modelWorld) step() {
	w.read(0)
	w.read(1)
	w.now = w.now.Add(tick / 2) // a holder is seen at least four times in a lease
	for i := range w.nodes {
		if w.lock && w.runs(i) {
			w.claims(i)
		}
	}
	w.now = w.now.Add(tick / 2)
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
		if w.lock {
			w.claims(i)
		}
		if n.leads {
			w.beat(i)
			continue
		}
		if w.now.Before(n.asking) && n.voted == n.term {
			if w.askSeat(i); n.leads {
				w.beat(i)
			}
			continue
		}
		_, locked := n.claim.held(w.now, n.fence.byLock(modelTiming.Lease))
		silence, ok := n.fence.silence(w.now, locked)
		_, _, orphaned := n.fence.orphaned()
		if (orphaned || !ok || silence >= modelTiming.Detect) && !n.fence.loyal(w.now) {
			w.stand(i)
			if n.leads {
				w.beat(i)
			}
		}
	}
}
