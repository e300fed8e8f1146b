package store

import (
	"context"
	"sync"
)

// Watch says that something changed, not what: read again. It never blocks the
// writer and never queues.
type Watch struct {
	c     chan struct{}
	owner *watchers
}

// C has one token after any number of changes since the last receive.
func (w *Watch) C() <-chan struct{} { return w.c }

// Close ends the watch. C is not closed, so that a select on it does not spin.
func (w *Watch) Close() {
	w.owner.mu.Lock()
	defer w.owner.mu.Unlock()
	delete(w.owner.watches, w)
}

// watchers are those who want to know about changes. Both sets are bounded by
// their callers: one watch per consumer, one waiter per request in flight.
type watchers struct {
	mu      sync.Mutex
	watches map[*Watch]struct{}      // guarded by mu
	waiting map[chan struct{}]uint64 // guarded by mu; channel → index waited for
}

func (ws *watchers) add() *Watch {
	w := &Watch{c: make(chan struct{}, 1), owner: ws}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.watches == nil {
		ws.watches = map[*Watch]struct{}{}
	}
	ws.watches[w] = struct{}{}
	return w
}

// advance wakes the waiters that index satisfies, and the watches when the
// state changed. Called after the index became visible.
func (ws *watchers) advance(index uint64, changed bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for c, want := range ws.waiting {
		if want <= index {
			close(c)
			delete(ws.waiting, c)
		}
	}
	if !changed {
		return
	}
	for w := range ws.watches {
		select {
		case w.c <- struct{}{}:
		default: // a token is there already
		}
	}
}

func (ws *watchers) wait(ctx context.Context, index uint64, now func() uint64) error {
	c := make(chan struct{})
	ws.mu.Lock()
	// Checked under the lock that advance needs: an index that arrives later finds c.
	if now() >= index {
		ws.mu.Unlock()
		return nil
	}
	if ws.waiting == nil {
		ws.waiting = map[chan struct{}]uint64{}
	}
	ws.waiting[c] = index
	ws.mu.Unlock()

	select {
	case <-c:
		return nil
	case <-ctx.Done():
		ws.mu.Lock()
		delete(ws.waiting, c)
		ws.mu.Unlock()
		return ctx.Err()
	}
}
