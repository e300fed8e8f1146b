package evhttp

import (
	"time"

	"lbd/dataplane/http1"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/rewrite"
	"lbd/dataplane/route"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// exchange is one request and its answer. It is borrowed for exactly that long.
type exchange struct {
	lis *table.Listener // the version this request is served by

	request  http1.Request // valid until begin
	asked    semantics.Asked
	pool     *table.Pool
	response http1.Response // points into the server's inbox
	toClient http1.Framing  // of the answer's body
	left     int64          // of the answer's body, with Length
	chunks   http1.Chunked  // of the answer's body

	out    []byte // the request as it goes to the member; kept until an answer begins
	sent   int    // of out
	body   semantics.Body
	up     *loop.Buf  // of the rest of the body: what the member does not take yet
	upPipe *loop.Pipe // the same, spliced; never both

	member  *table.Member
	server  *peer
	tried   table.Tried
	session table.Session
	policy  *live.Policy  // that decided; nil: none
	start   time.Duration // the head was complete; 0 where no latency is kept
	sentAt  time.Duration // the first bytes of the request went to the member
	tries   int8

	informational int8
	reused        bool // server came from the pool
	connecting    bool
	heard         bool // at least one byte came from server
	whole         bool // out is the whole request
	retried       bool
	started       bool // a part of the final answer was sent on
	keep          bool // the client's connection goes on after it
	upDone        bool // the whole request is with the member
	upFailed      bool // the member takes nothing more of it
	watched       bool // server is
	slow          bool // the client was full once
	upBulk        bool // the body comes faster than it is read: splice
	downBulk      bool // the same of the answer

	began    time.Duration  // the try to connect
	clientAt time.Duration  // the last piece of the body came
	pace     semantics.Pace // of a body of known length
	memberAt time.Duration  // the member last did something, or was given something
	finAt    time.Duration  // the client's FIN was seen, 0: not
}

// begin serves the request whose head, n bytes, has been read.
func (c *client) begin(n int) bool {
	x := c.x
	x.start = max(1, c.s.l.Now())
	if c.log != nil {
		c.log.entry.Request(&x.request, protocol(&x.request), time.Now())
	}
	if o, last := semantics.LastHop(&x.request); last {
		x.out = x.out[:0]
		return c.answer(&o, n)
	}
	v := x.lis.Route.Choose(&x.request, &c.peer)
	x.policy = x.lis.Decided(v.Policy)
	if c.log != nil {
		c.log.entry.Policy = v.Policy
	}
	if v.Kind != route.ToPool {
		return c.verdict(&v, n)
	}
	if v.Pool != nil && (v.Pool.TLS != nil || v.Pool.Private()) {
		return c.leave()
	}
	x.pool = v.Pool
	x.session = x.pool.Session(&x.request, c.peer.Remote.Addr())
	x.asked = semantics.Remember(&x.request)
	x.out = rewrite.AppendRequest(x.out[:0], &x.request, &rewrite.RequestOptions{
		Client: c.peer.Remote.Addr(), Local: c.peer.Local.Addr(), Forward: x.lis.Forward,
		HideCookie: x.pool.HiddenCookie(),
	})
	if err := c.takeBody(n); err != nil {
		return c.fail(err)
	}
	x.whole = x.body.Done
	return c.connect()
}

// takeBody is done with the head and puts what came with it of the body behind out.
func (c *client) takeBody(n int) (err error) {
	x := c.x
	x.body.Start(&x.request)
	c.in.consume(n) // nothing of the request is used from here on
	used := 0
	if !x.body.Done {
		x.clientAt = c.s.l.Now()
		used, x.out, err = x.body.Take(c.in.bytes(), x.out, max(semantics.OutSize, len(x.out)), &c.s.lim)
	}
	c.in.consume(used)
	return err
}

// verdict answers a request that its listener's rules send to no pool.
func (c *client) verdict(v *route.Verdict[*table.Pool], n int) bool {
	x := c.x
	o := semantics.Own{Code: http1.StatusForbidden}
	x.out = x.out[:0]
	if v.Kind == route.RedirectTo {
		c.because(semantics.Redirected)
		o.Code = v.Redirect.Code
		x.out = v.Redirect.AppendLocation(x.out, &x.request)
	}
	c.because(semantics.Rejected)
	return c.answer(&o, n)
}

// answer answers a request without a member; x.out is o's Location. The
// connection goes on when the whole body came with the head: where the next
// request begins is known then.
func (c *client) answer(o *semantics.Own, n int) bool {
	x := c.x
	location := len(x.out)
	x.asked = semantics.Remember(&x.request)
	if err := c.takeBody(n); err != nil {
		return c.fail(err)
	}
	o.Location, o.Head = x.out[:location], x.asked.Head
	o.Keep = x.body.Done && x.asked.Keep && !c.draining
	c.shard.Requests.Add(1)
	c.own(o, x.body.Done)
	return true
}

// stepBusy goes on with the request and its answer.
func (c *client) stepBusy(budget *int) bool {
	if c.state == closed {
		return false
	}
	x := c.x
	if c.sock.Finished && !c.present(x) {
		return false
	}
	if x.connecting {
		return c.await()
	}
	moved := c.stepUp(budget)
	if c.x != x || c.state != busy {
		return true
	}
	if c.owes() {
		return moved
	}
	return c.stepDown(budget) || moved
}

// present looks after a client that has sent FIN: it may be a half-close, and is
// served for a while. A reset ends the exchange at once.
func (c *client) present(x *exchange) bool {
	if c.sock.Broken {
		c.abort()
		return false
	}
	if x.finAt == 0 {
		x.finAt = max(1, c.s.l.Now())
	}
	return true
}

// fail ends the exchange for err: the request is sent again, or the client gets
// an answer of ours, or sees that the one it has is not complete.
func (c *client) fail(err error) bool {
	x := c.x
	if x.started {
		if err == semantics.ErrClientGone {
			c.abort()
		} else {
			c.because(semantics.Reason(err))
			c.reset()
		}
		return false
	}
	sent := semantics.Sent{Bytes: x.sent, Whole: x.whole, Heard: x.heard, Idempotent: x.asked.Idempotent}
	if x.server != nil && !x.retried && sent.MayRepeat(err) && err != semantics.ErrClientTimeout && err != semantics.ErrClientFraming {
		x.retried = true
		if !x.reused {
			x.tried.Add(x.member)
		}
		x.dropServer(c.s)
		x.sent, x.upDone, x.upFailed, x.tries = 0, false, false, 0
		return c.connect()
	}
	code := semantics.Status(err)
	switch {
	case err == semantics.ErrNoMember && !x.retried:
		code = http1.StatusServiceUnavailable
	case err == semantics.ErrNoMember: // what was tried first is the cause
		c.because(semantics.MemberClosed)
	}
	c.because(semantics.Reason(err))
	if code == 0 {
		c.abort()
		return false
	}
	c.fault(code)
	return true
}

// fault answers a request that no member has answered.
func (c *client) fault(code int) {
	x := c.x
	complete := x.body.Done && (x.whole || c.requestSent())
	keep := complete && x.asked.Keep && !c.draining
	if code < 500 {
		x.start = 0
		c.shard.RequestErrors.Add(1)
	} else {
		c.shard.Requests.Add(1)
	}
	c.own(&semantics.Own{Code: code, Head: x.asked.Head, Keep: keep}, complete)
}
