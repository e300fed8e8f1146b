package tlsterm

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// ErrBusy is returned when too many handshakes wait already.
var ErrBusy = errors.New("too many handshakes at once")

// Gate bounds how many handshakes compute at once, so that a storm of new
// connections does not starve those that are established. A handshake that waits
// for its client is outside.
type Gate struct {
	places  chan struct{}
	waiting atomic.Int64
}

// NewGate has n places.
func NewGate(n int) *Gate { return &Gate{places: make(chan struct{}, max(n, 1))} }

// Enter implements netio.Gate.
func (g *Gate) Enter(deadline time.Time) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	if g.waiting.Add(1) > maxQueued {
		g.waiting.Add(-1)
		return ErrBusy
	}
	defer g.waiting.Add(-1)
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-t.C:
		return os.ErrDeadlineExceeded
	}
}

// Leave implements netio.Gate.
func (g *Gate) Leave() { <-g.places }

// Waiting is how many handshakes wait for a place now.
func (g *Gate) Waiting() int64 { return g.waiting.Load() }
