package dataplane

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// survivors are the parts of listeners and members that outlive swaps, by id. An
// id that leaves the configuration is forgotten; connections that still use its
// part keep their own pointer.
type survivors struct {
	idle   *live.Budget
	tls    *tlsterm.Store
	key    func() []byte  // secret of session cookies
	access *accesslog.Log // nil: none

	mu        sync.Mutex
	listeners map[model.ListenerID]*live.Listener // guarded by mu
	members   map[live.Key]*live.Member           // guarded by mu
	policies  map[model.L7PolicyID]*live.Policy   // guarded by mu
	sessions  map[table.SessionsKey]*sticky.Table // guarded by mu
}

func newSurvivors(idle *live.Budget, keys tlsterm.Keys, key func() []byte, access *accesslog.Log) *survivors {
	return &survivors{
		idle:      idle,
		tls:       tlsterm.NewStore(keys),
		key:       key,
		access:    access,
		sessions:  make(map[table.SessionsKey]*sticky.Table),
		listeners: make(map[model.ListenerID]*live.Listener),
		policies:  make(map[model.L7PolicyID]*live.Policy),
		members:   make(map[live.Key]*live.Member),
	}
}

// Listener gives the part of id, new or as it was.
func (s *survivors) Listener(id model.ListenerID) *live.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.listeners[id]
	if !ok {
		l = live.NewListener(id)
		s.listeners[id] = l
	}
	return l
}

// Member gives the part of key, new or as it was.
func (s *survivors) Member(key live.Key, addr netip.AddrPort) *live.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.members[key]
	if !ok {
		m = live.NewMember(key, addr, s.idle)
		s.members[key] = m
	}
	return m
}

// Policy gives the part of id, new or as it was.
func (s *survivors) Policy(id model.L7PolicyID) *live.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.policies[id]
	if !ok {
		p = &live.Policy{}
		s.policies[id] = p
	}
	return p
}

// ServerTLS gives what l ends TLS with, new or as it was.
func (s *survivors) ServerTLS(l *model.Listener, svc *model.Service) (*tlsterm.Server, error) {
	return s.tls.Server(l, svc)
}

// ClientTLS gives what p speaks TLS to members with, new or as it was.
func (s *survivors) ClientTLS(p *model.Pool, svc *model.Service) (*tlsterm.Client, error) {
	return s.tls.Client(p, svc)
}

// Sessions gives the table of key, new or as it was.
func (s *survivors) Sessions(key table.SessionsKey) *sticky.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.sessions[key]
	if !ok {
		t = sticky.New(key.SessionTTL())
		s.sessions[key] = t
	}
	return t
}

// SessionKey is the secret of session cookies.
func (s *survivors) SessionKey() []byte { return s.key() }

// AccessLog implements table.Survivors.
func (s *survivors) AccessLog() *accesslog.Log { return s.access }

// keep makes the survivors those of t: members learn their address, what the table
// before had and t does not have is retired. moved: connections to members may be
// kept that are of no use any more.
func (s *survivors) keep(t *table.Table) (moved bool) {
	pools := map[model.PoolID]*table.Pool{}
	listeners := map[model.ListenerID]bool{}
	policies := map[model.L7PolicyID]bool{}
	sessions := map[table.SessionsKey]bool{}
	for _, sv := range t.Fresh {
		for _, p := range sv.Pools {
			pools[p.ID] = p
		}
		for _, l := range sv.Listeners {
			listeners[l.ID] = true
		}
		for id := range sv.Policies {
			policies[id] = true
		}
		for key := range sv.Sessions {
			sessions[key] = true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range t.FreshPools {
		for _, m := range p.Members {
			moved = m.Live.Retarget(m.Addr) || moved
		}
	}
	for _, sv := range t.Gone {
		for _, l := range sv.Listeners {
			if !listeners[l.ID] {
				delete(s.listeners, l.ID)
				s.tls.ForgetServer(l.ID)
			}
		}
		for id := range sv.Policies {
			if !policies[id] {
				delete(s.policies, id)
			}
		}
		for key := range sv.Sessions {
			if !sessions[key] {
				delete(s.sessions, key)
			}
		}
		for _, old := range sv.Pools {
			p := pools[old.ID]
			if p == nil {
				s.tls.ForgetClient(old.ID)
			}
			if p == old {
				continue
			}
			for member, m := range old.Members {
				if p == nil || p.Members[member] == nil {
					m.Live.Retire()
					delete(s.members, live.Key{Pool: old.ID, Member: member})
					moved = true
				}
			}
		}
	}
	return moved
}

// sweep drops idle member connections that are old or dead, and old sessions.
func (s *survivors) sweep(now time.Time) {
	for _, t := range s.allSessions() {
		t.Sweep()
	}
	for _, m := range s.allMembers() {
		m.Sweep(now)
	}
}

func (s *survivors) close() {
	for _, m := range s.allMembers() {
		m.Retire()
	}
}

func (s *survivors) allSessions() map[table.SessionsKey]*sticky.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.sessions)
}

func (s *survivors) allMembers() []*live.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*live.Member, 0, len(s.members))
	for _, m := range s.members {
		all = append(all, m)
	}
	return all
}
