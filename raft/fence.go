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
// The one way round a promise is a transfer: the leader gives its lease up for
// the rest of its term (surrender), so nothing is left to protect.
type fence struct {
	timing Timing
	start  time.Time

	mu      sync.Mutex
	contact time.Time // guarded by mu; newest beat received, at first the start of the process
	heardAt time.Time // guarded by mu; newest beat received since the start, zero if none
	quiet   time.Time // guarded by mu; newest vote let through: give that candidate time
	barred  uint64    // guarded by mu; beats and leases of lower terms are dead

	leaseTerm   uint64                       // guarded by mu
	leaseUntil  time.Time                    // guarded by mu
	acks        map[hraft.ServerID]time.Time // guarded by mu; newest answered sending time in leaseTerm
	surrendered uint64                       // guarded by mu; the term whose lease was given up
	transfer    uint64                       // guarded by mu; the leader of this term asked us to take over
	yieldedTo   hraft.ServerID               // guarded by mu
	yieldedAt   time.Time                    // guarded by mu
}

// newFence starts with a promise: a process that was restarted may have given
// one to a leader before it died.
func newFence(t Timing, now time.Time) *fence {
	return &fence{timing: t, start: now, contact: now, acks: make(map[hraft.ServerID]time.Time)}
}

// heard notes a beat of a leader of the given term. It reports false when the
// beat must be refused, because a vote for a later term is on its way.
func (f *fence) heard(term, current uint64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term < f.barred {
		return false
	}
	if term >= current {
		f.contact, f.heardAt = now, now
	}
	return true
}

// promised tells whether this voter owes loyalty to a leader, itself included.
// Callers hold mu.
func (f *fence) promised(now time.Time) bool {
	return now.Before(f.contact.Add(f.timing.promise())) || now.Before(f.leaseUntil)
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
	return true, byTransfer
}

func (f *fence) bar(term uint64, now time.Time) {
	f.barred = max(f.barred, term)
	f.quiet = now
}

// mayYield is mayVote for a question that binds nobody: would this node vote for
// the candidate? Having said yes it does not stand itself for a moment, nor says
// yes to another, so that two candidates do not split the vote.
func (f *fence) mayYield(to hraft.ServerID, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.promised(now) || f.yieldedTo != to && now.Before(f.yieldedAt.Add(f.timing.Detect/3)) {
		return false
	}
	f.yieldedTo, f.yieldedAt = to, now
	return true
}

// silence is how long no leader was heard and no candidate was given a chance;
// ok is false while no leader was heard since the start.
func (f *fence) silence(now time.Time) (d time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.yieldedAt.Add(f.timing.Detect / 3)) {
		return 0, !f.heardAt.IsZero()
	}
	newest := f.heardAt
	if f.quiet.After(newest) {
		newest = f.quiet
	}
	return now.Sub(newest), !f.heardAt.IsZero()
}

// sinceContact is the age of the newest beat, or of this process.
func (f *fence) sinceContact(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Sub(f.contact)
}

// acked notes that a voter answered a beat of term, sent at sent, and reports
// whether the lease grew. voters are all voters, self among them.
func (f *fence) acked(id hraft.ServerID, term uint64, sent time.Time, voters []hraft.ServerID, self hraft.ServerID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term < f.barred || term < f.leaseTerm || term == f.surrendered {
		return false
	}
	if term > f.leaseTerm {
		f.leaseTerm, f.leaseUntil = term, time.Time{}
		clear(f.acks)
	}
	if id != self && sent.After(f.acks[id]) {
		f.acks[id] = sent
	}
	others := make([]time.Time, 0, maxVoters)
	for _, v := range voters {
		if v == self {
			continue
		}
		if at, ok := f.acks[v]; ok {
			others = append(others, at)
		}
	}
	need := len(voters) / 2 // of the others, besides self
	if need > 0 {
		if len(others) < need {
			return false
		}
		slices.SortFunc(others, func(a, b time.Time) int { return b.Compare(a) })
		sent = others[need-1]
	}
	if until := sent.Add(f.timing.Lease); until.After(f.leaseUntil) {
		f.leaseUntil = until
		return true
	}
	return false
}

// lease is when the lease of term ends; zero when there is none.
func (f *fence) lease(term uint64) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term == 0 || term != f.leaseTerm {
		return time.Time{}
	}
	return f.leaseUntil
}

// surrender gives the lease of term up for good.
func (f *fence) surrender(term uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.surrendered = term
	if f.leaseTerm == term {
		f.leaseUntil = time.Time{}
	}
}

// gaveUp tells whether the lease of term was surrendered.
func (f *fence) gaveUp(term uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.surrendered == term
}

// takeOver notes that the leader of term surrendered to this node. It holds for
// candidacy in the very next term only: a request that was delayed until the
// cluster has moved on is worth nothing.
func (f *fence) takeOver(term uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.transfer = term
}
