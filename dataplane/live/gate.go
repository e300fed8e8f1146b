package live

import (
	"sync"
	"sync/atomic"
)

// gate is the connection limit of a listener, shared by all its sockets.
type gate struct {
	active atomic.Int64
	limit  atomic.Int64 // <= 0: none

	mu    sync.Mutex
	freed chan struct{} // guarded by mu; closed when a slot may have become free
	calls []func()      // guarded by mu; to be called once, like freed; one per waiting loop
	waits atomic.Int64  // how many wait for freed or a call
}

func (g *gate) init() { g.freed = make(chan struct{}) }

func (g *gate) take() bool {
	for {
		n, limit := g.active.Load(), g.limit.Load()
		if limit > 0 && n >= limit {
			return false
		}
		if g.active.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (g *gate) wake() {
	if g.waits.Load() == 0 {
		return
	}
	g.mu.Lock()
	close(g.freed)
	g.freed = make(chan struct{})
	calls := g.calls
	g.calls = nil
	g.waits.Add(-int64(len(calls)))
	g.mu.Unlock()
	for _, fn := range calls {
		fn()
	}
}

// SetLimit changes how many connections may be open at once; n <= 0 lifts the
// limit. Open connections stay.
func (l *Listener) SetLimit(n int64) {
	if l.gate.limit.Swap(n) != n {
		l.gate.wake()
	}
}

// Full reports whether the limit is reached.
func (l *Listener) Full() bool {
	limit := l.gate.limit.Load()
	return limit > 0 && l.gate.active.Load() >= limit
}

// Enter takes a slot, waiting for one until stop is closed. It reports whether
// it got one; Leave gives it back.
func (l *Listener) Enter(stop <-chan struct{}) bool {
	return l.waitFor(stop, l.gate.take)
}

// WaitFree waits until a slot is free, without taking it, or stop is closed.
// An accept loop waits here, so that clients beyond the limit stay in the
// kernel's queue.
func (l *Listener) WaitFree(stop <-chan struct{}) bool {
	return l.waitFor(stop, func() bool { return !l.Full() })
}

func (l *Listener) waitFor(stop <-chan struct{}, ok func() bool) bool {
	if ok() {
		return true
	}
	l.gate.waits.Add(1)
	defer l.gate.waits.Add(-1)
	for {
		l.gate.mu.Lock()
		freed := l.gate.freed
		l.gate.mu.Unlock()
		if ok() { // after taking the channel: a slot freed in between is seen here
			return true
		}
		select {
		case <-freed:
		case <-stop:
			return false
		}
	}
}

// TryEnter takes a slot and reports whether there was one.
func (l *Listener) TryEnter() bool { return l.gate.take() }

// Overtake takes a slot although there may be none.
func (l *Listener) Overtake() { l.gate.active.Add(1) }

// OnFree has fn called once, when a slot may be free: at once if there is one. fn
// must not block; it may be called from any goroutine.
func (l *Listener) OnFree(fn func()) {
	g := &l.gate
	g.mu.Lock()
	g.calls = append(g.calls, fn)
	g.waits.Add(1)
	g.mu.Unlock()
	if !l.Full() { // after joining: a slot freed in between is seen here
		g.wake()
	}
}

// Leave gives a slot back.
func (l *Listener) Leave() {
	l.gate.active.Add(-1)
	l.gate.wake()
}
