package evtcp

import (
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/loop"
)

// Relay moves bytes both ways until both directions have ended.
type Relay struct {
	Loop           *loop.Loop
	Client, Server *loop.Sock
	// ClientIdle and ServerIdle end the relay when that side is waited for and
	// nothing moved for so long.
	ClientIdle, ServerIdle time.Duration
	// In counts bytes read from the client, Out bytes written to it.
	In, Out *atomic.Int64
	// FromClient and ToClient are the same of this relay alone, so far.
	FromClient, ToClient int64

	up, down half
	at       time.Duration // when something moved last
}

// half is one direction.
type half struct {
	kept    *loop.Buf // read, and not taken by the destination
	eof     bool      // the source has ended
	done    bool      // nothing moves any more
	blocked bool      // the destination was full once
}

// State is what a turn came to.
type State int

const (
	Waiting State = iota // for events
	Unready              // the turn is used up: again, after the others
	Over                 // both directions have ended well
	Cut                  // one side was reset: reset both
)

// Start begins with what was read from either side before; nil for nothing.
func (r *Relay) Start(fromClient, fromServer *loop.Buf) {
	r.up.kept, r.down.kept = fromClient, fromServer
	r.at = r.Loop.Now()
}

// Run moves what can be moved, up to a turn.
func (r *Relay) Run() State {
	budget := Turn
	up := r.pump(&r.up, r.Client, r.Server, r.In, nil, r.Loop.Up, &budget)
	down := r.pump(&r.down, r.Server, r.Client, nil, r.Out, r.Loop.Down, &budget)
	switch {
	case up == Cut || down == Cut:
		return Cut
	case up == Unready || down == Unready:
		return Unready
	case r.up.done && r.down.done:
		return Over
	}
	return Waiting
}

// Release gives buffers back, at the very end.
func (r *Relay) Release() {
	if r.Loop == nil {
		return
	}
	r.Loop.Return(r.up.kept)
	r.Loop.Return(r.down.kept)
	r.up.kept, r.down.kept = nil, nil
}

// pump moves one direction. in counts what is read, out what is written. When the
// destination takes nothing more only this direction ends: what it sent before it
// went away is still on its way back.
func (r *Relay) pump(h *half, src, dst *loop.Sock, in, out *atomic.Int64, scratch []byte, budget *int) State {
	for !h.done {
		if dst.Broken { // it takes nothing any more, whether there is something or not
			r.Loop.Return(h.kept)
			h.kept, h.done = nil, true
			break
		}
		if h.kept != nil {
			if !dst.Writable {
				return Waiting
			}
			n, errno := dst.Write(h.kept.Bytes())
			r.moved(out, n)
			h.kept.R += n
			if errno == 0 && h.kept.R < h.kept.W {
				return Waiting
			}
			r.Loop.Return(h.kept)
			h.kept = nil
			if errno != 0 {
				h.done = true
				return Waiting
			}
		}
		if h.eof {
			_ = dst.CloseWrite() // gone already: as good
			h.done = true
			return Waiting
		}
		if !src.Readable {
			return Waiting
		}
		if *budget <= 0 {
			return Unready
		}
		size := loop.ScratchSize
		if h.blocked {
			size = blockedRead
		}
		n, errno := src.Read(scratch[:size])
		switch {
		case errno == unix.EAGAIN:
			return Waiting
		case errno != 0:
			return Cut
		case n == 0:
			h.eof = true
			continue
		}
		*budget -= n
		r.moved(in, n)
		w, errno := dst.Write(scratch[:n])
		r.moved(out, w)
		if errno != 0 {
			h.done = true
			return Waiting
		}
		if w < n {
			h.kept, h.blocked = r.Loop.Keep(scratch[w:n]), true
			return Waiting
		}
	}
	return Waiting
}

func (r *Relay) moved(c *atomic.Int64, n int) {
	if n <= 0 {
		return
	}
	r.at = r.Loop.Now()
	switch c {
	case nil:
		return
	case r.In:
		r.FromClient += int64(n)
	case r.Out:
		r.ToClient += int64(n)
	}
	c.Add(int64(n))
}

// Deadline is when the relay has waited too long for somebody.
func (r *Relay) Deadline() time.Duration {
	d := forever
	if !r.up.done && r.up.kept == nil || r.down.kept != nil {
		d = min(d, r.ClientIdle)
	}
	if !r.down.done && r.down.kept == nil || r.up.kept != nil {
		d = min(d, r.ServerIdle)
	}
	if d == forever {
		return forever
	}
	return r.at + d
}

// first tries the socket out: what the client has sent already is the first
// thing the member gets.
func (r *Relay) first() (n int, errno syscall.Errno) {
	if r.up.kept == nil {
		return 0, 0
	}
	n, errno = r.Server.Write(r.up.kept.Bytes())
	if r.up.kept.R += n; r.up.kept.R == r.up.kept.W {
		r.Loop.Return(r.up.kept)
		r.up.kept = nil
	}
	if n > 0 {
		r.at = r.Loop.Now()
	}
	return n, errno
}

// early reads what the client sends before there is a member; false: it is gone.
func (r *Relay) early() bool {
	if r.up.kept != nil || r.up.eof || !r.Client.Readable {
		return true
	}
	n, errno := r.Client.Read(r.Loop.Up[:blockedRead])
	switch {
	case errno == unix.EAGAIN:
	case errno != 0:
		return false
	case n == 0:
		r.up.eof = true
	default:
		r.moved(r.In, n)
		r.up.kept = r.Loop.Keep(r.Loop.Up[:n])
	}
	return true
}
