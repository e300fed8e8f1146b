package app

import (
	"maps"
	"time"

	"lbd/raft"
	"lbd/store/model"
)

// lbSet is a set of load balancers. Never changed: a new one takes its place.
type lbSet struct{ has map[model.LoadBalancerID]bool }

// with is both together; nil, for whatever there may be, with anything is nil.
func (s *lbSet) with(o *lbSet) *lbSet {
	if s == nil || o == nil {
		return nil
	}
	both := &lbSet{has: make(map[model.LoadBalancerID]bool, len(s.has)+len(o.has))}
	maps.Copy(both.has, s.has)
	maps.Copy(both.has, o.has)
	return both
}

func (s *lbSet) equal(o *lbSet) bool { return s == o || maps.Equal(s.has, o.has) }

// share is what this node holds while load balancers are distributed over the nodes
// (decision 0049): what the table gives it and its rights cover, and for a while
// what the table has taken, so that it can be let go without a failed request. It
// also knows what the VIP holder may still hold, so that the node never says that it
// has obeyed the table before it has. Not safe for concurrent use.
type share struct {
	hold     *lbSet    // of the newest order
	until    time.Time // when that order ends, with a monotonic reading
	holder   uint64    // the VIP holder that it was for
	released map[model.LoadBalancerID]bool
	// orders are those that the holder may still follow: the newest that it has
	// confirmed, and all later ones, where they differ.
	orders []shareOrder
}

type shareOrder struct {
	seq uint64
	set *lbSet // nil: whatever an earlier process has ordered
}

// maxShareOrders bounds the orders that are told apart; beyond it the oldest are
// taken together.
const maxShareOrders = 16

var nothing = &lbSet{}

func newShare() *share {
	return &share{hold: nothing, released: map[model.LoadBalancerID]bool{}}
}

// inheritedShare is of a process that goes on with the VIP holder of another one: until
// it has carried out an order of this process, it may hold anything.
func inheritedShare() *share {
	s := newShare()
	s.orders = []shareOrder{{}}
	return s
}

// next is what to hold now, out of all, and what of it the table has taken. What is
// taken is held on only while the order before stands and has it: after a gap it may
// be somebody else's.
func (s *share) next(all *lbSet, self model.NodeID, t *raft.SpreadTable, r raft.Rights, now time.Time) (hold *lbSet, taken []model.LoadBalancerID) {
	unbroken := now.Before(s.until) && now.Before(r.Until) && s.holder == r.Holder
	hold = &lbSet{has: make(map[model.LoadBalancerID]bool)}
	for lb := range all.has {
		switch {
		case r.May(self, t.Places[lb]):
			hold.has[lb] = true
		case unbroken && s.hold.has[lb] && !s.released[lb]:
			hold.has[lb] = true
			taken = append(taken, lb)
		}
	}
	return hold, taken
}

// release ends the holding on of load balancers that were taken.
func (s *share) release(lbs []model.LoadBalancerID) {
	for _, lb := range lbs {
		s.released[lb] = true
	}
}

// ordered notes what the holder was told: nothing, when until is zero.
func (s *share) ordered(seq uint64, hold *lbSet, until time.Time, holder uint64) {
	if until.IsZero() {
		hold = nothing
	}
	if hold.equal(s.hold) {
		hold = s.hold
	}
	s.hold, s.until, s.holder = hold, until, holder
	for lb := range s.released {
		if !hold.has[lb] {
			delete(s.released, lb)
		}
	}
	if n := len(s.orders); n > 0 && s.orders[n-1].set == hold {
		return
	}
	if s.orders = append(s.orders, shareOrder{seq, hold}); len(s.orders) > maxShareOrders {
		s.orders[1].set = s.orders[0].set.with(s.orders[1].set)
		s.orders = s.orders[1:]
	}
}

// confirmed notes the newest order that the holder has carried out.
func (s *share) confirmed(seq uint64) {
	for len(s.orders) > 1 && s.orders[1].seq <= seq {
		s.orders = s.orders[1:]
	}
}

// mayBeHeld tells whether the holder may still hold any of what which tells so.
func (s *share) mayBeHeld(which func(model.LoadBalancerID) bool) bool {
	for _, o := range s.orders {
		if o.set == nil {
			return true
		}
		for lb := range o.set.has {
			if which(lb) {
				return true
			}
		}
	}
	return false
}

// obeys tells whether the holder surely holds nothing that the table, up to this
// version, has taken from this node. What the node was given back, but not cleared
// for, counts as taken: another one may hold it by a version in between.
func (s *share) obeys(self model.NodeID, t *raft.SpreadTable, r raft.Rights) bool {
	return !s.mayBeHeld(func(lb model.LoadBalancerID) bool { return !r.May(self, t.Places[lb]) })
}
