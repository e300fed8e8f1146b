package raft

import (
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// peerTable remembers when each member was last heard on any path, and how far
// its log is known to equal ours.
type peerTable struct {
	start time.Time

	mu      sync.Mutex
	heardAt map[hraft.ServerID]time.Time  // guarded by mu
	matches map[hraft.ServerID]matchIndex // guarded by mu
	moved   chan struct{}                 // guarded by mu; closed and replaced when a match grows
}

// matchIndex is valid within the term of the leader that learnt it.
type matchIndex struct{ term, index uint64 }

func newPeerTable(now time.Time) *peerTable {
	return &peerTable{
		start: now, heardAt: make(map[hraft.ServerID]time.Time),
		matches: make(map[hraft.ServerID]matchIndex), moved: make(chan struct{}),
	}
}

func (p *peerTable) heard(id hraft.ServerID, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heardAt[id] = now
}

// silence is how long id was not heard on any path, at most the age of this process.
func (p *peerTable) silence(id hraft.ServerID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.heardAt[id]
	if !ok {
		at = p.start
	}
	return now.Sub(at)
}

func (p *peerTable) matched(id hraft.ServerID, term, index uint64) {
	if index == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.matches[id]
	if term < m.term || term == m.term && index <= m.index {
		return
	}
	p.matches[id] = matchIndex{term, index}
	close(p.moved)
	p.moved = make(chan struct{})
}

// match is the newest index up to which the log of id is known to equal that of
// the leader of term, and a channel that is closed when any match grows.
func (p *peerTable) match(id hraft.ServerID, term uint64) (uint64, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.matches[id]; m.term == term {
		return m.index, p.moved
	}
	return 0, p.moved
}

// forget drops what is known of a member that was removed.
func (p *peerTable) forget(id hraft.ServerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heardAt, id)
	delete(p.matches, id)
}
