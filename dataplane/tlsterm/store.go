package tlsterm

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"lbd/internal/certs"
	"lbd/store/model"
)

// find follows a ref to what it leads to in the configuration.
type find func(ref string) (certs.Source, error)

// Store keeps what was made from secrets, so that a swap of the configuration
// opens and parses only what has changed.
type Store struct {
	keys Keys
	// Gate is shared by the handshakes of all listeners.
	Gate *Gate

	mu       sync.Mutex
	servers  map[model.ListenerID]*madeServer // guarded by mu
	clients  map[model.PoolID]*madeClient     // guarded by mu
	counters map[model.ListenerID]*Counters   // guarded by mu
}

// A madeServer is kept while from stays; a stale one is made again when anything of
// its service changes.
type madeServer struct {
	from string
	svc  *model.Service
	*Server
}

type madeClient struct {
	from string
	svc  *model.Service
	*Client
}

// NewStore takes the cluster's keys; nil opens nothing.
func NewStore(keys Keys) *Store {
	return &Store{
		keys: keys, Gate: NewGate(runtime.GOMAXPROCS(0)),
		servers: map[model.ListenerID]*madeServer{}, clients: map[model.PoolID]*madeClient{}, counters: map[model.ListenerID]*Counters{},
	}
}

var errNoKeys = errors.New("this node has no key to open secrets with")

// finder looks into a service. Secrets never change once something uses them, so
// that refs are all that has to be compared.
func finder(svc *model.Service) find {
	secret := func(id model.SecretID) (*model.Secret, bool) {
		i, ok := slices.BinarySearchFunc(svc.Secrets, id, func(s *model.Secret, id model.SecretID) int { return strings.Compare(string(s.ID), string(id)) })
		if !ok {
			return nil, false
		}
		return svc.Secrets[i], true
	}
	container := func(id model.ContainerID) (*model.Container, bool) {
		i, ok := slices.BinarySearchFunc(svc.Containers, id, func(c *model.Container, id model.ContainerID) int { return strings.Compare(string(c.ID), string(id)) })
		if !ok {
			return nil, false
		}
		return svc.Containers[i], true
	}
	return func(ref string) (certs.Source, error) { return certs.Find(ref, secret, container) }
}

// Server is how l ends TLS, as it was when nothing has changed; nil when it does not.
// The error names what cannot be loaded; with a Server beside it, what was loaded
// before is used instead.
func (st *Store) Server(l *model.Listener, svc *model.Service) (*Server, error) {
	if !endsTLS(l) {
		st.ForgetServer(l.ID)
		return nil, nil
	}
	t := l.TLS
	if t == nil {
		t = &model.ListenerTLS{}
	}
	from, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("compare TLS of %s: %w", l.ID, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	var before *Server
	if made, ok := st.servers[l.ID]; ok {
		before = made.Server
		if made.from == string(from) && (before.stale == nil || made.svc == svc) {
			return before, kept(before.stale)
		}
	}
	if st.keys == nil {
		return nil, errNoKeys
	}
	s, err := newServer(l, t, finder(svc), st.keys, before)
	if err != nil {
		return nil, err
	}
	c := st.counters[l.ID]
	if c == nil {
		c = &Counters{}
		st.counters[l.ID] = c
	}
	s.Counters, s.gate = c, st.Gate
	st.servers[l.ID] = &madeServer{string(from), svc, s}
	return s, kept(s.stale)
}

// endsTLS reports whether clients of l speak TLS to it. Where metrics are asked for
// they do as soon as there is a certificate.
func endsTLS(l *model.Listener) bool {
	return l.Protocol == model.TerminatedHTTPS || l.Protocol == model.Prometheus && len(l.TLS.ServerKeys()) > 0
}

// kept is why as it is told.
func kept(why error) error {
	if why == nil {
		return nil
	}
	return fmt.Errorf("%w; what was loaded before is used", why)
}

// Client is how a pool speaks TLS to its members; nil when it does not. The error
// is as that of Server.
func (st *Store) Client(p *model.Pool, svc *model.Service) (*Client, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if p.TLS == nil || !p.TLS.Enabled {
		delete(st.clients, p.ID)
		return nil, nil
	}
	from, err := json.Marshal(p.TLS)
	if err != nil {
		return nil, fmt.Errorf("compare TLS of %s: %w", p.ID, err)
	}
	var before *Client
	if made, ok := st.clients[p.ID]; ok {
		before = made.Client
		if made.from == string(from) && (before.stale == nil || made.svc == svc) {
			return before, kept(before.stale)
		}
	}
	if st.keys == nil {
		return nil, errNoKeys
	}
	c, err := newClient(p.TLS, finder(svc), st.keys, before)
	if err != nil {
		return nil, err
	}
	st.clients[p.ID] = &madeClient{string(from), svc, c}
	return c, kept(c.stale)
}

// ForgetServer drops what a listener that is gone had.
func (st *Store) ForgetServer(id model.ListenerID) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.counters, id)
	delete(st.servers, id)
}

// ForgetClient drops what a pool that is gone had.
func (st *Store) ForgetClient(id model.PoolID) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.clients, id)
}

// Served calls each with every listener's counters, the days until the first
// of its certificates expires, and whether some of it is from before.
func (st *Store) Served(each func(id model.ListenerID, c *Counters, days float64, stale bool)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id, s := range st.servers {
		first := s.pairs[0].Leaf.NotAfter
		for _, c := range s.pairs {
			if c.Leaf.NotAfter.Before(first) {
				first = c.Leaf.NotAfter
			}
		}
		each(id, s.Server.Counters, time.Until(first).Hours()/24, s.stale != nil)
	}
}

// Spoken calls each with every pool that speaks TLS and whether some of what it does
// so with is from before.
func (st *Store) Spoken(each func(id model.PoolID, stale bool)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id, c := range st.clients {
		each(id, c.stale != nil)
	}
}
