package raft

import (
	"context"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// detector makes a data node stand as soon as the leader has been silent for
// Detect, where the library alone would look after one to three times that. It
// first asks whether it would win: standing in vain raises the term and so
// deposes a leader that others still hear.
type detector struct {
	t       *transport
	witness func(hraft.ServerID) bool // tells who never stands
	held    bool                      // this node led with the arbiter's help alone when last looked at
}

// run until core.done.
func (d *detector) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var asked time.Time
	expired := false
	for {
		select {
		case <-d.t.done:
			return
		case <-timer.C:
		case <-d.t.orphan:
		}
		now := time.Now()
		timer.Reset(d.wait(now))
		r := d.t.lib.Load()
		if r == nil {
			continue
		}
		d.tellHeld(now)
		if r.State() == hraft.Leader {
			d.lead(r, now, &expired)
			continue
		}
		switch due, urgent := d.due(r, now); {
		case !due:
		case urgent:
			if asked = now; !d.stand(r) {
				d.soon(orphanAgain)
			}
		case now.Sub(asked) >= askAgain:
			d.stand(r)
			asked = time.Now()
		}
	}
}

// wait is how long to wait before looking again: until the leader has been silent for
// Detect, or this leader's lease is over, with two bounds. The lower one is for what only
// time can tell, the upper one for what changes meanwhile.
func (d *detector) wait(now time.Time) time.Duration {
	detect := d.t.timing().Detect
	least := min(max(detect/30, 2*time.Millisecond), 20*time.Millisecond)
	if d.t.leads() {
		until, _ := d.t.fence.lease(d.t.term())
		return max(2*least, min(until.Sub(now), detect/4))
	}
	_, locked := d.t.seat.claim.held(now)
	silence, _ := d.t.fence.silence(now, locked)
	return max(least, min(detect-silence, detect/4, 50*time.Millisecond))
}

// soon looks again after a moment.
func (d *detector) soon(after time.Duration) {
	time.AfterFunc(after, func() {
		select {
		case d.t.orphan <- struct{}{}:
		default:
		}
	})
}

// tellHeld logs when writes close for want of the peer, and when they open again.
func (d *detector) tellHeld(now time.Time) {
	peer, held := d.t.heldByArbiter(now)
	if held == d.held {
		return
	}
	if d.held = held; held {
		d.t.log.Warn("the quorum is held by the arbiter: writes are closed until the peer answers", "peer", peer)
	} else {
		d.t.log.Info("the quorum is not held by the arbiter any more", "leads", d.t.leads())
	}
}

// lead renews the lease of a sole voter, which needs nobody's answer, and tells
// when a lease ran out.
func (d *detector) lead(r *hraft.Raft, now time.Time, expired *bool) {
	term := r.CurrentTerm()
	if d.t.alone() {
		d.t.ack(d.t.id, d.t.fence.asks(now), term, now)
	}
	until, _ := d.t.fence.lease(term)
	over := !now.Before(until)
	if over && !*expired {
		d.t.notify()
	}
	*expired = over
	// Without the peer, and with the arbiter's lock lost, there is no way back in this term.
	if _, held := d.t.heldByArbiter(now); held && over && !until.IsZero() && d.t.seat.claim.state() == RegistersReady {
		if _, locked := d.t.seat.claim.held(now); !locked {
			d.t.fence.surrender(term)
			d.t.resign.Store(term)
		}
	}
	// Without the peer, a new VIP holder can have a lease in a new term only.
	if _, held := d.t.heldByArbiter(now); held && d.t.fence.unconfirmed(term) {
		d.t.fence.surrender(term)
		d.t.resign.Store(term)
	}
}

// due tells whether it is this node's turn: the silence has lasted long enough,
// or, which is urgent, the leader's VIP holder is gone.
func (d *detector) due(r *hraft.Raft, now time.Time) (due, urgent bool) {
	if d.t.witness || d.t.banished.Load() || !d.t.isVoter(d.t.id) || r.State() != hraft.Follower && !d.stuck(r, now) {
		return false, false
	}
	if d.t.alone() {
		return true, true // there is nobody to wait for
	}
	if by, since, ok := d.t.fence.orphaned(); ok {
		if d.t.fence.yielding(now) || d.t.fence.gaveChance(now) { // to a candidate that needs a moment to write that it stands
			d.soon(orphanAgain)
			return false, false
		}
		if wait := time.Duration(d.rank(by)) * rankStep; now.Sub(since) < wait {
			d.soon(wait - now.Sub(since))
			return false, false
		}
		return true, true
	}
	_, locked := d.t.seat.claim.held(now)
	silence, ok := d.t.fence.silence(now, locked)
	ok = ok || locked // it never heard a leader, and there is none
	if !ok || silence < d.t.timing().Detect || d.t.fence.loyal(now) {
		return false, false
	}
	return silence >= d.t.timing().Detect+time.Duration(d.rank(d.t.fence.lastLeader()))*rankStep, false
}

// stuck tells whether this node has stood, and neither won nor heard of who did: the
// vote was split. The library would wait for one to two election timeouts.
func (d *detector) stuck(r *hraft.Raft, now time.Time) bool {
	_, seated := d.t.realPeers() // the seat is asked for longer
	return r.State() == hraft.Candidate && !seated && d.t.fence.stuck(r.CurrentTerm(), now)
}

// rank of this node among those who may stand: the voters without a leader that is
// silent or gone, and without witnesses.
func (d *detector) rank(leader hraft.ServerID) int {
	return rankAmong(voterIDs(d.t.servers()), d.t.id, func(id hraft.ServerID) bool { return id != leader && !d.witness(id) })
}

// rankAmong is how many voters before id, in the order of ids, may stand.
func rankAmong(voters []hraft.ServerID, id hraft.ServerID, may func(hraft.ServerID) bool) (n int) {
	for _, v := range voters {
		if v != seatID && v < id && may(v) {
			n++
		}
	}
	return n
}

// stand asks the other voters and, when a quorum would vote, makes the library
// stand at once. It reports whether there was nothing left to do.
func (d *detector) stand(r *hraft.Raft) bool {
	term := r.CurrentTerm()
	if !d.wouldWin(term + 1) {
		return false
	}
	d.t.turn.Lock() // no vote is let through between what is looked at here and what follows from it
	defer d.t.turn.Unlock()
	now := time.Now()
	stuck := d.stuck(r, now)
	if r.State() != hraft.Follower && !stuck || r.CurrentTerm() != term || !d.t.alone() && (d.t.fence.loyal(now) || d.t.fence.gaveChance(now) || d.t.fence.after(d.t.id, now)) {
		return true // someone was faster
	}
	d.t.fence.stands(now)
	newest := d.t.newest.Load() // a voter has been there, and may have voted
	if stuck {
		newest = max(newest, term+1) // nobody stands there: it makes the library a follower
	}
	if newest > term {
		d.skip(d.t.id, d.t.addr, newest)
		term = newest
	}
	peers, seated := d.t.realPeers()
	if seated && len(peers) == 1 && (term+1)%2 != d.t.seat.parity(peers) && d.t.seat.alone(peers[0].ID, now) {
		d.skip(seatID, seatAddress, term+1) // the seat will not vote in it
	}
	d.t.inject(&hraft.TimeoutNowRequest{RPCHeader: d.t.header()})
	return true
}

// skip passes a term by with a request that no log lets win.
func (d *detector) skip(by hraft.ServerID, addr hraft.ServerAddress, term uint64) {
	d.t.inject(&hraft.RequestVoteRequest{
		RPCHeader: hraft.RPCHeader{ProtocolVersion: hraft.ProtocolVersionMax, ID: []byte(by), Addr: []byte(addr)},
		Term:      term, LeadershipTransfer: true,
	})
}

// wouldWin is a round of pre-votes, bounded by the transport's own timeout.
func (d *detector) wouldWin(term uint64) bool {
	index, lastTerm := d.t.lastEntry()
	req := &hraft.RequestPreVoteRequest{RPCHeader: d.t.header(), Term: term, LastLogIndex: index, LastLogTerm: lastTerm}
	ctx, cancel := context.WithTimeout(context.Background(), d.t.timing().Detect)
	defer cancel()
	voters := 0
	var asks []func() bool
	for _, s := range d.t.servers() {
		if s.Suffrage != hraft.Voter {
			continue
		}
		if voters++; s.ID != d.t.id {
			asks = append(asks, func() bool {
				var resp hraft.RequestPreVoteResponse
				return d.t.askPreVote(s.ID, s.Address, req, &resp) == nil && resp.Granted
			})
		}
	}
	return poll(ctx, d.t.wg.Go, asks, voters/2, d.t.done)
}

// poll asks all at once, and reports whether need of them say yes before ctx ends. Who
// says no is asked again as long as another one has not answered at all: that one may be
// gone, and a voter that heard the silent leader a little later says yes a little later.
// A slow voter does not hold up the others' yes; it is left to run.
func poll(ctx context.Context, run func(func()), asks []func() bool, need int, done <-chan struct{}) bool {
	if need <= 0 {
		return true
	}
	all, answered := context.WithCancel(ctx) // until each has answered once
	defer answered()
	var first sync.WaitGroup
	first.Add(len(asks))
	run(func() { first.Wait(); answered() })
	votes := make(chan bool, len(asks))
	for _, ask := range asks {
		run(func() {
			yes := ask()
			first.Done()
			for !yes {
				select {
				case <-all.Done():
					votes <- false
					return
				case <-time.After(orphanAgain):
				}
				yes = ask()
			}
			votes <- true
		})
	}
	for range asks {
		select {
		case yes := <-votes:
			if yes {
				need--
			}
		case <-ctx.Done():
			return false
		case <-done:
			return false
		}
		if need == 0 {
			return true
		}
	}
	return false
}
