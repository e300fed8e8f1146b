package evhttp

import (
	"golang.org/x/sys/unix"

	"lbd/dataplane/loop"
	"lbd/dataplane/semantics"
)

// Bodies of known length that come faster than they are read pass through a pipe:
// nothing behind the body can get into it, and nobody has to look at it.

// relayPipe moves a piece of an answer into p, which is empty, and on.
func (c *client) relayPipe(p *loop.Pipe, budget *int) bool {
	x, l := c.x, c.s.l
	n, errno := x.server.sock.SpliceIn(p, int(min(x.left, loop.PipeSize)))
	if n == 0 {
		l.ReturnPipe(p)
		if errno == unix.EAGAIN {
			return false
		}
		return c.memberEnded(errno == 0)
	}
	*budget -= n
	c.wrote += int64(n)
	x.left -= int64(n)
	x.memberAt, x.downBulk = l.Now(), n >= loop.TrickleRead
	c.pipe, c.blocked = p, l.Now()
	if x.left > 0 {
		return c.flush()
	}
	e := c.endAnswer()
	if !c.flush() && c.state == closed {
		return false
	}
	return c.answered(e)
}

// streamPipe moves a piece of a request's body into the empty pipe x.upPipe, and on.
func (c *client) streamPipe(budget *int) bool {
	x, l := c.x, c.s.l
	n, errno := c.sock.SpliceIn(x.upPipe, int(min(x.body.Left, loop.PipeSize)))
	if n == 0 {
		l.ReturnPipe(x.upPipe)
		x.upPipe = nil
		if errno != unix.EAGAIN {
			c.left()
		}
		return false
	}
	*budget -= n
	c.shard.BytesIn.Add(int64(n))
	c.read += int64(n)
	x.clientAt, x.upBulk = l.Now(), n >= loop.TrickleRead
	x.body.Left -= int64(n)
	x.body.Done = x.body.Left == 0
	return c.flushUp() || c.x == x && x.upFailed
}

// spliceUp gives the member what is in x.upPipe; an error means that it takes
// nothing any more.
func (c *client) spliceUp() error {
	n, errno := c.x.server.sock.SpliceOut(c.x.upPipe)
	if n > 0 {
		c.x.memberAt = c.s.l.Now()
	}
	if errno != 0 {
		return semantics.ErrMemberWrite
	}
	return nil
}
