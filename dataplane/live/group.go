package live

import "sync"

// Drainable is a connection that can be asked to end.
type Drainable interface {
	// Drain asks to end soon: at once when idle, else after the answer under way.
	// It must not block and may be called more than once.
	Drain()
	// Retire asks to end with the next answer: an idle connection stays until then,
	// or until its time is over, for a request may be on its way. Like Drain
	// otherwise.
	Retire()
	// Cut ends it now.
	Cut()
}

// Group is the set of connections that are drained together: those of one
// listener on one socket.
type Group struct {
	mu       sync.Mutex
	conns    map[Drainable]struct{} // guarded by mu; bounded by the budget
	draining bool                   // guarded by mu
	retiring bool                   // guarded by mu
	cut      bool                   // guarded by mu
	empty    chan struct{}          // guarded by mu; closed when draining or retiring, and empty
}

// NewGroup is empty.
func NewGroup() *Group {
	return &Group{conns: make(map[Drainable]struct{}), empty: make(chan struct{})}
}

// Add puts c into the group; false when the group drains already.
func (g *Group) Add(c Drainable) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	g.conns[c] = struct{}{}
	if g.retiring {
		c.Retire()
	}
	return true
}

// Replace puts c in the place of old, which goes on as c. When the group drains
// already, c is told.
func (g *Group) Replace(old, c Drainable) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, old)
	g.conns[c] = struct{}{}
	switch {
	case g.draining:
		c.Drain()
	case g.retiring:
		c.Retire()
	}
	if g.cut {
		c.Cut()
	}
}

// Remove takes c out, when it has ended.
func (g *Group) Remove(c Drainable) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
	g.checkEmpty()
}

// Drain asks every connection to end and takes no new ones. The channel is
// closed when none is left.
func (g *Group) Drain() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.draining {
		g.draining = true
		for c := range g.conns {
			c.Drain()
		}
		g.checkEmpty()
	}
	return g.empty
}

// Retire asks every connection to end with its next answer, those that still come
// as well. The channel is closed when none is left.
func (g *Group) Retire() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.retiring {
		g.retiring = true
		for c := range g.conns {
			c.Retire()
		}
		g.checkEmpty()
	}
	return g.empty
}

// Cut ends every connection now.
func (g *Group) Cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = true
	for c := range g.conns {
		c.Cut()
	}
}

// Len is how many connections are open.
func (g *Group) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// checkEmpty runs with mu held.
func (g *Group) checkEmpty() {
	if !g.draining && !g.retiring || len(g.conns) > 0 {
		return
	}
	select {
	case <-g.empty:
	default:
		close(g.empty)
	}
}
