package table

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"lbd/dataplane/balance"
	"lbd/dataplane/health"
	"lbd/dataplane/live"
	"lbd/dataplane/proxyproto"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// maxTried is how many members one connection or request may be refused by.
const maxTried = 4

// Tried are the members that have refused already. The zero value is empty.
type Tried struct {
	m [maxTried]*Member
	n int
}

// Add notes m. Beyond maxTried the first are forgotten.
func (t *Tried) Add(m *Member) {
	t.m[t.n%maxTried] = m
	t.n++
}

// Has reports whether m was noted.
func (t *Tried) Has(m *Member) bool {
	for _, x := range t.m[:min(t.n, maxTried)] {
		if x == m {
			return true
		}
	}
	return false
}

// Reset forgets all.
func (t *Tried) Reset() { *t = Tried{} }

// Pool is a set of members and how one is picked.
type Pool struct {
	ID       model.PoolID
	Protocol model.Protocol
	TLS      *tlsterm.Client // towards members; nil: in clear
	// Members are all that are configured, served or not, in the order of the configuration.
	Members []Member
	// Left are members of the pool in the table before that this one does not have.
	Left []*live.Member

	up        bool // switched on
	algorithm model.Algorithm
	members   []*Member
	balance   []balance.Member // in the order of members
	picker    balance.Picker
	sticky    stickiness

	indexing sync.Once
	index    map[model.MemberID]*Member // of Members; see Member

	made    from
	targets []health.Target
}

// from is what a pool was compiled from. Backends of which nothing changed are the
// same pointer.
type from struct {
	backends *model.Backends
	lbUp     bool
	// partly: something of the pool is not served, or depends on more than this.
	partly bool
}

// Pick gives the member for client's next connection or request, nil when none
// can take it. A nil pool has none. The member that s belongs to takes it as long
// as it is up, also with weight 0: it takes nobody new.
func (p *Pool) Pick(client netip.AddrPort, s *Session, tried *Tried) *Member {
	if p == nil || p.picker == nil {
		return nil
	}
	if m := s.member; m != nil && m.Live.Up() && !tried.Has(m) {
		return m
	}
	var skip func(int) bool
	if tried.n > 0 {
		skip = func(i int) bool { return tried.Has(p.members[i]) }
	}
	picker := p.picker
	if p.sticky.first != nil {
		picker = p.sticky.first
	}
	i := picker.Pick(client, skip)
	if i < 0 {
		return nil
	}
	return p.members[i]
}

// Private reports whether a connection to a member belongs to one client: it began
// with that client's address (Prelude).
func (p *Pool) Private() bool {
	return p != nil && (p.Protocol == model.Proxy || p.Protocol == model.ProxyV2)
}

// Prelude appends what a new connection to a member begins with, before anything
// else, TLS included: the PROXY header of client, which connected to local, or nothing.
func (p *Pool) Prelude(dst []byte, client, local netip.AddrPort) []byte {
	switch p.Protocol {
	case model.Proxy:
		return proxyproto.AppendV1(dst, client, local)
	case model.ProxyV2:
		return proxyproto.AppendV2(dst, client, local)
	}
	return dst
}

// Member finds a member, nil when the pool has none of that id. A nil pool has none.
func (p *Pool) Member(id model.MemberID) *Member {
	if p == nil {
		return nil
	}
	p.indexing.Do(func() { // few pools are ever asked
		p.index = make(map[model.MemberID]*Member, len(p.Members))
		for i := range p.Members {
			p.index[p.Members[i].ID()] = &p.Members[i]
		}
	})
	return p.index[id]
}

func (p *Pool) add(tm *Member, m *model.Server) {
	tm.serving = true
	p.members = append(p.members, tm)
	p.balance = append(p.balance, balance.Member{
		Live: tm.Live, Weight: int(m.Weight), Backup: m.Backup, Seed: balance.Seed(tm.Addr),
	})
}

// finish makes the picker. One of an equal pool of the table before goes on: a
// swap that does not concern the pool must not start its round anew.
func (p *Pool) finish(before *Pool) error {
	if before != nil && before.algorithm == p.algorithm && slices.Equal(before.balance, p.balance) {
		p.picker, p.balance = before.picker, before.balance // equal, and the picker's own
	}
	if p.sticky.table != nil && p.sticky.cookie == "" {
		p.sticky.first = balance.NewSourceIP(p.balance)
	}
	if p.picker != nil {
		return nil
	}
	switch p.algorithm {
	case model.RoundRobin:
		p.picker = balance.NewRoundRobin(p.balance)
	case model.LeastConnections:
		p.picker = balance.NewLeastConnections(p.balance)
	case model.SourceIP:
		p.picker = balance.NewSourceIP(p.balance)
	case model.SourceIPPort:
		p.picker = balance.NewSourceIPPort(p.balance)
	default:
		return fmt.Errorf("algorithm %s is not served by this data plane", p.algorithm)
	}
	return nil
}

// Serving is the member of p that is old's, at the same address, if it may still
// carry what it has: also with weight 0, not when it is switched off. nil: it is not
// there. A nil pool has none.
func (p *Pool) Serving(old *Member) *Member {
	if p == nil || p.picker == nil {
		return nil
	}
	m := p.Member(old.ID())
	if m == nil || m.Live != old.Live || m.Addr != old.Addr || !m.serving {
		return nil
	}
	return m
}
