package evhttp

import (
	"lbd/dataplane/http1"
	"lbd/dataplane/loop"
	"lbd/dataplane/semantics"
)

// sendUp writes to the member; an error means that it takes nothing any more.
func (c *client) sendUp(p []byte) (int, error) {
	n, errno := c.x.server.sock.Write(p)
	if n > 0 {
		c.x.memberAt = c.s.l.Now()
	}
	if errno != 0 {
		return n, semantics.ErrMemberWrite
	}
	return n, nil
}

// stepUp sends more of the request and reports whether more may follow.
func (c *client) stepUp(budget *int) bool {
	x := c.x
	if x.upDone || x.upFailed {
		return false
	}
	if x.sent < len(x.out) {
		if !x.server.sock.Writable {
			return false
		}
		n, err := c.sendUp(x.out[x.sent:])
		x.sent += n
		if err != nil {
			if x.sent == 0 {
				return c.fail(semantics.ErrMemberClosed)
			}
			c.upFails()
			return false
		}
		if x.sent < len(x.out) {
			return false
		}
	}
	if x.upStuck() && !c.flushUp() {
		return false
	}
	if x.body.Done {
		x.upDone = true
		return false
	}
	return c.stream(budget)
}

// upFails: the member takes nothing more of the request. One that refuses early
// answers before it stops reading: its answer may be there.
func (c *client) upFails() {
	x := c.x
	x.upFailed = true
	x.server.sock.Readable, x.server.sock.Finished = true, true
}

// upStuck reports whether the member has been given more than it takes.
func (x *exchange) upStuck() bool { return x.up != nil || x.upPipe != nil }

// flushUp sends what the member did not take before.
func (c *client) flushUp() bool {
	x := c.x
	if !x.server.sock.Writable {
		return false
	}
	var err error
	if x.upPipe != nil {
		if err = c.spliceUp(); err == nil && x.upPipe.Len() > 0 {
			return false
		}
	} else {
		var n int
		n, err = c.sendUp(x.up.Bytes())
		x.up.R += n
		if err == nil && x.up.R < x.up.W {
			return false
		}
	}
	c.s.l.Return(x.up)
	c.s.l.ReturnPipe(x.upPipe)
	x.up, x.upPipe = nil, nil
	x.clientAt = c.s.l.Now() // it was not waited for meanwhile
	if err != nil {
		c.upFails()
		return false
	}
	return true
}

// stream passes a piece of the body on.
func (c *client) stream(budget *int) bool {
	x := c.x
	if c.in.empty() {
		if x.upBulk && x.body.Framing == http1.Length && x.body.Left >= spliceRest && c.sock.Readable {
			if x.upPipe = c.s.l.LendPipe(); x.upPipe != nil {
				return c.streamPipe(budget)
			}
		}
		before := *budget
		if !c.fill(loop.ScratchSize, budget) {
			return false
		}
		x.upBulk = before-*budget >= loop.BulkRead
		now := c.s.l.Now()
		if x.body.Framing == http1.Length && x.pace.Slow(now-x.clientAt, before-*budget, x.lis.ClientData, &c.s.limits) {
			return c.fail(semantics.ErrClientTimeout)
		}
		x.clientAt = now
	}
	in := c.in.bytes()
	piece, used := in, 0
	if x.body.Framing == http1.Length {
		used = int(min(int64(len(in)), x.body.Left))
		piece = in[:used]
		x.body.Left -= int64(used)
		x.body.Done = x.body.Left == 0
	} else {
		var err error
		used, piece, err = x.body.Take(in, c.s.l.Enc[:0], cap(c.s.l.Enc), &c.s.lim)
		if err != nil {
			return c.fail(err)
		}
	}
	n, err := c.sendUp(piece)
	if err != nil {
		c.in.consume(used)
		c.upFails()
		return true
	}
	if n < len(piece) {
		x.up = c.s.l.Keep(piece[n:])
	}
	c.in.consume(used)
	return true
}
