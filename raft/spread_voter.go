package raft

import (
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// spreadVoter is what one voter has promised to nodes that hold load balancers by
// the table of Spread (decision 0049). A node asks for a lease and says up to which
// version it has obeyed the table: it holds nothing that those versions took from
// it. The voter promises to keep others from what the node may still hold, by
// never clearing a version that somebody with a living promise has not obeyed.
//
// What a voter has cleared it stands by, also after a restart: it clears nothing
// that its own log does not have, and refuses whoever has obeyed less than its
// floor. A voter that was restarted begins with a floor of all that its log has,
// and says nothing until the promises it may have forgotten are over.
type spreadVoter struct {
	start time.Time

	mu    sync.Mutex
	ready bool                   // guarded by mu; the promises from before the start are over
	floor uint64                 // guarded by mu; the newest version cleared
	by    map[owed]spreadPromise // guarded by mu; by node and VIP holder
}

// spreadPromise ends by itself, or with the VIP holder it was given for.
type spreadPromise struct {
	obeyed uint64
	until  time.Time
}

// rival is a node that may hold load balancers by the ordinary lease of a leader.
type rival struct {
	id     hraft.ServerID // empty: there is none
	obeyed uint64
}

func newSpreadVoter(now time.Time) *spreadVoter {
	return &spreadVoter{start: now, by: make(map[owed]spreadPromise)}
}

// spreadQuiet is how long a voter that was started says nothing.
const spreadQuiet = longestLease + leastGuard

// ask answers a node: up to which version nobody else holds what the table took
// from him. own is the version of the table in this voter's log, known once that
// is complete. ok is false when the node gets no lease.
func (v *spreadVoter) ask(from owed, obeyed uint64, lease time.Duration, own uint64, lead rival, now time.Time) (cleared uint64, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ready {
		if now.Before(v.start.Add(spreadQuiet)) {
			return 0, false
		}
		v.ready, v.floor = true, max(v.floor, own)
	}
	if obeyed < v.floor || lease <= 0 || lease > longestLease {
		return 0, false
	}
	cleared = min(obeyed, own)
	if lead.id != "" && lead.id != from.node {
		cleared = min(cleared, lead.obeyed)
	}
	for o, p := range v.by {
		switch {
		case !now.Before(p.until):
			delete(v.by, o)
		case o.node != from.node:
			cleared = min(cleared, p.obeyed)
		}
	}
	v.floor = max(v.floor, cleared)
	// A later question may ask for less, or be an earlier one that was late: what the
	// ones before have earned stands.
	p := spreadPromise{obeyed, now.Add(lease + leastGuard)}
	if old, ok := v.by[from]; ok && old.until.After(p.until) {
		p.until = old.until
	}
	v.by[from] = p
	return cleared, true
}

// gone ends the promise to a VIP holder that can hold nothing any more.
func (v *spreadVoter) gone(holder owed) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if holder.holder != 0 {
		delete(v.by, holder)
	}
}
