package dataplane

import (
	"net/netip"
	"sync"
)

// Abandon says that addresses are this machine's no more: no packet of a client reaches
// a connection to them, so that those that drain, or will, are cut at once. It is for
// the end of a node, and only the first call counts.
func (e *Engine) Abandon(addrs []netip.Addr) { e.abandoned.set(addrs) }

// abandonment is which addresses were abandoned; none before set.
type abandonment struct {
	once  sync.Once
	done  chan struct{} // closed when addrs is known
	addrs map[netip.Addr]bool
}

func newAbandonment() *abandonment { return &abandonment{done: make(chan struct{})} }

func (a *abandonment) set(addrs []netip.Addr) {
	a.once.Do(func() {
		a.addrs = make(map[netip.Addr]bool, len(addrs))
		for _, addr := range addrs {
			a.addrs[addr] = true
		}
		close(a.done)
	})
}

// covers tells whether addr was abandoned; only after done.
func (a *abandonment) covers(addr netip.Addr) bool { return a.addrs[addr] }
