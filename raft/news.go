package raft

import (
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// news remembers what each member was last told of the log. The library says it again
// every commitTimeout, for a member that has not heard what is committed; at rest nothing
// of it is new, and each message would wake two processes several times.
type news struct {
	mu   sync.Mutex
	told map[hraft.ServerID]told // guarded by mu
}

// told is what a message without entries says, and when a member last agreed to it.
type told struct {
	term, prev, prevTerm, commit uint64
	at                           time.Time
}

// toldFor is for how long a member is taken to know what it was told. What it knows of
// commits goes with its process, whose end breaks connections, which is noticed here
// sooner.
const toldFor = 250 * time.Millisecond

func newNews() *news { return &news{told: make(map[hraft.ServerID]told)} }

// known tells whether the member agreed to the same a moment ago. Heartbeats and messages
// with entries are always new.
func (n *news) known(id hraft.ServerID, args *hraft.AppendEntriesRequest, now time.Time) bool {
	if !hasLog(args) || len(args.Entries) > 0 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	last, ok := n.told[id]
	if !ok || now.Sub(last.at) >= toldFor {
		return false
	}
	last.at = time.Time{}
	return last == told{args.Term, args.PrevLogEntry, args.PrevLogTerm, args.LeaderCommitIndex, time.Time{}}
}

// answered notes the outcome of a message of any kind.
func (n *news) answered(id hraft.ServerID, args *hraft.AppendEntriesRequest, resp *hraft.AppendEntriesResponse, err error, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case err != nil || !resp.Success || resp.Term != args.Term || len(args.Entries) > 0:
		delete(n.told, id)
	case hasLog(args):
		n.told[id] = told{args.Term, args.PrevLogEntry, args.PrevLogTerm, args.LeaderCommitIndex, now}
	}
}

func (n *news) forget(id hraft.ServerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.told, id)
}
