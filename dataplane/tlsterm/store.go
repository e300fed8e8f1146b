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

type madeServer struct {
	from  string
	rules string // from, but for the certificates
	*Server
}

type madeClient struct {
	from string
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

// Server is how l ends TLS, as it was when nothing has changed. The error names
// what cannot be loaded; with it comes the one before, if there is one and only its
// certificates were to be changed: who is let in stays what was asked for.
func (st *Store) Server(l *model.Listener, svc *model.Service) (*Server, error) {
	t := l.TLS
	if t == nil {
		t = &model.ListenerTLS{}
	}
	from, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("compare TLS of %s: %w", l.ID, err)
	}
	rules, err := rulesOf(t)
	if err != nil {
		return nil, fmt.Errorf("compare TLS of %s: %w", l.ID, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	made, known := st.servers[l.ID]
	if known && made.from == string(from) {
		return made.Server, nil
	}
	if st.keys == nil {
		return nil, errNoKeys
	}
	// Who may resume: tickets are good where the same clients are let in.
	admitted := t.ClientAuth + "\n" + t.ClientCA + "\n" + t.ClientCRL
	s, err := newServer(l, t, finder(svc), st.keys, admitted)
	if err != nil {
		if known && made.rules == rules {
			return made.Server, err
		}
		return nil, err
	}
	c := st.counters[l.ID]
	if c == nil {
		c = &Counters{}
		st.counters[l.ID] = c
	}
	s.Counters, s.gate = c, st.Gate
	st.servers[l.ID] = &madeServer{string(from), rules, s}
	return s, nil
}

// rulesOf is all of t but its certificates, to be compared.
func rulesOf(t *model.ListenerTLS) (string, error) {
	r := *t
	r.Certificate, r.SNI = "", nil
	b, err := json.Marshal(&r)
	return string(b), err
}

// Client is how a pool speaks TLS to its members; nil when it does not.
func (st *Store) Client(p *model.Pool, svc *model.Service) (*Client, error) {
	if p.TLS == nil || !p.TLS.Enabled {
		return nil, nil
	}
	from, err := json.Marshal(p.TLS)
	if err != nil {
		return nil, fmt.Errorf("compare TLS of %s: %w", p.ID, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if made, ok := st.clients[p.ID]; ok && made.from == string(from) {
		return made.Client, nil
	}
	if st.keys == nil {
		return nil, errNoKeys
	}
	c, err := newClient(p.TLS, finder(svc), st.keys)
	if err != nil {
		return nil, err
	}
	st.clients[p.ID] = &madeClient{string(from), c}
	return c, nil
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

// Served calls each with every listener's counters and the days until the first
// of its certificates expires.
func (st *Store) Served(each func(id model.ListenerID, c *Counters, days float64)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for id, s := range st.servers {
		first := s.leaves[0].NotAfter
		for _, l := range s.leaves {
			if l.NotAfter.Before(first) {
				first = l.NotAfter
			}
		}
		each(id, s.Server.Counters, time.Until(first).Hours()/24)
	}
}
