package vrrp

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"lbd/internal/tether"
)

// tethers are the child's connections to the voters. Their end tells the voters
// that this process holds nothing any more, so none is ever closed in passing:
// either the peer has closed it first, or it is reset (which says nothing), or
// the addresses are gone.
type tethers struct {
	minFD   int
	changed chan struct{} // size 1: tied changed
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu     sync.Mutex
	conns  map[string]*tether.Conn // guarded by mu; by peer
	closed bool                    // guarded by mu
}

// tetherFD is the least descriptor number of a tether where an exitHook watches:
// above the device of the addresses, hence taken down before it. The gate is shut
// then already. Without the hook the device has to go first.
const tetherFD = tunFD + 64

func newTethers(hooked bool) *tethers {
	ctx, cancel := context.WithCancel(context.Background())
	minFD := 0
	if hooked {
		minFD = tetherFD
	}
	return &tethers{minFD: minFD, changed: make(chan struct{}, 1), ctx: ctx, cancel: cancel, conns: map[string]*tether.Conn{}}
}

// tie connects in the background. A tether that the peer has already stays until
// the new one holds.
func (t *tethers) tie(m tieMessage, log *slog.Logger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.conns) >= maxTethers && t.conns[m.Peer] == nil {
		return
	}
	t.wg.Go(func() {
		c, err := tether.Tie(t.ctx, m.Target, t.minFD)
		if err != nil {
			log.Debug("tether", "peer", m.Peer, "err", err)
			return
		}
		if !t.keep(m.Peer, c) {
			c.Untie()
			return
		}
		c.Wait()
		t.drop(m.Peer, c)
	})
}

func (t *tethers) keep(peer string, c *tether.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if old := t.conns[peer]; old != nil {
		old.Untie()
	}
	t.conns[peer] = c
	poke(t.changed)
	return true
}

func (t *tethers) drop(peer string, c *tether.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return // close has said its word
	}
	c.Untie()
	if t.conns[peer] == c {
		delete(t.conns, peer)
		poke(t.changed)
	}
}

// tied are the peers that have a tether.
func (t *tethers) tied() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.conns))
}

// close tells all peers that this process holds nothing any more, which must be
// true.
func (t *tethers) close() {
	t.cancel()
	t.mu.Lock()
	t.closed = true
	for _, c := range t.conns {
		c.Close()
	}
	t.mu.Unlock()
	t.wg.Wait()
}
