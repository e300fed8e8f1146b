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
}

// run until core.done.
func (d *detector) run() {
	tick := time.NewTicker(d.every())
	defer tick.Stop()
	every := d.every()
	var asked time.Time
	expired := false
	for {
		select {
		case <-d.t.done:
			return
		case <-tick.C:
		case <-d.t.orphan:
		}
		if e := d.every(); e != every {
			every = e
			tick.Reset(e)
		}
		now := time.Now()
		r := d.t.lib.Load()
		if r == nil {
			continue
		}
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

// every is how often to look.
func (d *detector) every() time.Duration {
	return min(max(d.t.timing().Detect/30, 2*time.Millisecond), 20*time.Millisecond)
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
	if d.t.witness || d.t.banished.Load() || r.State() != hraft.Follower || !d.t.isVoter(d.t.id) {
		return false, false
	}
	if d.t.alone() {
		return true, true // there is nobody to wait for
	}
	if by, since, ok := d.t.fence.orphaned(); ok {
		if d.t.fence.yielding(now) { // to a candidate that needs a moment to write that it stands
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
	if r.State() != hraft.Follower || r.CurrentTerm() != term || !d.t.alone() && d.t.fence.loyal(time.Now()) {
		return true // someone was faster
	}
	peers, seated := d.t.realPeers()
	if seated && len(peers) == 1 && (term+1)%2 != d.t.seat.parity(peers) && d.t.seat.alone(peers[0].ID, time.Now()) {
		// The seat will not vote in the next term; pass it by with a request that
		// no log lets win.
		d.inject(&hraft.RequestVoteRequest{
			RPCHeader: hraft.RPCHeader{ProtocolVersion: hraft.ProtocolVersionMax, ID: []byte(seatID), Addr: []byte(seatAddress)},
			Term:      term + 1, LeadershipTransfer: true,
		})
	}
	d.inject(&hraft.TimeoutNowRequest{RPCHeader: d.t.header()})
	return true
}

// inject puts a command before the library's main loop and waits until it is handled.
func (d *detector) inject(cmd any) {
	resp := make(chan hraft.RPCResponse, 1)
	select {
	case d.t.out <- hraft.RPC{Command: cmd, RespChan: resp}:
	case <-d.t.done:
		return
	}
	select {
	case <-resp:
	case <-d.t.done:
	}
}

// wouldWin is a round of pre-votes, bounded by the transport's own timeout.
func (d *detector) wouldWin(term uint64) bool {
	index, lastTerm := d.t.lastEntry()
	req := &hraft.RequestPreVoteRequest{RPCHeader: d.t.header(), Term: term, LastLogIndex: index, LastLogTerm: lastTerm}
	ctx, cancel := context.WithTimeout(context.Background(), d.t.timing().Detect)
	defer cancel()
	voters := 0
	var others []hraft.Server
	for _, s := range d.t.servers() {
		if s.Suffrage == hraft.Voter {
			voters++
			if s.ID != d.t.id {
				others = append(others, s)
			}
		}
	}
	votes := make(chan bool, len(others))
	var wg, peers sync.WaitGroup
	peers.Add(len(others))
	rest, settled := context.WithCancel(ctx) // until the real voters have answered
	defer settled()
	d.t.wg.Go(func() { peers.Wait(); settled() })
	for _, s := range others {
		wg.Go(func() {
			if s.ID == seatID {
				peers.Done()
				votes <- d.seatYields(rest, req)
				return
			}
			defer peers.Done()
			var resp hraft.RequestPreVoteResponse
			err := d.t.askPreVote(s.ID, s.Address, req, &resp)
			votes <- err == nil && resp.Granted
		})
	}
	defer d.t.wg.Go(wg.Wait) // a slow voter must not hold up the others' yes
	have := 1
	for range others {
		select {
		case yes := <-votes:
			if yes {
				have++
			}
		case <-ctx.Done():
			return false
		case <-d.t.done:
			return false
		}
		if have > voters/2 {
			return true
		}
	}
	return have > voters/2
}

// seatYields asks the seat until it says yes or the other voters have answered:
// what it waits for may come before a dead peer is given up.
func (d *detector) seatYields(rest context.Context, req *hraft.RequestPreVoteRequest) bool {
	for {
		var resp hraft.RequestPreVoteResponse
		if err := d.t.seat.requestPreVote(req, &resp); err == nil && resp.Granted {
			return true
		}
		select {
		case <-rest.Done():
			return false
		case <-time.After(orphanAgain):
		}
	}
}
