package balance

import "net/netip"

// Live is what is true of a member now; read at every pick, from any goroutine.
type Live interface {
	Up() bool      // may take new traffic
	Active() int64 // connections that carry work
}

// Member is one candidate, as configured. Immutable.
type Member struct {
	Live   Live
	Weight int // 0..256; 0 takes nothing new
	Backup bool
	// Seed identifies the member on every node alike: SOURCE_IP sends a client to
	// the same member wherever it arrives.
	Seed uint64
}

// Picker chooses among the members it was made of. Pick returns the index of the
// member, or -1 when none can be picked. skip, when not nil, names members that
// were tried already. client is used by SOURCE_IP
// and SOURCE_IP_PORT only.
type Picker interface {
	Pick(client netip.AddrPort, skip func(i int) bool) int
}

// set is the part all pickers share: who is a candidate at all, by rank.
type set struct {
	members []Member
	ranks   [2][]int // primaries, backups; indexes of members with weight > 0
	total   [2]int   // sum of weights
}

func newSet(members []Member) set {
	s := set{members: members}
	for i, m := range members {
		if m.Weight <= 0 {
			continue
		}
		r := 0
		if m.Backup {
			r = 1
		}
		s.ranks[r] = append(s.ranks[r], i)
		s.total[r] += m.Weight
	}
	return s
}

func (s *set) usable(i int, skip func(int) bool) bool {
	return s.members[i].Live.Up() && (skip == nil || !skip(i))
}

// rank is the candidates that count now: the primaries as long as one of them is
// up, else the backups. A primary that is up but was tried already still keeps
// the backups out: they are for when the pool is down, not for a retry.
func (s *set) rank() int {
	for _, i := range s.ranks[0] {
		if s.members[i].Live.Up() {
			return 0
		}
	}
	return 1
}
