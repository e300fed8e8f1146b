package evhttp

import (
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
)

// logging is what a client whose listener logs has in addition.
type logging struct {
	entry       accesslog.Entry
	read, wrote int64 // of the connection, before this request
}

// beginLog begins the entry of a request of which something is here.
func (c *client) beginLog() {
	l := c.x.lis.Log
	if l == nil {
		c.log = nil
		return
	}
	if c.log == nil {
		c.log = new(logging)
	}
	c.log.entry.Begin(l, c.peer.Remote, c.peer.Local, time.Now())
	c.log.read, c.log.wrote = c.read-int64(len(c.in.bytes())), c.wrote
}

func protocol(r *http1.Request) string {
	if r.Minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// linked notes the connection to the member.
func (c *client) linked() {
	if c.log != nil {
		x := c.x
		c.log.entry.Connected(x.pool.ID, x.member.ID(), x.member.Addr, x.reused, time.Now())
	}
}

// heard notes the head of the final answer.
func (c *client) heard() {
	if c.log != nil {
		c.log.entry.Heard(c.x.response.Status, time.Now())
	}
}

// because notes why the request ends as it does.
func (c *client) because(why semantics.End) {
	if c.log != nil {
		c.log.entry.Because(why)
	}
}

// logged ends the entry, if one is open; why, unless a reason is known.
func (c *client) logged(why semantics.End) {
	if c.log == nil || !c.log.entry.Open() {
		return
	}
	e := &c.log.entry
	e.BytesIn, e.BytesOut = c.read-int64(len(c.in.bytes()))-c.log.read, c.wrote-c.log.wrote
	if c.relay != nil {
		e.BytesIn += c.relay.FromClient
		e.BytesOut += c.relay.ToClient
	}
	e.Because(why)
	e.Finish(c.s.number, time.Now())
}
