package balance

import (
	"net/netip"
	"sync/atomic"
)

// leastConnections picks the member with the fewest active connections for its
// weight; ties go round.
type leastConnections struct {
	set
	next atomic.Uint64
}

// NewLeastConnections makes a weighted LEAST_CONNECTIONS picker. A pick looks at
// every member: about 2 ns each.
func NewLeastConnections(members []Member) Picker {
	return &leastConnections{set: newSet(members)}
}

func (p *leastConnections) Pick(_ netip.AddrPort, skip func(int) bool) int {
	rank := p.ranks[p.rank()]
	if len(rank) == 0 {
		return -1
	}
	best, load, weight := -1, int64(0), int64(1)
	first := int(p.next.Add(1) % uint64(len(rank)))
	for k := range rank {
		i := rank[(first+k)%len(rank)]
		if !p.usable(i, skip) {
			continue
		}
		// active/weight compared without division: a/w < b/v as a*v < b*w. The
		// connection to come counts, so that a heavier member goes first when idle.
		m := &p.members[i]
		a, w := m.Live.Active()+1, int64(m.Weight)
		if best < 0 || a*weight < load*w {
			best, load, weight = i, a, w
		}
	}
	return best
}
