package evhttp

import (
	"bytes"
	"syscall"
	"time"

	"lbd/dataplane/evtcp"
	"lbd/dataplane/http1"
	"lbd/dataplane/httpdate"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/route"
	"lbd/dataplane/semantics"
)

// client is one client connection. It belongs to its loop.
type client struct {
	s     *Server
	door  *evtcp.Door
	sock  loop.Sock
	timer loop.Timer
	shard *live.Shard
	peer  route.Client // the connection, as rules see it
	in    inbox
	out   *loop.Buf  // answers that the client does not take yet
	pipe  *loop.Pipe // what follows out, spliced
	x     *exchange  // from the first byte of a request on
	log   *logging   // nil: the listener logs nothing
	relay *evtcp.Relay
	read  int64 // bytes from the client so far
	wrote int64 // bytes for the client so far

	since    time.Duration // when the present state began
	timed    time.Duration // the start of an exchange whose answer is complete and not counted yet
	decided  *live.Policy  // the policy that decided it
	blocked  time.Duration // when the client last took something, while out is kept
	lingered int32
	state    state
	draining bool // the next answer is the last
	hurried  bool // there may be none
	rest     bool // bytes may come that nobody reads: linger
	again    bool // waits for another turn
	stray    bool // an empty line before the request was dropped
}

type state uint8

const (
	idle      state = iota
	head            // a part of a request's head is here
	busy            // a request is being served
	tunnel          // bytes are relayed
	closing         // the last answer has to leave
	lingering       // FIN is sent: the client may still be sending
	closed
)

// Drain implements live.Drainable.
func (c *client) Drain() {
	c.s.l.Post(func() {
		c.draining, c.hurried = true, true
		c.sock.Readable = true // what has come is served
		if c.state == idle && !c.again {
			c.again = true
			c.s.l.Again(c)
		}
	})
}

// leaves reports whether a connection that waits for a request ends instead.
func (c *client) leaves() bool {
	return c.hurried && c.state == idle && (c.read > 0 || c.s.l.Now() >= c.since+semantics.Newcomer)
}

// Retire implements live.Drainable.
func (c *client) Retire() { c.s.l.Post(func() { c.draining = true }) }

// Cut implements live.Drainable.
func (c *client) Cut() { c.s.l.Post(c.reset) }

// Ready implements loop.Handler.
func (c *client) Ready() {
	c.again = false
	if c.state != closed {
		c.run()
	}
}

// Panicked implements loop.Handler.
func (c *client) Panicked() { c.reset() }

// run goes on with whatever can go on.
func (c *client) run() {
	budget := turn
	for budget > 0 && c.step(&budget) {
	}
	if c.state == closed {
		return
	}
	if budget <= 0 && !c.again {
		c.again = true
		c.s.l.Again(c)
	}
	c.in.settle(c.s.l)
	if c.x != nil && c.x.server != nil {
		c.x.server.in.settle(c.s.l)
	}
	c.arm()
}

// step makes one step and reports whether another may be possible now.
func (c *client) step(budget *int) bool {
	if c.owes() && !c.flush() && c.state != busy {
		return false
	}
	switch c.state {
	case idle, head:
		return c.stepHead(budget)
	case busy:
		return c.stepBusy(budget)
	case tunnel:
		return c.stepTunnel(budget)
	case closing:
		c.finish()
		return c.state != closed
	case lingering:
		return c.stepLinger(budget)
	}
	return false
}

// owes reports whether the client has not taken all that is for it.
func (c *client) owes() bool { return c.out != nil || c.pipe != nil }

// flush sends what is kept for the client; false: it does not take all of it.
func (c *client) flush() bool {
	if !c.sock.Writable {
		return false
	}
	if c.out != nil {
		n, errno := c.sock.Write(c.out.Bytes())
		c.out.R += n
		if !c.sent(n, errno) || c.out.R < c.out.W {
			return false
		}
		c.s.l.Return(c.out)
		c.out = nil
	}
	if c.pipe != nil {
		n, errno := c.sock.SpliceOut(c.pipe)
		if !c.sent(n, errno) || c.pipe.Len() > 0 {
			return false
		}
		c.s.l.ReturnPipe(c.pipe)
		c.pipe = nil
	}
	c.clock()
	if c.x != nil {
		c.x.memberAt = c.s.l.Now() // the member was not waited for meanwhile
	}
	return true
}

// clock counts the time of an answer once all of it is with the client.
func (c *client) clock() {
	if c.timed > 0 && !c.owes() {
		took := c.s.l.Now() - c.timed
		c.shard.Latency.Add(took)
		c.decided.Answered(took)
		c.timed, c.decided = 0, nil
	}
}

// sent counts what the client took; false: it is gone.
func (c *client) sent(n int, errno syscall.Errno) bool {
	c.shard.BytesOut.Add(int64(n))
	if errno != 0 {
		c.abort()
		return false
	}
	if n > 0 {
		c.blocked = c.s.l.Now()
	}
	return true
}

// write sends p, keeping what the client does not take; false: the client is gone.
func (c *client) write(p []byte) bool {
	c.wrote += int64(len(p))
	n := 0
	if c.out == nil {
		var errno error
		n, errno = c.send(p)
		if errno != nil {
			c.abort()
			return false
		}
	}
	if n == len(p) {
		return true
	}
	if c.out == nil {
		c.out, c.blocked = c.s.l.Keep(p[n:]), c.s.l.Now()
		if c.x != nil {
			c.x.slow = true
		}
		return true
	}
	b := c.s.l.Lend(len(p) + c.out.W - c.out.R)
	b.W = copy(b.Mem, c.out.Bytes())
	b.W += copy(b.Mem[b.W:], p)
	c.s.l.Return(c.out)
	c.out = b
	return true
}

func (c *client) send(p []byte) (int, error) {
	n, errno := c.sock.Write(p)
	c.shard.BytesOut.Add(int64(n))
	if errno != 0 {
		return n, semantics.ErrClientGone
	}
	return n, nil
}

// fill reads from the client; false: nothing came, or what came was the end and
// has been dealt with.
func (c *client) fill(size int, budget *int) bool {
	if !c.sock.Readable {
		return false
	}
	n, errno := c.in.fill(c.s.l, &c.sock, c.s.l.Up, size)
	if n > 0 {
		c.shard.BytesIn.Add(int64(n))
		c.read += int64(n)
		*budget -= n
		return true
	}
	if ended(n, errno) {
		c.left()
	}
	return false
}

// left: the client has ended its side while we wanted to read.
func (c *client) left() {
	switch c.state {
	case head:
		c.shard.RequestErrors.Add(1)
		c.because(semantics.ClientAborted)
		c.close()
	case busy:
		c.fail(semantics.ErrClientGone)
	default:
		c.close()
	}
}

// stepHead reads a request head.
func (c *client) stepHead(budget *int) bool {
	if c.in.empty() {
		if !c.fill(headRead, budget) {
			if c.leaves() {
				c.close()
			}
			return false
		}
	}
	if c.state == idle {
		drop, waits := semantics.Stray(c.in.bytes(), &c.stray)
		c.in.consume(drop)
		if waits {
			return c.fill(headRead, budget)
		}
	}
	if c.x == nil {
		c.x = c.s.borrow()
		c.x.lis = c.door.Src.Load()
		c.beginLog()
	}
	n, err := c.x.request.Parse(c.in.bytes(), &c.s.lim)
	switch {
	case err != nil:
		code := http1.StatusBadRequest
		if r, ok := err.(*http1.Refusal); ok {
			code = r.Status
		}
		c.refuse(code)
		return true
	case n > 0:
		c.state = busy
		return c.begin(n)
	}
	if c.state == idle {
		c.state, c.since = head, c.s.l.Now()
	}
	if c.in.full() {
		c.refuse(http1.StatusHeadTooLarge)
		return true
	}
	return c.fill(headRead, budget)
}

// refuse answers a request that could not be read, counts it as an error and
// closes: where the next one would begin is not known.
func (c *client) refuse(code int) {
	c.shard.RequestErrors.Add(1)
	if code == http1.StatusRequestTimeout {
		c.because(semantics.ClientTimeout)
	}
	c.because(semantics.ClientMalformed)
	c.own(&semantics.Own{Code: code, Head: http1.AsksHead(c.in.bytes())}, false)
}

// own answers with an answer of ours, the last thing of an exchange.
func (c *client) own(o *semantics.Own, complete bool) {
	l := c.s.l
	o.NodeLine, o.Date = c.s.nodeLine, httpdate.Line()
	if c.x != nil {
		c.timed, c.decided = c.x.start, c.x.policy
	}
	c.endExchange()
	if c.log != nil {
		c.log.entry.Status = o.Code
	}
	if !c.write(o.Append(l.Enc[:0])) {
		return
	}
	c.logged(semantics.Answered)
	c.clock()
	c.next(o.Keep, complete)
}

// next is what follows an exchange whose answer has been written.
func (c *client) next(keep, complete bool) {
	if c.state == closed {
		return
	}
	c.since, c.stray = c.s.l.Now(), false
	if !keep || c.draining {
		c.rest = !complete
		c.state = closing
		return
	}
	c.state = idle
}

// endExchange lets go of the exchange.
func (c *client) endExchange() {
	if x := c.x; x != nil {
		c.x = nil
		x.dropServer(c.s)
		c.s.giveBack(x)
	}
}

// finish closes after the last answer has left. When there may be bytes of the
// client that nobody reads, it is given time to read the answer first: the reset
// that they cause would take it away.
func (c *client) finish() {
	if !c.rest && c.in.empty() {
		c.close()
		return
	}
	c.in.release(c.s.l)
	if c.sock.CloseWrite() != 0 {
		c.close()
		return
	}
	c.state, c.since = lingering, c.s.l.Now()
}

func (c *client) stepLinger(budget *int) bool {
	if !c.sock.Readable {
		return false
	}
	n, errno := c.sock.Read(c.s.l.Up[:headRead])
	c.shard.BytesIn.Add(int64(n))
	c.lingered += int32(n)
	*budget -= n
	if ended(n, errno) || c.lingered >= lingerBytes {
		c.close()
	}
	return n > 0 && c.state != closed
}

// close ends the connection.
func (c *client) close() { c.end(false) }

// reset ends the connection so that nothing looks complete.
func (c *client) reset() { c.end(true) }

func (c *client) end(cut bool) {
	if c.state == closed {
		return
	}
	c.state = closed
	l := c.s.l
	l.Disarm(&c.timer)
	if c.relay != nil {
		c.relay.Release()
	}
	c.endExchange()
	c.logged(semantics.Cut)
	c.in.release(l)
	l.Return(c.out)
	l.ReturnPipe(c.pipe)
	c.out, c.pipe = nil, nil
	if cut {
		c.sock.Abort()
	} else {
		c.sock.Close()
	}
	c.door.Leave(c)
}

// leave hands the connection over, before anything of its next request is used.
func (c *client) leave() bool {
	l := c.s.l
	h := HandedOver{FD: c.sock.Disown(), Read: bytes.Clone(c.in.bytes()), Door: c.door, Was: c}
	c.state = closed
	if c.log != nil {
		c.log.entry.Drop() // who takes over logs it
	}
	l.Disarm(&c.timer)
	c.endExchange()
	c.in.release(l)
	c.s.handOver(h)
	return false
}

// abort ends an exchange that the client has left.
func (c *client) abort() {
	c.because(semantics.ClientAborted)
	c.shard.RequestErrors.Add(1)
	c.reset()
}
