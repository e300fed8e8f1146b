package evhttp

import (
	"time"

	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
)

// arm sets the timer to what the present state waits for. Putting it off is only
// a store: see the loop's wheel.
func (c *client) arm() {
	d, _ := c.deadline()
	c.s.l.Arm(&c.timer, c, max(1, d-c.s.l.Now()))
}

// deadline is when the present state has lasted too long, and what that means.
// A nil error: the connection just ends.
func (c *client) deadline() (time.Duration, error) {
	x := c.x
	switch c.state {
	case lingering:
		return c.since + lingerTime, nil
	case tunnel:
		return c.relay.Deadline(), nil
	case head:
		return c.since + min(c.s.limits.Head, x.lis.ClientData), semantics.ErrClientTimeout
	}
	if c.owes() { // the client takes nothing
		return c.blocked + c.door.Src.Load().ClientData, semantics.ErrClientGone
	}
	if c.state != busy {
		if c.hurried && c.read == 0 {
			return c.since + semantics.Newcomer, nil
		}
		return c.since + c.s.limits.KeepAlive, nil
	}
	if x.connecting {
		return x.began + x.lis.MemberConnect, semantics.ErrNoMember
	}
	d, err := x.memberAt+x.lis.MemberData, semantics.ErrMemberTimeout
	if !x.upDone && !x.upFailed && !x.upStuck() && x.sent == len(x.out) {
		// The request is not complete: the client's timeout counts, not the member's.
		return x.clientAt + x.lis.ClientData, semantics.ErrClientTimeout
	}
	if x.finAt > 0 {
		if fin := max(x.finAt, x.memberAt) + semantics.FinGrace; fin < d {
			return fin, semantics.ErrClientGone
		}
	}
	return d, err
}

// Expire implements loop.Expirer.
func (c *client) Expire() {
	if c.state == closed {
		return
	}
	d, err := c.deadline()
	if d > c.s.l.Now() {
		c.arm()
		return
	}
	switch {
	case c.state == tunnel:
		c.because(semantics.IdleTimeout)
		c.x.server.sock.Abort()
		c.reset()
		return
	case c.state == head:
		c.refuse(http1.StatusRequestTimeout)
	case err == nil:
		c.close()
		return
	case c.owes():
		c.because(semantics.ClientTimeout)
		c.abort()
		return
	case err == semantics.ErrNoMember:
		c.refused()
	case err == semantics.ErrClientGone && !c.sock.AtEnd():
		c.x.finAt = c.s.l.Now() // more requests came before its FIN: it may wait for them
	default:
		c.fail(err)
	}
	if c.state != closed {
		c.run()
	}
}
