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
	kept    *loop.Buf  // read, and not taken by the destination
	pipe    *loop.Pipe // the same, spliced; never both
	eof     bool       // the source has ended
	done    bool       // nothing moves any more
	blocked bool       // the destination was full once
	bulk    bool       // bytes come faster than they are read: splice
}

// stuck reports whether the destination has been given more than it takes.
func (h *half) stuck() bool { return h.kept != nil || h.pipe != nil }

// drop throws away what the destination did not take.
func (h *half) drop(l *loop.Loop) {
	l.Return(h.kept)
	l.ReturnPipe(h.pipe)
	h.kept, h.pipe = nil, nil
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
	r.up.drop(r.Loop)
	r.down.drop(r.Loop)
}

// pump moves one direction. in counts what is read, out what is written. When the
// destination takes nothing more only this direction ends: what it sent before it
// went away is still on its way back.
func (r *Relay) pump(h *half, src, dst *loop.Sock, in, out *atomic.Int64, scratch []byte, budget *int) State {
	for !h.done {
		if dst.Broken { // it takes nothing any more, whether there is something or not
			h.drop(r.Loop)
			h.done = true
			break
		}
		if h.stuck() && !r.flush(h, dst, out) {
			return Waiting
		}
		if h.eof {
			if !r.up.done && !r.down.done { // else both sockets are closed next
				_ = dst.CloseWrite() // gone already: as good
			}
			h.done = true
			return Waiting
		}
		if !src.Readable {
			return Waiting
		}
		if *budget <= 0 {
			return Unready
		}
		if h.bulk {
			if h.pipe = r.Loop.LendPipe(); h.pipe != nil {
				n, errno := src.SpliceIn(h.pipe, loop.PipeSize)
				if n > 0 {
					h.bulk = n >= loop.TrickleRead
					*budget -= n
					r.moved(in, n)
					continue // to flush it
				}
				h.drop(r.Loop)
				switch errno {
				case 0:
					h.eof = true
					continue
				case unix.EAGAIN:
					return Waiting
				}
				return Cut
			}
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
		h.bulk = n >= loop.BulkRead
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

// flush sends what the destination did not take before; false: it does not take
// all of it now, or has ended.
func (r *Relay) flush(h *half, dst *loop.Sock, out *atomic.Int64) bool {
	if !dst.Writable {
		return false
	}
	var (
		n     int
		errno syscall.Errno
		rest  bool
	)
	if h.pipe != nil {
		n, errno = dst.SpliceOut(h.pipe)
		rest = h.pipe.Len() > 0
	} else {
		n, errno = dst.Write(h.kept.Bytes())
		h.kept.R += n
		rest = h.kept.R < h.kept.W
	}
	r.moved(out, n)
	if errno == 0 && rest {
		h.blocked = true
		return false
	}
	h.drop(r.Loop)
	h.done = errno != 0
	return !h.done
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
	if !r.up.done && !r.up.stuck() || r.down.stuck() {
		d = min(d, r.ClientIdle)
	}
	if !r.down.done && !r.down.stuck() || r.up.stuck() {
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
