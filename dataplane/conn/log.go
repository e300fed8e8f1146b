package conn

import (
	"crypto/tls"
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
)

// received and sent count bytes of the client's connection.
func (c *client) received(n int64) {
	c.shard.BytesIn.Add(n)
	c.in.Add(n)
}

func (c *client) sent(n int64) {
	c.shard.BytesOut.Add(n)
	c.out.Add(n)
}

// protocol is what the client speaks, as the access log names it.
func (c *client) protocol(r *http1.Request) string {
	switch {
	case c.http2:
		return "HTTP/2.0"
	case r.Minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// beginLog begins the entry of a request of which something is here, if its
// listener logs.
func (x *exchange) beginLog() {
	l := x.lis.Log
	if l == nil {
		return
	}
	if x.entry == nil {
		x.entry = new(accesslog.Entry)
	}
	x.log = x.entry
	c := x.c
	x.log.Begin(l, c.remote, c.local, time.Now())
	x.log.TLS = c.tls
	x.logIn, x.logOut = c.in.Load()-int64(len(c.conn.Buffered())), c.out.Load()
}

// logged ends the entry; why, unless a reason is known.
func (x *exchange) logged(why semantics.End) {
	if x.log == nil {
		return
	}
	x.log.Because(why)
	x.log.BytesIn = x.c.in.Load() - int64(len(x.c.conn.Buffered())) - x.logIn
	x.log.BytesOut = x.c.out.Load() - x.logOut
	x.log.Finish(int(x.c.remote.Port()), time.Now())
}

// linked notes the connection to the member.
func (x *exchange) linked() {
	if x.log != nil {
		x.log.Connected(x.pool.ID, x.member.ID(), x.member.Addr, x.reused, time.Now())
	}
}

// because notes why the request ends as it does.
func (x *exchange) because(why semantics.End) {
	if x.log != nil {
		x.log.Because(why)
	}
}

// blame is because for what ended an exchange.
func (x *exchange) blame(err error) {
	if x.log != nil {
		x.log.Because(semantics.Reason(err))
	}
}

// cutBy notes what broke an answer of which a part was sent on.
func (x *exchange) cutBy(err error) {
	switch err {
	case semantics.ErrMemberAnswer, semantics.ErrMemberTimeout:
		x.blame(err)
	default:
		x.because(semantics.MemberCut)
	}
}

// status notes the status of an answer of our own.
func (x *exchange) status(code int) {
	if x.log != nil {
		x.log.Status = code
	}
}

// usesTLS notes the version of the client's TLS.
func (c *client) usesTLS() {
	if st := c.conn.TLS(); st != nil {
		c.tls = tls.VersionName(st.Version)
	}
}
