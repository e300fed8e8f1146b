package l4

import (
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"lbd/dataplane/netio"
)

// Relay moves bytes both ways until both directions have ended. The zero value
// of a timeout waits without bound.
type Relay struct {
	Client, Server *netio.Conn
	// ClientIdle and ServerIdle end the connection when that side neither sent
	// nor took anything for so long.
	ClientIdle, ServerIdle time.Duration
	// In counts bytes read from the client, Out bytes written to it.
	In, Out *atomic.Int64
	// FromClient and ToClient are the same of this relay alone, after Run.
	FromClient, ToClient int64

	base               time.Time
	clientAt, serverAt atomic.Int64 // last activity of a side, ns since base
}

// Reasons why a relay ended other than both sides finishing.
var (
	// ErrClientIdle and ErrServerIdle: nothing moved on that side for its timeout.
	ErrClientIdle = errors.New("client idle")
	ErrServerIdle = errors.New("member idle")
	// ErrClient and ErrServer: that side reset the connection or is gone.
	ErrClient = errors.New("client gone")
	ErrServer = errors.New("member gone")
)

// Run relays until the end and closes both connections. Bytes that are buffered
// in either of them go first.
func (r *Relay) Run() error {
	r.base = time.Now()
	var (
		done     = make(chan struct{})
		down     error // of the goroutine below; valid after done, as is panicked
		panicked any   // raised again in the caller's goroutine, which recovers
	)
	go func() {
		defer close(done)
		defer func() {
			if panicked = recover(); panicked != nil {
				r.abort()
			}
		}()
		d := direction{
			src: r.Server, dst: r.Client, srcIdle: r.ServerIdle, dstIdle: r.ClientIdle,
			srcAt: &r.serverAt, dstAt: &r.clientAt, written: r.Out,
			errIdle: ErrServerIdle, errStall: ErrClientIdle, errSrc: ErrServer, errDst: ErrClient,
		}
		down = r.pump(&d)
		r.ToClient = d.out
	}()
	d := direction{
		src: r.Client, dst: r.Server, srcIdle: r.ClientIdle, dstIdle: r.ServerIdle,
		srcAt: &r.clientAt, dstAt: &r.serverAt, read: r.In,
		errIdle: ErrClientIdle, errStall: ErrServerIdle, errSrc: ErrClient, errDst: ErrServer,
	}
	up := r.pump(&d)
	r.FromClient = d.in
	<-done
	if panicked != nil {
		panic(panicked)
	}
	r.Client.Close()
	r.Server.Close()
	r.Client.Release()
	r.Server.Release()
	if up != nil {
		return up
	}
	return down
}

// direction is one half of a relay. read and written may be nil.
type direction struct {
	src, dst         *netio.Conn
	srcIdle, dstIdle time.Duration
	srcAt, dstAt     *atomic.Int64
	read, written    *atomic.Int64
	in, out          int64 // read and written so far

	errIdle, errStall, errSrc, errDst error
}

func (d *direction) took(n int64) {
	d.in += n
	if d.read != nil && n > 0 {
		d.read.Add(n)
	}
}

func (d *direction) gave(n int64) {
	d.out += n
	if d.written != nil && n > 0 {
		d.written.Add(n)
	}
}

// pump moves d until its source ends. What happens to the rest of the relay:
//
//	end of stream   half-close dst; the other direction goes on
//	reset, idle     reset both; the other direction fails
//	dst takes nothing more   end this direction only: what dst sent before it
//	                         went away is still on its way back
func (r *Relay) pump(d *direction) error {
	bulk, small := false, 0
	for {
		var err error
		var side netio.Side
		if bulk && len(d.src.Buffered()) == 0 {
			var n int64
			n, side, err = r.splice(d)
			if n < smallTurn {
				small++
			} else {
				small = 0
			}
			if small >= smallTurns || errors.Is(err, netio.ErrNoPipe) {
				bulk, small = false, 0
			}
			if errors.Is(err, netio.ErrNoPipe) {
				continue
			}
		} else {
			var n int
			n, side, err = r.copy(d)
			bulk = n >= bulkRead
		}
		switch {
		case err == nil:
		case side == netio.Destination && netio.IsTimeout(err):
			r.abort()
			return d.errStall
		case side == netio.Destination:
			return d.errDst
		case err == io.EOF:
			if d.dst.CloseWrite() != nil {
				return d.errDst
			}
			return nil
		case netio.IsTimeout(err):
			if r.active(d.srcAt, d.srcIdle) {
				continue // it took bytes meanwhile
			}
			r.abort()
			return d.errIdle
		default:
			r.abort()
			return d.errSrc
		}
	}
}

// copy is one turn through the buffer. n is what was read.
func (r *Relay) copy(d *direction) (n int, side netio.Side, err error) {
	b := d.src.Buffered()
	if len(b) == 0 {
		d.src.ArmRead(d.srcIdle)
		runtime.Gosched() // what we wrote last may be answered by now: saves a read in vain
		if n, err = d.src.Fill(); err != nil {
			return 0, netio.Source, err
		}
		d.took(int64(n))
		b = d.src.Buffered()
	}
	w, err := d.dst.Write(b, d.dstIdle)
	d.src.Discard(len(b))
	d.gave(int64(w))
	if err != nil {
		return n, netio.Destination, err
	}
	at := int64(time.Since(r.base)) // one look at the clock for both
	d.srcAt.Store(at)
	d.dstAt.Store(at)
	return n, netio.Source, nil
}

// splice is one turn inside the kernel.
func (r *Relay) splice(d *direction) (int64, netio.Side, error) {
	d.src.ArmRead(d.srcIdle)
	n, side, err := d.src.SpliceTo(d.dst, spliceTurn, d.dstIdle)
	d.took(n)
	d.gave(n)
	if n > 0 {
		at := int64(time.Since(r.base))
		d.srcAt.Store(at)
		d.dstAt.Store(at)
	}
	return n, side, err
}

func (r *Relay) active(at *atomic.Int64, idle time.Duration) bool {
	return time.Since(r.base)-time.Duration(at.Load()) < idle
}

func (r *Relay) abort() {
	r.Client.Abort()
	r.Server.Abort()
}
