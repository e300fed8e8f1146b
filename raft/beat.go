package raft

import (
	"time"

	hraft "github.com/hashicorp/raft"
)

// beater asks the voters for the lease while this node leads, every Timing.Beat,
// beside the library's own heartbeats, which come at their leisure: the first of a
// new leader only after a while, or with an entry that has to reach two disks.
// While it does not lead it keeps a connection to every voter open, so that an
// election has no handshakes to wait for.
type beater struct {
	t    *transport
	busy map[hraft.ServerID]chan struct{} // a token while a message to the voter is under way
}

// warmEvery is how often an idle connection to a voter is used.
const warmEvery = time.Second

// sparedBeats: where a lease lasts for so many beats, a voter that has just answered
// something else that asked for the lease is spared one. The library says something
// every 10 to 20 ms.
const sparedBeats = 6

// restingBeats is how many beats a node that does not lead takes as one.
const restingBeats = 2

// run until core.done.
func (b *beater) run() {
	b.busy = make(map[hraft.ServerID]chan struct{})
	timer := time.NewTimer(0)
	defer timer.Stop()
	var warmed, due time.Time
	for {
		select {
		case <-b.t.done:
			return
		case <-timer.C:
			if now := time.Now(); !due.IsZero() {
				b.t.beaten(now.Sub(due), now)
			}
		case <-b.t.lead:
		}
		t, r := b.t.timing(), b.t.lib.Load()
		leads := r != nil && r.State() == hraft.Leader
		pause := t.Beat
		if !leads { // only to learn whether this node would be late
			pause *= restingBeats
		}
		timer.Reset(pause)
		due = time.Now().Add(pause)
		switch now := time.Now(); {
		case r == nil:
		case leads:
			term := r.CurrentTerm()
			spare := t.Lease >= sparedBeats*t.Beat
			b.each(func(s hraft.Server) {
				if !spare || now.Sub(b.t.peers.confirmedAt(s.ID, term)) >= t.Beat/2 {
					b.beat(s, term)
				}
			})
		case !b.t.witness && now.Sub(warmed) >= warmEvery:
			warmed = now
			b.each(b.warm)
		}
	}
}

// each calls fn for the other voters, one at a time for each.
func (b *beater) each(fn func(hraft.Server)) {
	for _, s := range b.t.servers() {
		if s.Suffrage != hraft.Voter || s.ID == b.t.id {
			continue
		}
		ch := b.busy[s.ID]
		if ch == nil {
			ch = make(chan struct{}, 1)
			b.busy[s.ID] = ch
		}
		select {
		case ch <- struct{}{}:
			b.t.wg.Go(func() { fn(s); <-ch })
		default: // a dead voter is asked again after the transport's timeout
		}
	}
}

func (b *beater) beat(s hraft.Server, term uint64) {
	req := &hraft.AppendEntriesRequest{RPCHeader: b.t.header(), Term: term}
	var resp hraft.AppendEntriesResponse
	_ = b.t.AppendEntries(s.ID, s.Address, req, &resp) // an answer was noted on the way
}

// warm asks for nothing: a pre-vote in term 0 is never given.
func (b *beater) warm(s hraft.Server) {
	if s.ID == seatID {
		return
	}
	var resp hraft.RequestPreVoteResponse
	if b.t.inner.RequestPreVote(s.ID, s.Address, &hraft.RequestPreVoteRequest{RPCHeader: b.t.header()}, &resp) == nil {
		b.t.peers.answered(s.ID, time.Now())
	}
}
