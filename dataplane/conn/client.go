package conn

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"lbd/dataplane/h2"
	"lbd/dataplane/http1"
	"lbd/dataplane/live"
	"lbd/dataplane/netio"
	"lbd/dataplane/route"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// client is one client connection. Its goroutine owns everything; Drain and Cut
// touch only the atomics, the context and the socket.
type client struct {
	p     *Proxy
	conn  *netio.Conn
	src   *atomic.Pointer[table.Listener] // the newest version of its listener
	shard *live.Shard

	remote, local netip.AddrPort
	peer          route.Client // the same, as rules see it

	began  time.Time
	ctx    context.Context // of the connection itself; ended by Cut
	cancel context.CancelFunc

	phase    atomic.Int32            // phaseBusy, phaseIdle, phaseLeaving
	draining atomic.Bool             // the next answer is the last
	hurried  atomic.Bool             // there may be none
	streams  atomic.Pointer[h2.Conn] // with HTTP/2

	stalled atomic.Bool  // it has not taken an answer in time
	http2   bool         // it is a stream of an HTTP/2 connection
	tls     string       // version of TLS, or ""
	in, out atomic.Int64 // bytes from and to the client so far
}

const (
	phaseBusy int32 = iota
	phaseIdle
	phaseLeaving
)

// Drain ends the connection at once when it is idle, else after the answer under way. A
// newcomer is not idle yet.
func (c *client) Drain() {
	c.hurried.Store(true)
	c.Retire()
	if left := c.newcomer(); left > 0 {
		time.AfterFunc(left, c.sendOff)
		return
	}
	c.sendOff()
}

// sendOff ends the connection when it is idle.
func (c *client) sendOff() {
	if c.phase.CompareAndSwap(phaseIdle, phaseLeaving) {
		c.conn.Wake()
	}
}

// newcomer is for how long the connection may still be without a request though it is
// drained; not positive: no longer.
func (c *client) newcomer() time.Duration {
	if c.in.Load() > 0 {
		return 0
	}
	return time.Until(c.began.Add(semantics.Newcomer))
}

// Retire ends the connection with the next answer. HTTP/2 has words for it.
func (c *client) Retire() {
	c.draining.Store(true)
	if m := c.streams.Load(); m != nil {
		m.Drain()
	}
}

// Cut resets the connection. The server side is noticed to be without a client
// within pollEvery and closed.
func (c *client) Cut() {
	c.cancel()
	c.conn.Abort()
}

// serve runs the connection to its end.
func (c *client) serve() {
	for c.awaitRequest() && c.request() {
	}
	c.phase.Store(phaseLeaving) // a late sendOff finds nobody
	c.conn.Close()
	c.conn.Release()
}

// awaitRequest waits for the first bytes of a request, holding no buffer. False:
// the client left, stayed idle for too long, or the listener drains.
func (c *client) awaitRequest() bool {
	stray := false
	for {
		drop, idle := semantics.Stray(c.conn.Buffered(), &stray)
		c.conn.Discard(drop)
		if !idle {
			return true // first bytes, or pipelined behind the request before
		}
		// In this order: a Wake by Drain must not be overwritten by our deadline.
		c.conn.ArmRead(c.p.limits.KeepAlive)
		c.phase.Store(phaseIdle)
		if c.hurried.Load() && c.newcomer() <= 0 {
			return false
		}
		runtime.Gosched() // see await
		n, err := c.conn.Fill()
		c.received(int64(n))
		if !c.phase.CompareAndSwap(phaseIdle, phaseBusy) {
			return false
		}
		if err != nil {
			return false
		}
	}
}

// request serves one request and reports whether another may follow.
func (c *client) request() (keep bool) {
	x := c.p.borrow(c)
	returned := false
	defer func() {
		if !returned { // a panic: the engine recovers it; x is not used again
			x.dropServer()
			x.logged(semantics.Cut)
		}
	}()
	keep = c.exchange(x)
	returned = true
	x.logged(semantics.Completed)
	c.p.giveBack(x)
	return keep
}

func (c *client) exchange(x *exchange) (keep bool) {
	x.lis = c.src.Load()
	x.beginLog()
	n, ok := c.readHead(x)
	if !ok {
		return false
	}
	x.start = time.Now()
	if x.log != nil {
		x.log.Request(&x.request, c.protocol(&x.request), x.start)
	}
	if x.lis.Metrics != nil {
		return x.metrics(n)
	}
	if own, last := semantics.LastHop(&x.request); last {
		x.out = x.out[:0]
		x.because(semantics.Answered)
		return x.own(&own, n)
	}
	v := x.lis.Route.Choose(&x.request, &c.peer)
	x.policy = x.lis.Decided(v.Policy)
	if x.log != nil {
		x.log.Policy = v.Policy
	}
	if v.Kind != route.ToPool {
		return x.verdict(&v, n)
	}
	x.pool = v.Pool
	x.session = x.pool.Session(&x.request, c.remote.Addr())
	if err := x.encodeRequest(n); err != nil {
		return x.fault(http1.StatusBadRequest, err)
	}
	return x.forward()
}

// readHead reads a request head; its length is n. What cannot be read as one is
// answered here.
func (c *client) readHead(x *exchange) (n int, ok bool) {
	var deadline time.Time
	for {
		n, err := x.request.Parse(c.conn.Buffered(), &c.p.lim)
		if err != nil {
			code := http1.StatusBadRequest
			if r, ok := errors.AsType[*http1.Refusal](err); ok {
				code = r.Status
			}
			x.because(semantics.ClientMalformed)
			x.status(code)
			c.refuse(code)
			return 0, false
		}
		if n > 0 {
			return n, true
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(min(c.p.limits.Head, x.lis.ClientData))
		}
		if c.conn.Full() && !c.conn.Grow() {
			x.because(semantics.ClientMalformed)
			x.status(http1.StatusHeadTooLarge)
			c.refuse(http1.StatusHeadTooLarge)
			return 0, false
		}
		c.conn.ReadUntil(deadline)
		got, err := c.conn.Fill()
		c.received(int64(got))
		switch {
		case err == nil:
		case netio.IsTimeout(err):
			x.because(semantics.ClientTimeout)
			x.status(http1.StatusRequestTimeout)
			c.refuse(http1.StatusRequestTimeout)
			return 0, false
		default: // the client left in the middle of it
			x.because(semantics.ClientAborted)
			c.shard.RequestErrors.Add(1)
			return 0, false
		}
	}
}

// write sends to the client. A client that takes nothing for its data timeout, or
// is gone, gives semantics.ErrClientGone.
func (c *client) write(p []byte, idle time.Duration) error {
	n, err := c.conn.Write(p, idle)
	c.sent(int64(n))
	if err != nil {
		return c.lost(err)
	}
	return nil
}

// lost is what a failed write to the client means.
func (c *client) lost(err error) error {
	if netio.IsTimeout(err) {
		c.stalled.Store(true)
	}
	return semantics.ErrClientGone
}
