package dataplane

import (
	"maps"
	"net/netip"
	"sync"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// survivors are the parts of listeners that outlive swaps, by id; those of members are kept by their pools. An
// id that leaves the configuration is forgotten; connections that still use its
// part keep their own pointer.
type survivors struct {
	idle   *live.Budget
	tls    *tlsterm.Store
	key    func() []byte  // secret of session cookies
	access *accesslog.Log // nil: none

	mu        sync.Mutex
	listeners map[model.ListenerID]*live.Listener // guarded by mu
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

// Member makes the part of a member that is new; its pool keeps it.
func (s *survivors) Member(key live.Key, addr netip.AddrPort) *live.Member {
	return live.NewMember(key, addr, s.idle)
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
	pools := map[model.PoolID]bool{}
	listeners := map[model.ListenerID]bool{}
	policies := map[model.L7PolicyID]bool{}
	sessions := map[table.SessionsKey]bool{}
	for _, sv := range t.Fresh {
		for _, p := range sv.Pools {
			pools[p.ID] = true
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
		for i := range p.Members {
			m := &p.Members[i]
			moved = m.Live.Retarget(m.Addr) || moved
		}
		for _, m := range p.Left {
			m.Retire()
			moved = true
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
			if pools[old.ID] {
				continue
			}
			s.tls.ForgetClient(old.ID)
			for i := range old.Members {
				old.Members[i].Live.Retire()
				moved = true
			}
		}
	}
	return moved
}

// sweep drops old sessions.
func (s *survivors) sweep() {
	for _, t := range s.allSessions() {
		t.Sweep()
	}
}

func (s *survivors) allSessions() map[table.SessionsKey]*sticky.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.sessions)
}
