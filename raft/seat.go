package raft

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// The arbiter seat is the third voter of two data nodes without a witness. It
// has no process: each node's transport answers for it. Its address is never
// dialled.
const (
	seatID      hraft.ServerID      = "seat"
	seatAddress hraft.ServerAddress = "seat.lbd.internal:0"
)

var (
	errSeatEmpty = errors.New("the arbiter seat is empty: neither peer nor arbiter answers")
	errSeatHeld  = errors.New("the arbiter seat acknowledges no entry by itself")
)

// seat answers votes and beats for the seat, under its conditions, and never
// acknowledges a log entry before the real peer has.
type seat struct {
	*core
	disk  *local
	claim *claimant

	mu    sync.Mutex
	voted seatVote // guarded by mu; what is on disk
}

func newSeat(c *core, disk *local, claim *claimant) (*seat, error) {
	v, err := disk.loadSeatVote()
	if err != nil {
		return nil, err
	}
	return &seat{core: c, disk: disk, claim: claim, voted: v}, nil
}

// parity is this node's rank among the two data voters: which terms it may win
// with the seat. Both nodes compute it from the same two ids.
func (s *seat) parity(peers []hraft.Server) uint64 {
	ids := []hraft.ServerID{s.id}
	for _, p := range peers {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return uint64(slices.Index(ids, s.id)) % 2
}

// alone tells whether the seat's vote does not depend on the peer: it is silent, or
// known to hold nothing any more.
func (s *seat) alone(peer hraft.ServerID, now time.Time) bool {
	if s.claim.state() == RegistersReady {
		_, held := s.claim.held(now)
		return held
	}
	by, _, orphaned := s.fence.orphaned()
	return orphaned && by == peer || s.peers.silence(peer, now) >= s.timing().Detect
}

// question collects what is known now. The VIPs are taken as silent; asking is
// slow and done last.
func (s *seat) question(term uint64, candidate string, pre bool) seatQuestion {
	now := time.Now()
	peers, _ := s.realPeers()
	q := seatQuestion{
		Term: term, Candidate: candidate, Pre: pre, Voted: s.voted, Parity: s.parity(peers), RealPeers: len(peers),
		Detect: s.timing().Detect, Up: now.Sub(s.start), Arbiter: s.arbiter != nil && s.arbiter.Answers(), VIPSilent: true,
		Registers: s.claim.state(),
	}
	_, q.Locked = s.claim.held(now)
	q.Silence = q.Up // without a peer, for it was taken out
	if len(peers) == 1 {
		q.Silence = s.peers.silence(peers[0].ID, now)
		by, _, orphaned := s.fence.orphaned()
		q.Gone = orphaned && by == peers[0].ID
	}
	return q
}

func (s *seat) decide(term uint64, candidate string, pre bool) seatAnswer {
	q := s.question(term, candidate, pre)
	a := decideSeat(q)
	if !a.Granted || pre && q.Gone || q.Registers == RegistersReady { // a pre-vote binds nobody; the vote itself looks
		return a
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timing().Detect)
	defer cancel()
	// A peer that lost its leg for a moment, and with it the arbiter, holds on until
	// its lease ends; then the seat's word is not good for another one. One that is
	// known to hold nothing need not be waited for.
	var since time.Duration
	if !q.Gone {
		since = s.fence.longestAsked() + leastGuard
	}
	q.VIPSilent = s.arbiter.VIPSilent(ctx, since)
	return decideSeat(q)
}

func (s *seat) requestVote(args *hraft.RequestVoteRequest, resp *hraft.RequestVoteResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := time.Now()
	a := s.decide(args.Term, string(args.ID), false)
	if a.Granted {
		s.fence.seatVoted(args.Term, asked)
		v := seatVote{Term: args.Term, For: string(args.ID)}
		if err := s.disk.saveSeatVote(v); err != nil {
			return fmt.Errorf("keep the seat's vote: %w", err)
		}
		s.voted = v
		s.log.Warn("the arbiter seat votes for this node", "term", args.Term)
	}
	*resp = hraft.RequestVoteResponse{RPCHeader: s.header(), Term: a.Term, Granted: a.Granted}
	return nil
}

func (s *seat) requestPreVote(args *hraft.RequestPreVoteRequest, resp *hraft.RequestPreVoteResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.decide(args.Term, string(args.ID), true)
	*resp = hraft.RequestPreVoteResponse{RPCHeader: s.header(), Term: max(args.Term, a.Term), Granted: a.Granted}
	return nil
}

// appendEntries answers beats while the peer or the arbiter does, and entries
// once the peer has them.
func (s *seat) appendEntries(args *hraft.AppendEntriesRequest, resp *hraft.AppendEntriesResponse) error {
	sent := time.Now()
	n := s.fence.asks(sent)
	n.lease = s.byLock()
	arbiter := s.arbiter != nil && s.arbiter.Answers()
	if s.claim.state() != RegistersNone {
		sent, arbiter = s.claim.held(sent) // the lease runs from the question that was answered
	}
	peers, _ := s.realPeers()
	// A peer that is heard but does not answer keeps no leader up: it may be the one
	// that needs another leader.
	near := len(peers) > 0
	for _, p := range peers {
		near = near && s.peers.sinceAnswer(p.ID, time.Now()) <= s.timing().Detect
	}
	if !arbiter && !near {
		return errSeatEmpty
	}
	if n := len(args.Entries); n > 0 {
		if err := s.hold(args.Term, args.Entries[n-1].Index); err != nil {
			if s.resigned(args, resp) {
				return nil
			}
			return err
		}
	}
	*resp = hraft.AppendEntriesResponse{RPCHeader: s.header(), Term: args.Term, LastLog: args.PrevLogEntry, Success: true}
	if arbiter {
		// Only the arbiter makes the seat a witness of this node's reach. Where
		// merely the peer answered lately, those answers are what the lease rests on.
		s.ack(seatID, n, args.Term, sent)
	}
	return nil
}

// hold returns once every real voter has the entry: held rather than refused,
// because after a refusal the library backs off for seconds.
func (s *seat) hold(term, index uint64) error {
	for {
		peers, seated := s.realPeers()
		if !seated || !s.leadsIn(term) || s.resign.Load() == term {
			return errSeatHeld
		}
		var moved <-chan struct{}
		have := true
		for _, p := range peers {
			var m uint64
			m, moved = s.peers.match(p.ID, term)
			have = have && (m >= index || s.forsook(p.ID))
		}
		if have {
			return nil
		}
		select {
		case <-moved:
		case <-time.After(s.timing().Detect / 4): // look whether this node still leads
		case <-s.done:
			return errClosing
		}
	}
}
