package raft

import (
	"slices"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// fence keeps the two clocks that make VIP ownership exclusive:
//
//	a leader's lease ends  = when the newest beat that a quorum answered was SENT + Lease
//	a voter's promise ends = when the newest beat was RECEIVED + a bit less than Detect
//
// A leader of a later term needs a quorum too, so at least one voter is in both
// quorums; it gave its vote after its promise ended, hence after the old lease
// did. A leader counts as a voter with a promise to itself: while its lease runs
// it gives no vote. Both clocks are judged and changed under one lock, because a
// beat and a vote request may arrive at the same time: once a request of term T
// is let through, beats of lower terms are refused and leases of lower terms
// grow no more.
//
// There are two ways round a promise. A transfer: the leader gives its lease up
// for the rest of its term (surrender), so nothing is left to protect. Who takes over
// with the arbiter's lock may stand in later terms, too (released): the one before
// may be off before it could vote. And the
// death of the leader's VIP holder, known for certain (see internal/tether):
// every beat names the holder on whose behalf it asks, so a voter knows what its
// promise protects. A leader that starts another holder earns its lease anew, by
// beats that name that one; where the arbiter seat could answer them, a real
// peer has to have answered one first, for the peer may be about to lead.
//
// A promise follows the newest beat, which may ask for a shorter lease than the one
// before it. So a leader asks for no less than what is left of what it has asked for.
//
// Two processes of one node may share its clocks while it restarts (see Caretaker): one
// goes on earning the lease, the other is bound to it, as if it had promised without
// an end, until it acts alone.
type fence struct {
	start time.Time

	mu      sync.Mutex
	timing  Timing        // guarded by mu
	contact time.Time     // guarded by mu; newest beat received, at first the start of the process
	owed    owed          // guarded by mu; what the promise of contact protects
	owedIn  uint64        // guarded by mu; the term of that beat
	obeyed  uint64        // guarded by mu; the version of Spread's table that owed.node has obeyed
	asked   time.Duration // guarded by mu; the lease that contact asked for
	orphan  time.Time     // guarded by mu; when owed.holder was known to be gone, zero while it is not
	dead    []owed        // guarded by mu; the newest maxDead holders known to be gone
	heardAt time.Time     // guarded by mu; newest beat received since the start, zero if none
	quiet   time.Time     // guarded by mu; newest vote let through: give that candidate time
	barred  uint64        // guarded by mu; beats and leases of lower terms are dead
	bound   bool          // guarded by mu; an earlier process of this node earns a lease

	holder      uint64                       // guarded by mu; our VIP holder, 0 for none
	ownObeyed   uint64                       // guarded by mu; what our own beats say of Spread's table
	firstHolder uint64                       // guarded by mu; ours when the lease of leaseTerm began
	confirmed   bool                         // guarded by mu; a real peer answered for holder in leaseTerm
	lapsed      bool                         // guarded by mu; the lease of leaseTerm ran out and no real peer answered since
	stoodAt     time.Time                    // guarded by mu; when this node last asked for votes
	standsAt    time.Time                    // guarded by mu; when it last knew that it would win
	stoodIn     uint64                       // guarded by mu; the term in which it did
	seatTerm    uint64                       // guarded by mu; the newest term in which the arbiter seat voted for this node
	seatAsked   time.Time                    // guarded by mu; when the question was put that it answered so
	leaseTerm   uint64                       // guarded by mu
	leaseUntil  time.Time                    // guarded by mu
	acks        map[hraft.ServerID]time.Time // guarded by mu; what the newest answered beat of leaseTerm is good for
	floor       time.Time                    // guarded by mu; a lease that was asked for may last until then
	known       time.Duration                // guarded by mu; the lease that a real peer knows of, 0 while none has answered
	knownAt     time.Time                    // guarded by mu; when the beat was sent that told it
	surrendered uint64                       // guarded by mu; the term whose lease was given up
	bequeathed  uint64                       // guarded by mu; the term whose lease is for another process of this node
	transfer    uint64                       // guarded by mu; the leader of this term asked us to take over
	handedAt    time.Time                    // guarded by mu; when it did
	lapse       time.Time                    // guarded by mu; see lapsedAt
	yieldedTo   hraft.ServerID               // guarded by mu
	yieldedAt   time.Time                    // guarded by mu
}

// note is what a beat says beside Raft's own words: on behalf of which VIP holder
// it asks, for how long, and which version of Spread's table it has obeyed.
type note struct {
	holder uint64
	lease  time.Duration
	obeyed uint64 // 0 where Spread was never used
}

// owed names a VIP holder of a node.
type owed struct {
	node   hraft.ServerID
	holder uint64 // 0: none that could be known to be gone
}

// maxDead bounds what is remembered of holders that are gone: it is needed only
// while beats that name them may still be on the way.
const maxDead = 16

// newFence starts with a promise: a process that was restarted may have given
// one to a leader before it died.
func newFence(t Timing, now time.Time) *fence {
	return &fence{timing: t, start: now, contact: now, asked: longestLease, acks: make(map[hraft.ServerID]time.Time)}
}

// heard notes a beat of the leader of the given term. It reports false when the
// beat must be refused, because a vote for a later term is on its way.
func (f *fence) heard(from hraft.ServerID, n note, term, current uint64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term < f.barred {
		return false
	}
	o := owed{from, n.holder}
	if f.transfer != 0 && term == f.transfer {
		return true // given up: it asks for nothing any more
	}
	if term >= current && !slices.Contains(f.dead, o) {
		f.contact, f.heardAt, f.owed, f.owedIn, f.orphan, f.asked, f.obeyed = now, now, o, term, time.Time{}, n.lease, n.obeyed
	}
	return true
}

// inVain tells whether a beat of term is refused for a later one that nobody has come to
// lead, although there was time. current is the library's term.
func (f *fence) inVain(term, current uint64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return term < f.barred && f.barred <= current && now.Sub(f.quiet) >= f.timing.Detect
}

// gone notes that a VIP holder can hold nothing any more, and reports whether
// this voter's promise ends with it. What it promised before it led itself is over:
// the one it hands leadership to need not fear a proof about the one before.
func (f *fence) gone(node hraft.ServerID, holder uint64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := owed{node, holder}
	if holder == 0 || slices.Contains(f.dead, o) {
		return false
	}
	if f.dead = append(f.dead, o); len(f.dead) > maxDead {
		f.dead = f.dead[1:]
	}
	if f.owed != o || f.leaseTerm > f.owedIn {
		return false
	}
	f.orphan = now
	return true
}

func (f *fence) isDead(o owed) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.dead, o)
}

// orphaned is whose beats this voter owed its promise to, when that node's VIP
// holder is known to be gone, and since when.
func (f *fence) orphaned() (by hraft.ServerID, since time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.owed.node, f.orphan, !f.orphan.IsZero()
}

// lastLeader is whose beats were heard last, "" if none were.
func (f *fence) lastLeader() hraft.ServerID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.owed.node
}

// promised tells whether this voter owes loyalty to a leader, itself included.
// Whatever this node's own timing is, the promise outlasts the lease that was
// asked for. Callers hold mu.
func (f *fence) promised(now time.Time) bool {
	until := f.contact.Add(max(f.timing.promise(), f.asked+leastGuard))
	return f.bound || f.orphan.IsZero() && now.Before(until) || now.Before(f.leaseUntil)
}

// longestAsked is the longest lease that the peer may have now, as far as this
// node knows.
func (f *fence) longestAsked() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(f.asked, f.timing.Lease)
}

// byLock is how long this node's lease by an answer of the arbiter lasts: the peer, which
// waits for it, may have heard no beat that asked for more than known. One that has
// answered none takes the profile's for it, unslowed.
func (f *fence) byLock(unslowed time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known != 0 {
		return byLock(min(f.timing.Lease, f.known))
	}
	return byLock(min(f.timing.Lease, unslowed))
}

// loyal is promised for those who do not hold mu.
func (f *fence) loyal(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.promised(now)
}

// mayVote tells whether a request for a vote in term may reach Raft. byTransfer
// is set when the leader of the term before has surrendered to the candidate.
func (f *fence) mayVote(term uint64, byTransfer bool, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !byTransfer && f.promised(now) {
		return false
	}
	f.bar(term, now)
	return true
}

// mayStand tells whether this node may ask for votes in term, and whether it
// does so by transfer.
func (f *fence) mayStand(term uint64, now time.Time) (ok, byTransfer bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byTransfer = f.transfer != 0 && f.transfer+1 == term
	if !byTransfer && f.promised(now) {
		return false, false
	}
	f.bar(term, now)
	f.stoodAt, f.stoodIn, f.standsAt = now, term, now
	return true, byTransfer
}

func (f *fence) bar(term uint64, now time.Time) {
	f.barred = max(f.barred, term)
	f.quiet = now
}

// mayYield is mayVote for a question that binds nobody: would this node vote for
// the candidate? Having said yes it does not stand itself for a moment, nor says
// yes to another, so that two candidates do not split the vote. Nor does who stands
// himself, until he has had time to win.
func (f *fence) mayYield(to hraft.ServerID, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.promised(now) || f.yieldedTo != to && now.Before(f.yieldedAt.Add(f.timing.Detect/3)) || now.Sub(f.standsAt) < f.timing.Detect {
		return false
	}
	f.yieldedTo, f.yieldedAt = to, now
	return true
}

// yielding tells whether mayYield has said yes a moment ago.
func (f *fence) yielding(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Before(f.yieldedAt.Add(f.timing.Detect / 3))
}

// after tells whether another candidate goes before this node: it was told yes, and has
// the lesser id. Two who ask at the same moment tell each other so.
func (f *fence) after(id hraft.ServerID, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.yieldedTo != "" && f.yieldedTo < id && now.Before(f.yieldedAt.Add(f.timing.Detect/3))
}

// stands notes that this node stands: others are to let it win.
func (f *fence) stands(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.standsAt = now
}

// gaveChance tells whether this node has let another one's request for a vote through,
// so lately that the candidate may be about to win, and has not heard it lead yet.
func (f *fence) gaveChance(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.quiet.After(f.stoodAt) && f.quiet.After(f.heardAt) && now.Sub(f.quiet) < f.timing.Detect
}

// stuck tells whether this node has stood in term for so long that it will not win.
func (f *fence) stuck(term uint64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stoodIn == term && now.Sub(f.stoodAt) >= f.timing.Detect
}

// silence is how long no leader was heard and no candidate was given a chance;
// ok is false while no leader was heard since the start. A node that holds the
// arbiter's lock does not count its own candidacy: it may try again at once.
func (f *fence) silence(now time.Time, locked bool) (d time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.yieldedAt.Add(f.timing.Detect / 3)) {
		return 0, !f.heardAt.IsZero()
	}
	newest := f.heardAt
	if f.quiet.After(newest) && !(locked && f.quiet.Equal(f.stoodAt)) {
		newest = f.quiet
	}
	return now.Sub(newest), !f.heardAt.IsZero()
}

// sinceContact is the age of the newest beat, or of this process.
func (f *fence) sinceContact(now time.Time) time.Duration { return now.Sub(f.lastContact()) }

func (f *fence) lastContact() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.contact
}

// setTiming changes the timing from the next beat on.
func (f *fence) setTiming(t Timing, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.askedFor(f.timing.Lease, now)
	f.timing = t
}

// askedFor notes that a beat up to now may have asked for a lease. Callers hold mu.
func (f *fence) askedFor(lease time.Duration, now time.Time) {
	if until := now.Add(lease); until.After(f.floor) {
		f.floor = until
	}
}

// setHolder makes the process whose VIP holder is h earn its lease anew. What was
// answered for an earlier holder is void: that one is dead.
func (f *fence) setHolder(h uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h == f.holder {
		return
	}
	f.holder, f.confirmed, f.leaseUntil = h, false, time.Time{}
	clear(f.acks)
}

// asks is what this node's next beat has to say.
func (f *fence) asks(now time.Time) note {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bound {
		f.askedFor(longestLease, now)
	}
	return note{f.holder, max(f.timing.Lease, f.floor.Sub(now)), f.ownObeyed}
}

// asksLong is asks for the longest lease that every voter keeps to, also one that has
// just been started.
func (f *fence) asksLong(now time.Time) note {
	f.mu.Lock()
	f.askedFor(longestLease, now)
	f.mu.Unlock()
	return f.asks(now)
}

// bind makes this process give no vote, nor stand but by transfer, while an earlier
// process of the node earns the lease.
func (f *fence) bind() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bound = true
}

// unbind is the end of that: the other one earns nothing from now on. What it has
// earned may last.
func (f *fence) unbind(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.askedFor(longestLease, now)
	f.bound = false
}

// obey has this node's beats say that it holds nothing that versions of Spread's
// table up to v took from it.
func (f *fence) obey(v uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ownObeyed = max(f.ownObeyed, v)
}

// rival is the node that may hold VIPs by the lease of a leader, as far as this
// voter has to care: the one it owes its promise to, or itself.
func (f *fence) rival(self hraft.ServerID, now time.Time) rival {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.bound:
		return rival{self, 0}
	case now.Before(f.leaseUntil):
		return rival{self, f.ownObeyed}
	case f.promised(now):
		return rival{f.owed.node, f.obeyed}
	}
	return rival{}
}
