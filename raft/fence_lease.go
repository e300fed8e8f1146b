package raft

import (
	"slices"
	"time"

	hraft "github.com/hashicorp/raft"
)

// acked notes that a voter answered a beat of term, sent at sent with n, and
// reports whether the lease grew. voters are all voters, self among them.
func (f *fence) acked(id hraft.ServerID, n note, term uint64, sent time.Time, voters []hraft.ServerID, self hraft.ServerID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term < f.barred || term < f.leaseTerm || term == f.surrendered || n.holder != f.holder {
		return false
	}
	if term > f.leaseTerm {
		f.lapse = f.endBefore(term)
		f.leaseTerm, f.leaseUntil, f.firstHolder, f.confirmed, f.lapsed = term, time.Time{}, f.holder, false, false
		f.orphan = time.Time{} // the proof has been used: after this term somebody else may lead
		clear(f.acks)
	}
	until := sent.Add(n.lease)
	switch {
	case id == self:
	case id == seatID && !f.seatCounts(sent):
		return false
	default:
		if id != seatID {
			f.confirmed, f.lapsed = true, false
			if sent.After(f.knownAt) {
				f.known, f.knownAt = n.lease, sent
			}
		}
		if until.After(f.acks[id]) {
			f.acks[id] = until
		}
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
		until = others[need-1]
	}
	if until.After(f.leaseUntil) {
		f.leaseUntil = until
		return true
	}
	return false
}

// seatCounts tells whether the arbiter seat's word may carry the lease on. It
// continues a lease, or begins one right after the election, but neither revives
// one nor moves it to another VIP holder: the peer, for which nobody speaks here,
// may have taken over with its own half of the seat. Callers hold mu.
func (f *fence) seatCounts(sent time.Time) bool {
	running := f.leaseUntil
	if running.IsZero() {
		begun := f.stoodAt
		if f.seatTerm == f.leaseTerm && f.seatAsked.After(begun) { // it was asked until it voted
			begun = f.seatAsked
		}
		running = begun.Add(f.timing.Lease)
	}
	f.lapsed = f.lapsed || !f.confirmed && f.holder != f.firstHolder || !sent.Before(running)
	return !f.lapsed
}

// seatVoted notes that the seat votes for this node in term, upon what was true at
// asked.
func (f *fence) seatVoted(term uint64, asked time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seatTerm, f.seatAsked = term, asked
}

// leaderWish is what the leader of term wants of the arbiter's lock. While the peer
// confirms the lease nobody else may hold; else the lock is kept for as long as
// the seat's word may count.
func (f *fence) leaderWish(term uint64, peer hraft.ServerID, now time.Time) claimWish {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case term == f.surrendered || term < f.barred:
		return wishNone
	case term != f.leaseTerm:
		return wishKeep
	case now.Before(f.acks[peer]):
		return wishOwn
	case f.lapsed || !f.confirmed && f.holder != f.firstHolder:
		return wishNone
	}
	return wishKeep
}

// unconfirmed tells whether this leader of term needs the answer of a real peer
// for a lease: the seat's word is not enough.
func (f *fence) unconfirmed(term uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leaseTerm == term && f.lapsed
}

// endBefore is when the lease of another node before that of term was over, at the
// latest: when its leader gave it up, when its holder was known to be gone, or when
// the newest beat that was heard was worth nothing any more. Zero: no leader was
// heard. Callers hold mu, before anything of term is noted.
func (f *fence) endBefore(term uint64) time.Time {
	switch {
	case f.transfer != 0 && f.transfer+1 == term:
		return f.handedAt
	case !f.orphan.IsZero():
		return f.orphan
	case f.heardAt.IsZero():
		return time.Time{}
	}
	return f.contact.Add(f.asked)
}

// lapsedAt is what endBefore was for term.
func (f *fence) lapsedAt(term uint64) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term != f.leaseTerm {
		return time.Time{}
	}
	return f.lapse
}

// lease is when the lease of term ends, zero when there is none, and for which
// VIP holder it is.
func (f *fence) lease(term uint64) (until time.Time, holder uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term == 0 || term != f.leaseTerm {
		return time.Time{}, f.holder
	}
	return f.leaseUntil, f.holder
}

// surrender gives the lease of term up for good, unless it is bequeathed.
func (f *fence) surrender(term uint64) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bequeathed != 0 && f.bequeathed == term {
		return false
	}
	f.surrendered = term
	if f.leaseTerm == term {
		f.leaseUntil = time.Time{}
	}
	return true
}

// bequeath keeps the lease of term for another process of this node; false when it
// was given up.
func (f *fence) bequeath(term uint64) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.surrendered == term || f.leaseTerm != term {
		return false
	}
	f.bequeathed = term
	return true
}

// bequest tells whether the lease of term is for another process of this node.
func (f *fence) bequest(term uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bequeathed != 0 && f.bequeathed == term
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
func (f *fence) takeOver(term uint64, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.transfer, f.handedAt, f.standsAt = term, now, now
}

// released notes that the leader of term has let the VIPs and the arbiter's lock go
// at asOf or later: what was promised to it is over, as if its VIP holder were
// known to be gone since then.
func (f *fence) released(by hraft.ServerID, term uint64, asOf time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owed.node == by && f.owedIn == term {
		f.orphan = asOf
	}
}

// handedOver tells whether the promise is over because the leader has let go.
func (f *fence) handedOver() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.transfer != 0 && f.owedIn == f.transfer && !f.orphan.IsZero()
}
