package app

import "time"

// bequestLease is how long an order of this process stands while the next one opens
// the data directory. Nobody else can lead in this time (raft.Node.Freeze), so it
// may be long: on a busy machine a look may be late. But it is
// short enough for the VIPs to go soon where this process hangs.
const bequestLease = 3 * time.Second

// bequeath makes this process go on holding the VIPs, after its Raft has ended, for
// the next process of this node, and reports whether it may: it holds them now, and
// is the only voter, so that nobody else can come to hold them. Where Spread was ever
// used, the next process has to earn its rights anew, and takes no holder over.
func (r *roles) bequeath() bool {
	if r.holder == nil || r.node.Spread().Version > 0 || !r.node.Freeze() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sole = r.last.Hold
	return r.sole
}

// bequeathed reports whether bequeath has said yes.
func (r *roles) bequeathed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sole
}

// raise gives orders under the term of a process that was to go on and has failed:
// it may have given orders itself.
func (r *roles) raise(term uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.term, r.stopping = max(r.term, term), false
}
