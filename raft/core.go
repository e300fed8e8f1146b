package raft

import (
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"
)

// core is what the parts below the node share once the node has an identity.
type core struct {
	id      hraft.ServerID
	addr    hraft.ServerAddress
	witness bool
	pace    *pace
	log     *slog.Logger
	arbiter Arbiter // nil: none
	fence   *fence
	spread  *spreading
	peers   *peerTable
	start   time.Time
	done    chan struct{} // closed when the node begins to close
	notify  func()        // wakes whoever waits for Changed
	orphan  chan struct{} // size 1; wakes the detector: the leader's VIP holder is gone
	lead    chan struct{} // size 1; wakes the beater: this node leads

	cause  atomic.Pointer[string]     // why this node last stood for leader
	lib    atomic.Pointer[hraft.Raft] // nil until the library runs
	resign atomic.Uint64              // the term whose lease was given up for good
	hand   atomic.Pointer[hand]       // the newest transfer
	told   atomic.Int64               // when the newest growth of the lease was told, in Unix ns
	stamps stamps

	forsaken atomic.Pointer[hraft.ServerID] // the peer that is being taken out, see forceOut
	banished atomic.Bool                    // this node was taken out, see Node.removed
}

func (c *core) timing() Timing { return c.pace.now() }

// byLock is how long an answer of the arbiter is good for.
func (c *core) byLock() time.Duration { return c.fence.byLock(c.pace.unslowed().Lease) }

func (c *core) term() uint64 {
	if r := c.lib.Load(); r != nil {
		return r.CurrentTerm()
	}
	return 0
}

func (c *core) leads() bool {
	r := c.lib.Load()
	return r != nil && r.State() == hraft.Leader
}

// leadsIn tells whether this node is still the leader of term.
func (c *core) leadsIn(term uint64) bool { return c.leads() && c.term() == term }

func (c *core) header() hraft.RPCHeader {
	return hraft.RPCHeader{ProtocolVersion: hraft.ProtocolVersionMax, ID: []byte(c.id), Addr: []byte(c.addr)}
}

// servers is the latest configuration, committed or not.
func (c *core) servers() []hraft.Server {
	r := c.lib.Load()
	if r == nil {
		return nil
	}
	return r.GetConfiguration().Configuration().Servers
}

func voterIDs(servers []hraft.Server) []hraft.ServerID {
	ids := make([]hraft.ServerID, 0, len(servers))
	for _, s := range servers {
		if s.Suffrage == hraft.Voter {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (c *core) isVoter(id hraft.ServerID) bool {
	for _, s := range c.servers() {
		if s.ID == id {
			return s.Suffrage == hraft.Voter
		}
	}
	return false
}

// realPeers are the other voters, without the seat; seated tells whether the
// seat is a voter.
func (c *core) realPeers() (peers []hraft.Server, seated bool) {
	for _, s := range c.servers() {
		switch {
		case s.Suffrage != hraft.Voter || s.ID == c.id:
		case s.ID == seatID:
			seated = true
		default:
			peers = append(peers, s)
		}
	}
	return peers, seated
}

// heldByArbiter tells whether this node leads with the seat's help alone; peer
// is the voter that is missing. Then nothing may be written.
func (c *core) heldByArbiter(now time.Time) (peer hraft.ServerID, held bool) {
	if !c.leads() {
		return "", false
	}
	peers, seated := c.realPeers()
	if !seated || len(peers) != 1 {
		return "", false
	}
	return peers[0].ID, c.peers.sinceAnswer(peers[0].ID, now) > c.timing().Detect
}

// ack notes an answered beat and tells the VIP holder when the lease grew.
func (c *core) ack(id hraft.ServerID, n note, term uint64, sent time.Time) {
	if !c.leadsIn(term) {
		return
	}
	c.peers.confirmed(id, term, sent)
	before, _ := c.fence.lease(term)
	if !c.fence.acked(id, n, term, sent, voterIDs(c.servers()), c.id) {
		return
	}
	now := time.Now()
	if id != seatID { // whose word is as old as the arbiter's answer, which is noted when it comes
		c.beaten(now.Sub(sent), now)
	}
	// Of answers that come together one is told: the holder's work for each is ten times
	// that for the beat.
	told := time.Unix(0, c.told.Load())
	if !now.Before(before) || now.Sub(told) >= c.timing().Beat/4 {
		c.told.Store(now.UnixNano())
		c.notify()
	}
}

// lastEntry is the end of this node's log, snapshot included.
func (c *core) lastEntry() (index, term uint64) {
	r := c.lib.Load()
	if r == nil {
		return 0, 0
	}
	s := r.Stats()
	num := func(key string) uint64 {
		n, _ := strconv.ParseUint(s[key], 10, 64) // the library's own numbers
		return n
	}
	index, term = num("last_log_index"), num("last_log_term")
	if snap := num("last_snapshot_index"); snap > index {
		return snap, num("last_snapshot_term")
	}
	return index, term
}
