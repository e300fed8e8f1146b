package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Store is the state of one node with its locks and wake-ups.
//
// One goroutine (the FSM) calls Apply and Restore; everything else may be
// called from anywhere.
type Store struct {
	mu    sync.RWMutex
	state *State // guarded by mu; its entities are immutable

	index    atomic.Uint64 // written with mu held, after the state
	watchers watchers
	config   configCache
}

// New makes an empty store at index 0.
func New() *Store {
	return &Store{state: newState()}
}

// Apply executes one log entry. It returns an *Error when the command is
// refused; then nothing has changed except Index. Entries must come in the
// order of their indexes, from one caller.
func (s *Store) Apply(index uint64, cmd Command) error {
	s.mu.Lock()
	t := &tx{st: s.state, index: index, at: storable(cmd.At), unmetered: cmd.Unmetered}
	err := t.apply(cmd)
	s.index.Store(index)
	s.mu.Unlock()

	s.watchers.advance(index, err == nil)
	return err
}

// Read runs fn with a consistent view. fn must be short and must not keep st;
// the entities it got from st it may keep. fn must not call the Store.
func (s *Store) Read(fn func(st *State)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	fn(s.state)
}

// Index is the newest index applied, refused commands included.
func (s *Store) Index() uint64 { return s.index.Load() }

// WaitIndex returns once Index is at least index, or with ctx's error.
func (s *Store) WaitIndex(ctx context.Context, index uint64) error {
	return s.watchers.wait(ctx, index, s.Index)
}

// Watch starts a watch: its channel holds a token after every change, one
// token for any number of them. Close it.
func (s *Store) Watch() *Watch { return s.watchers.add() }

// tx is one command being applied.
type tx struct {
	st    *State
	index uint64
	at    time.Time // UTC, without monotonic reading

	unmetered bool // see Command
}

// storable is a time as entities hold it: UTC, without a monotonic reading, and
// in the years that JSON can carry (a zone may push the decoded time out of them).
func storable(at time.Time) time.Time {
	at = at.UTC().Round(0)
	if y := at.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return at
}
