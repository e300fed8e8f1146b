package balance

import (
	"net/netip"
	"sync/atomic"
)

// roundRobin walks a precomputed order in which every member stands as often as
// its weight says, spread evenly (the order of smooth weighted round robin). One
// atomic counter is all the state, so concurrent picks never meet the same turn.
type roundRobin struct {
	set
	order  [2][]int32
	next   [2]atomic.Uint64
	scarce atomic.Uint64 // turns of pickScarce
}

// maxTurns is how many turns in a row a pick may find unusable before it looks at
// the members instead: a period may have 256 turns a member.
const maxTurns = 64

// NewRoundRobin makes a weighted ROUND_ROBIN picker.
func NewRoundRobin(members []Member) Picker {
	p := &roundRobin{set: newSet(members)}
	for r := range p.ranks {
		p.order[r] = smooth(p.members, p.ranks[r])
	}
	return p
}

func (p *roundRobin) Pick(_ netip.AddrPort, skip func(int) bool) int {
	r := p.rank()
	order := p.order[r]
	n := uint64(len(order))
	// A turn that falls on a member that is down goes to the next one that is
	// not. Taking a new turn for each step keeps its share from landing on one
	// neighbour alone.
	for range min(n, maxTurns) {
		i := int(order[(p.next[r].Add(1)-1)%n])
		if p.usable(i, skip) {
			return i
		}
	}
	return p.pickScarce(p.ranks[r], skip)
}

// pickScarce is weighted round robin over the few members of a rank that are
// usable: exact in its shares, not spread evenly. It has a counter of its own,
// because next advances by a fixed step here and would meet the same member again.
func (p *roundRobin) pickScarce(rank []int, skip func(int) bool) int {
	sum := 0
	for _, i := range rank {
		if p.usable(i, skip) {
			sum += p.members[i].Weight
		}
	}
	if sum == 0 {
		return -1
	}
	at, last := int((p.scarce.Add(1)-1)%uint64(sum)), -1
	for _, i := range rank {
		if !p.usable(i, skip) {
			continue
		}
		last = i
		if at -= p.members[i].Weight; at < 0 {
			break
		}
	}
	return last // -1 or the last one where members went down meanwhile
}

// smooth is one period of smooth weighted round robin over members by index:
// each step every member gains its weight, the richest is taken and pays the
// total. Weights are divided by their greatest common divisor, so that equal
// weights give a period of one turn each. The longest period is 256 per member.
//
// Members of equal weight take turns in their order, and of them only the next one
// can be the richest: a step looks at one member per weight, 256 at most, and not at
// thousands of members.
func smooth(members []Member, rank []int) []int32 {
	g := 0
	for _, i := range rank {
		g = gcd(g, members[i].Weight)
	}
	if g == 0 {
		return nil
	}
	total := 0
	for _, i := range rank {
		total += members[i].Weight / g
	}
	order := make([]int32, 0, total)
	var groups []*turns
	of := map[int]*turns{}
	for k, i := range rank {
		w := members[i].Weight / g
		if w == 0 {
			continue // never gains, so never the richest
		}
		if of[w] == nil {
			of[w] = &turns{weight: w}
			groups = append(groups, of[w])
		}
		of[w].ranks = append(of[w].ranks, k)
	}
	for range total {
		best := groups[0]
		for _, t := range groups {
			t.credit += t.weight
			if t.credit > best.credit || t.credit == best.credit && t.ranks[t.next] < best.ranks[best.next] {
				best = t
			}
		}
		order = append(order, int32(rank[best.ranks[best.next]]))
		best.take(total)
	}
	return order
}

// turns are the members of one weight. credit is what the next of them has; those
// before it in ranks have paid total once more.
type turns struct {
	weight, credit, next int
	ranks                []int // indexes of the rank, ascending
}

// take lets the next member pay. After the last one all have paid equally often.
func (t *turns) take(total int) {
	if t.next++; t.next == len(t.ranks) {
		t.next = 0
		t.credit -= total
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
