package spread

import (
	"cmp"
	"maps"
	"slices"

	"lbd/store"
	"lbd/store/model"
)

// Node is a data node as the others see it now.
type Node struct {
	ID model.NodeID
	// Alive: it was heard a moment ago, and so was its VIP holder.
	Alive bool
	// Ready: it is alive, serves the configuration, and does not leave.
	Ready bool
	// Why it would not be Ready, one of the reasons below; for people.
	Why string
}

// What a move is for.
const (
	New       = "it is new"
	Dead      = "the VIP holder of the node before died"
	Silent    = "the node before fell silent"
	NotReady  = "the node before is not ready"
	Leaving   = "the node before leaves"
	Removed   = "the node before was removed"
	Balanced  = "balance was asked for"
	AskedFor  = "failover of the load balancer was asked for"
	TurnedOff = "Spread is turned off"
)

// Why tells what a move that Tend has made is for.
func Why(t Table, nodes []Node, m store.SpreadMove) string {
	from := t.Places[m.LoadBalancer].Node
	if from == "" {
		return New
	}
	for _, n := range nodes {
		if n.ID == from {
			return n.Why
		}
	}
	return Removed
}

// Table is what is to be distributed: every load balancer there is, and where those
// that have a place belong.
type Table struct {
	LoadBalancers []model.LoadBalancerID
	Places        map[model.LoadBalancerID]model.SpreadPlace
}

// Tend gives a place to every load balancer that has none, and another one to those
// whose node is not ready while another is. What is well where it is stays, even if
// the shares are uneven: who comes back gets nothing until Balance is asked for.
// Each goes to who has least, the first by id among equals.
//
// Where no node is ready, nodes that are alive take what belongs to nobody alive: a
// node that serves badly is better than none.
func Tend(t Table, nodes []Node) []store.SpreadMove {
	s := newShares(t, nodes)
	for _, lb := range s.stray {
		s.give(lb, s.least())
	}
	return s.moves()
}

// Balance is Tend, and then moves as few more as it takes for no ready node to have
// two more than another.
func Balance(t Table, nodes []Node) []store.SpreadMove {
	s := newShares(t, nodes)
	for _, lb := range s.stray {
		s.give(lb, s.least())
	}
	for len(s.of) > 0 {
		from, to := s.most(), s.least()
		if len(s.of[from]) < len(s.of[to])+2 {
			break
		}
		last := len(s.of[from]) - 1
		lb := s.of[from][last]
		s.of[from] = s.of[from][:last]
		s.give(lb, to)
	}
	return s.moves()
}

// Away moves one load balancer from where it is to the node that has least of the
// others; ok is false where no other node is ready.
func Away(t Table, nodes []Node, lb model.LoadBalancerID) (move store.SpreadMove, ok bool) {
	others := slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return n.ID == t.Places[lb].Node || !n.Ready })
	if len(others) == 0 {
		return move, false
	}
	return store.SpreadMove{LoadBalancer: lb, Node: newShares(t, others).least()}, true
}

// Gather moves everything that is elsewhere to one node.
func Gather(t Table, to model.NodeID) (moves []store.SpreadMove) {
	for _, lb := range slices.Sorted(slices.Values(t.LoadBalancers)) {
		if t.Places[lb].Node != to {
			moves = append(moves, store.SpreadMove{LoadBalancer: lb, Node: to})
		}
	}
	return moves
}

// shares are the load balancers by node, of the nodes that may be given some.
type shares struct {
	was   map[model.LoadBalancerID]model.NodeID
	of    map[model.NodeID][]model.LoadBalancerID // each sorted
	ids   []model.NodeID                          // the keys of of, sorted
	stray []model.LoadBalancerID                  // those that are with none of them, sorted
}

func newShares(t Table, nodes []Node) *shares {
	s := &shares{was: map[model.LoadBalancerID]model.NodeID{}, of: map[model.NodeID][]model.LoadBalancerID{}}
	takes := func(n Node) bool { return n.Alive }
	if slices.ContainsFunc(nodes, func(n Node) bool { return n.Ready }) {
		takes = func(n Node) bool { return n.Ready }
	}
	for _, n := range nodes {
		if takes(n) {
			s.of[n.ID] = nil
		}
	}
	s.ids = slices.Sorted(maps.Keys(s.of))
	if len(s.ids) == 0 {
		return s // nobody could take anything: it stays
	}
	for _, lb := range slices.Sorted(slices.Values(t.LoadBalancers)) {
		node := t.Places[lb].Node
		s.was[lb] = node
		if _, ok := s.of[node]; ok {
			s.of[node] = append(s.of[node], lb)
		} else {
			s.stray = append(s.stray, lb)
		}
	}
	return s
}

func (s *shares) give(lb model.LoadBalancerID, to model.NodeID) { s.of[to] = append(s.of[to], lb) }

func (s *shares) least() model.NodeID {
	return slices.MinFunc(s.ids, func(a, b model.NodeID) int { return len(s.of[a]) - len(s.of[b]) })
}

func (s *shares) most() model.NodeID {
	return slices.MaxFunc(s.ids, func(a, b model.NodeID) int { return len(s.of[a]) - len(s.of[b]) })
}

// moves are the differences to where everything was, by load balancer.
func (s *shares) moves() (moves []store.SpreadMove) {
	for node, lbs := range s.of {
		for _, lb := range lbs {
			if s.was[lb] != node {
				moves = append(moves, store.SpreadMove{LoadBalancer: lb, Node: node})
			}
		}
	}
	slices.SortFunc(moves, func(a, b store.SpreadMove) int { return cmp.Compare(a.LoadBalancer, b.LoadBalancer) })
	return moves
}
