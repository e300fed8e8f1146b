package raft

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// claimant holds, or tries to hold, the locks of the arbiters (see claim) for this
// node, as one of two data nodes without a witness. With several arbiters more
// than half of the locks make the holder.
type claimant struct {
	*core
	regs Registers // nil: none
	wake chan struct{}

	mu     sync.Mutex
	addr   netip.Addr // guarded by mu; the register's, as of the last round
	claims []claim    // guarded by mu; one for each arbiter
	reads  []readOf   // guarded by mu; those whose answers may still come, oldest first
	last   time.Time  // guarded by mu; the newest round
	woke   time.Time  // guarded by mu; the newest round that came late
	tried  bool       // guarded by mu; a claim was begun since the leader was last heard
}

// readOf is a question to the arbiter number of.
type readOf struct {
	id uint64
	of int
	at time.Time
}

func newClaimant(c *core, regs Registers) *claimant {
	return &claimant{core: c, regs: regs, wake: make(chan struct{}, 1)}
}

// state is RegistersNone without any.
func (l *claimant) state() RegistersState {
	if l.regs == nil {
		return RegistersNone
	}
	s, _ := l.regs.State()
	return s
}

// hurry makes a round now.
func (l *claimant) hurry() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run until core.done.
func (l *claimant) run() {
	if l.regs == nil {
		return
	}
	var last time.Time
	for {
		next := last.Add(l.pause())
		t, heard := l.timing(), l.fence.lastContact()
		for _, due := range []time.Time{l.due(), heard.Add(t.missed()), heard.Add(t.earliest())} {
			if due.After(last) && due.Before(next) {
				next = due
			}
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-l.done:
			timer.Stop()
			return
		case id := <-l.regs.Replies():
			timer.Stop()
			l.answered(id, time.Now())
			continue
		case <-timer.C:
		case <-l.wake:
			timer.Stop()
		}
		last = time.Now()
		l.round(last)
	}
}

// pause between two rounds. With a witness, or with more nodes, there is no lock to claim.
// Who has nothing but the lock asks often: one late answer must not cost it.
func (l *claimant) pause() time.Duration {
	if _, seated := l.realPeers(); !seated {
		return seatedLook
	}
	pause := min(claimEvery, l.timing().Beat)
	if _, held := l.heldByArbiter(time.Now()); held {
		pause = min(pause, l.byLock()/6)
	}
	return pause
}

// wish is what this node wants of the locks. Callers hold mu.
func (l *claimant) wish(now time.Time) claimWish {
	peers, seated := l.realPeers()
	r := l.lib.Load()
	if !seated || len(peers) > 1 || l.witness || l.banished.Load() || r == nil {
		return wishNone
	}
	var peer hraft.ServerID // none while a dead one is taken out
	if len(peers) == 1 {
		peer = peers[0].ID
	}
	if r.State() == hraft.Leader {
		return l.fence.leaderWish(r.CurrentTerm(), peer, now)
	}
	by, died, gone := l.fence.orphaned()
	silence, t := l.fence.sinceContact(now), l.timing()
	if silence < t.missed() {
		l.tried = false
	}
	gone = gone && by == peer && t.fresh(died, l.woke, now, t.Lease)
	return t.followerWish(gone, silence, l.regs.Unseen(), l.tried && !l.claiming())
}

// drop lets the locks go: this node has to claim them anew, which takes longer than
// any lease.
func (l *claimant) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.claims)
	l.reads = nil
}

// claiming tells whether any claim is under way or held. Callers hold mu.
func (l *claimant) claiming() bool {
	return slices.ContainsFunc(l.claims, func(c claim) bool { return c.state != unclaimed })
}

// round steps every claim and sends what it asks for.
func (l *claimant) round(now time.Time) {
	state, addr := l.regs.State()
	l.mu.Lock()
	defer l.mu.Unlock()
	if paused(l.last, now, l.timing().Lease) {
		l.woke = now
	}
	l.last = now
	if n := l.regs.Count(); addr != l.addr || n != len(l.claims) {
		l.addr, l.claims, l.reads = addr, make([]claim, n), nil // other locks
	}
	wish := wishNone
	if state == RegistersReady {
		wish = l.wish(now)
	}
	for i := range l.claims {
		move := l.claims[i].step(now, wish, l.byLock(), byLock(l.fence.longestAsked()))
		if move == moveNone {
			continue
		}
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		id := binary.NativeEndian.Uint64(b[:])
		l.reads = append(l.reads, readOf{id, i, now})
		l.reads = l.reads[max(0, len(l.reads)-maxReads*len(l.claims)):]
		if move == moveWriteRead {
			l.tried = true
			l.log.Debug("ask the arbiter for the VIPs", "vip", addr, "certain", wish == wishOwn)
		}
		l.regs.Ask(i, addr, id, move == moveWriteRead, move == moveReadWrite)
	}
}

// answered notes the answer to a read, and what the lease gains by it.
func (l *claimant) answered(id uint64, now time.Time) {
	if !l.noted(id, now) {
		return
	}
	if proof, ok := l.held(now); ok {
		n := l.fence.asks(now)
		n.lease = l.byLock()
		l.ack(seatID, n, l.term(), proof)
	}
}

// noted tells whether it was the answer to a read of this leader, who holds the lock by it.
func (l *claimant) noted(id uint64, now time.Time) (leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := slices.IndexFunc(l.reads, func(r readOf) bool { return r.id == id })
	if k < 0 {
		return false
	}
	r := l.reads[k]
	l.reads = slices.Delete(l.reads, k, k+1)
	c := &l.claims[r.of]
	was := c.state
	if leads = was == claimed && l.leads(); leads {
		l.beaten(now.Sub(r.at), now)
	}
	if c.answered(r.at, now); c.state != was {
		select { // the detector can go on
		case l.orphan <- struct{}{}:
		default:
		}
	}
	return leads
}

func (l *claimant) due() (first time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.claims {
		if d := l.claims[i].due(); !d.IsZero() && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	return first
}

// held tells whether this node holds the locks, and when the question was sent
// whose answer shows it.
func (l *claimant) held(now time.Time) (proof time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	proofs, lease := make([]time.Time, 0, len(l.claims)), l.byLock()
	for i := range l.claims {
		if at, ok := l.claims[i].held(now, lease); ok {
			proofs = append(proofs, at)
		}
	}
	need := len(l.claims)/2 + 1
	if len(proofs) < need {
		return time.Time{}, false
	}
	slices.SortFunc(proofs, func(a, b time.Time) int { return b.Compare(a) })
	return proofs[need-1], true
}
