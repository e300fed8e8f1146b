package raft

import (
	"errors"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// peerTable remembers when each member was last heard on any path, when it last
// answered a Raft message, and how far its log is known to equal ours. Hearing a
// peer proves that it lives; only an answer proves that it hears this node.
type peerTable struct {
	start time.Time
	news  *news // that each has of the log

	mu      sync.Mutex
	heardAt map[hraft.ServerID]time.Time  // guarded by mu
	answers map[hraft.ServerID]time.Time  // guarded by mu
	beaten  map[hraft.ServerID]beaten     // guarded by mu
	moves   map[hraft.ServerID]addrMove   // guarded by mu; addresses newer than the configuration's
	matches map[hraft.ServerID]matchIndex // guarded by mu
	levels  map[hraft.ServerID]int        // guarded by mu; what each can read in the log
	stamps  map[hraft.ServerID]string     // guarded by mu; the newest of each
	moved   chan struct{}                 // guarded by mu; closed and replaced when a match grows
}

var errNotMoved = errors.New("the configuration's address holds")

// matchIndex is valid within the term of the leader that learnt it.
type matchIndex struct{ term, index uint64 }

func newPeerTable(now time.Time) *peerTable {
	return &peerTable{
		start: now, news: newNews(), heardAt: make(map[hraft.ServerID]time.Time), answers: make(map[hraft.ServerID]time.Time),
		beaten: make(map[hraft.ServerID]beaten),
		moves:  make(map[hraft.ServerID]addrMove),
		levels: make(map[hraft.ServerID]int), stamps: make(map[hraft.ServerID]string),
		matches: make(map[hraft.ServerID]matchIndex), moved: make(chan struct{}),
	}
}

func (p *peerTable) heard(id hraft.ServerID, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heardAt[id] = now
}

// answered notes an answer to a Raft message of this node.
func (p *peerTable) answered(id hraft.ServerID, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heardAt[id], p.answers[id] = now, now
}

// beaten is the newest beat that a voter confirmed: as of sent, it knew of no leader
// after that of term.
type beaten struct {
	term uint64
	sent time.Time
}

// confirmed notes that id confirmed a beat of term, sent at sent.
func (p *peerTable) confirmed(id hraft.ServerID, term uint64, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.beaten[id]; term > b.term || term == b.term && sent.After(b.sent) {
		p.beaten[id] = beaten{term, sent}
	}
}

// confirmedAt is when the newest beat of term that id confirmed was sent, zero if none was.
func (p *peerTable) confirmedAt(id hraft.ServerID, term uint64) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.beaten[id]; b.term == term {
		return b.sent
	}
	return time.Time{}
}

// confirmedSince tells whether most of the voters, self among them, confirmed a beat of
// term that was sent after since.
func (p *peerTable) confirmedSince(since time.Time, term uint64, voters []hraft.ServerID, self hraft.ServerID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, v := range voters {
		if b := p.beaten[v]; v == self || b.term == term && b.sent.After(since) {
			n++
		}
	}
	return n > len(voters)/2
}

// sinceAnswer is how long id has answered no Raft message, at most the age of
// this process.
func (p *peerTable) sinceAnswer(id hraft.ServerID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.answers[id]
	if !ok {
		at = p.start
	}
	return now.Sub(at)
}

// addrMove is from an address of the configuration to the one that answers.
type addrMove struct{ from, to hraft.ServerAddress }

// move notes that a member answers at another address than the configuration
// says. It has to be reached before that can be changed.
func (p *peerTable) move(id hraft.ServerID, m addrMove) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moves[id] = m
}

// settleMoves forgets the moves that the configuration has caught up with.
func (p *peerTable) settleMoves(servers []hraft.Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, m := range p.moves {
		if s, ok := inConfig(servers, id); !ok || s.Address != m.from {
			delete(p.moves, id)
		}
	}
}

// ServerAddr implements hraft.ServerAddressProvider: the error means that the
// address of the configuration holds.
func (p *peerTable) ServerAddr(id hraft.ServerID) (hraft.ServerAddress, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m, ok := p.moves[id]; ok {
		return m.to, nil
	}
	return "", errNotMoved
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

// lost notes that a member is not expected to answer: until it does, it counts as
// one that never has.
func (p *peerTable) lost(id hraft.ServerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.answers, id)
}

// tells notes what a member says it can read in the log.
func (p *peerTable) tells(id hraft.ServerID, level int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.levels[id] = level
}

// level is what a member last said; ok is false for one that was not heard.
func (p *peerTable) level(id hraft.ServerID) (level int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	level, ok = p.levels[id]
	return level, ok
}

// stamped notes the stamp in an answer.
func (p *peerTable) stamped(id hraft.ServerID, stamp string) {
	if stamp == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stamps[id] = stamp
}

// stamp is the newest of a member, "" where there is none.
func (p *peerTable) stamp(id hraft.ServerID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stamps[id]
}

// forget drops what is known of a member that was removed.
func (p *peerTable) forget(id hraft.ServerID) {
	p.news.forget(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heardAt, id)
	delete(p.answers, id)
	delete(p.beaten, id)
	delete(p.moves, id)
	delete(p.matches, id)
	delete(p.levels, id)
	delete(p.stamps, id)
}
