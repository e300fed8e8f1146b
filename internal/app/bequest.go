package app

import (
	"context"
	"time"

	"lbd/internal/handover"
)

// bequestLease is how long an order of this process stands while the next one opens
// the data directory. Nobody else can lead in this time (raft.Node.Freeze), so it
// may be long: on a busy machine a look may be late. But it is
// short enough for the VIPs to go soon where this process hangs.
const bequestLease = 3 * time.Second

// careWithin bounds the time for which this process keeps a cluster's lease without a
// Raft: nothing can be written to the cluster meanwhile. A next process that is not
// ready by then finds the VIPs given up. With 100,000 members it needs five seconds.
const careWithin = 20 * time.Second

// handOnWithin bounds the transfer of leadership before a restart, while load balancers are
// distributed.
const handOnWithin = 2 * time.Second

// bequeath makes this process go on holding the VIPs, after its Raft has ended, for
// the next process of this node, and reports whether it may: it holds them now, and
// nobody else can come to hold them, because it is the only voter, or because it
// goes on earning the lease and the next process can go on with it. While load balancers
// are distributed, that is the lease for its share. Where Spread was used and is off, the
// next process has to earn its rights anew, and takes no holder over.
func (r *roles) bequeath(to *heir) bool {
	if r.holder == nil {
		return false
	}
	if t := r.node.Spread(); t.Version > 0 {
		return t.On && to.shares && r.bequeathShare()
	}
	sole := r.node.Freeze()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.last.Hold || r.moving:
		return false
	case sole:
		r.sole = true
	case to.leads:
		care, err := r.node.Caretaker()
		if err != nil {
			r.log.Info("the VIPs move before the restart", "why", err)
			return false
		}
		r.log.Info("the lease is kept for the next process", "term", care.Term())
		r.care, r.moving = care, true
	}
	return r.sole || r.care != nil
}

// bequeathShare is bequeath while load balancers are distributed. Leadership, which says
// nothing about the share, goes to another node before.
func (r *roles) bequeathShare() bool {
	ctx, cancel := context.WithTimeout(context.Background(), handOnWithin)
	defer cancel()
	if r.node.State().IsLeader {
		if err := r.node.Transfer(ctx, ""); err != nil {
			r.log.Info("this node's share moves before the restart: leadership was not handed over", "why", err)
			return false
		}
		if !until(ctx, func() bool { return !r.node.State().IsLeader }) {
			return false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.Hold || !r.spread || r.giving {
		return false
	}
	care, err := r.node.SpreadCaretaker()
	if err != nil {
		r.log.Info("this node's share moves before the restart", "why", err)
		return false
	}
	r.log.Info("the lease for the share is kept for the next process", "version", care.Obeyed())
	r.sharing = care
	return true
}

// bequeathed reports whether bequeath has said yes, and the VIPs were not given up
// since.
func (r *roles) bequeathed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sole || r.care != nil || r.sharing != nil
}

// caretaker is of either kind.
type caretaker interface {
	Lease() (until time.Time, holder uint64)
	Close()
}

// caretaker earns the lease; nil: nobody has to, or not any more.
func (r *roles) caretaker() caretaker {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.care != nil:
		return r.care
	case r.sharing != nil:
		return r.sharing
	}
	return nil
}

// inherited makes the last order of this process one by the lease that the next one has
// earned for the same VIP holder.
func (r *roles) inherited(by handover.Serving) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if (r.care != nil || r.sharing != nil) && by.Until != 0 {
		r.heirs = by
	}
}

// dismiss ends the caretaker. Who gives orders must have ended.
func (r *roles) dismiss() {
	care := r.caretaker()
	r.mu.Lock()
	r.care, r.sharing = nil, nil
	r.mu.Unlock()
	if care != nil {
		care.Close()
	}
}

// raise gives orders under the term of a process that was to go on and has failed:
// it may have given orders itself.
func (r *roles) raise(term uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.term, r.stopping = max(r.term, term), false
}
