package conn

import (
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/http1"
	"lbd/dataplane/live"
	"lbd/dataplane/netio"
	"lbd/dataplane/proxyproto"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// exchange is one request and its answer. It is borrowed from a pool for exactly
// that long.
type exchange struct {
	c   *client
	lis *table.Listener // the version this request is served by

	request  http1.Request // valid until encodeRequest
	asked    semantics.Asked
	pool     *table.Pool
	response http1.Response // points into server's buffer
	headLen  int            // of response, still in that buffer
	toClient http1.Framing  // of the answer's body
	chunks   http1.Chunked  // of the answer's body

	out  []byte         // the request as it goes to the member; kept until an answer begins
	ans  []byte         // what is ready for the client
	body semantics.Body // of the request

	member  *table.Member
	server  *netio.Conn
	reused  bool // server came from the pool
	heard   bool // at least one byte came from server
	counted bool // as a request that was answered
	session table.Session
	policy  *live.Policy // that decided; nil: none
	tried   table.Tried
	upload  *upload

	log           *accesslog.Entry // nil: the listener logs nothing
	entry         *accesslog.Entry // its memory, kept
	logIn, logOut int64            // the connection's bytes before this request

	start time.Time // when the request's head was complete

	poll time.Duration // how long one wait for the member lasts
}

// forward sends the request to a member and the answer to the client. It reports
// whether the client's connection can carry another request.
func (x *exchange) forward() (keep bool) {
	x.poll = min(pollEvery, x.lis.MemberData)
	whole := x.body.Done // the request can be sent again from out
	retried := false
	for {
		if err := x.connect(); err != nil {
			if retried { // what was tried first is the cause
				x.because(semantics.MemberClosed)
				return x.fault(502, err)
			}
			return x.fault(503, err)
		}
		sent := time.Now()
		n, err := x.server.Write(x.out, x.lis.MemberData)
		if err == nil && !whole {
			x.startUpload()
		}
		if err == nil || n > 0 {
			// A member that refuses early answers before it stops reading: its
			// answer may be there although the write failed.
			written := err == nil
			if err = x.answerHead(); err == nil {
				x.member.Live.Latency.Add(time.Since(sent))
				if x.log != nil {
					x.log.Heard(x.response.Status, time.Now())
				}
				x.response.KeepAlive = x.response.KeepAlive && written
				return x.relay()
			}
		}
		if retried || !x.retry(err, n, whole) {
			return x.broken(err)
		}
		retried = true
	}
}

// retry decides whether the request is sent once more after err, n bytes of it
// having been given to the kernel. Never when anything of an answer came, and
// only when all of it is still in out. What cannot have reached the member may
// always be repeated; the rest only if it is idempotent. A connection from the
// pool may have been closed while it was idle: the same member gets another
// chance. A fresh one was refused by the member: another one is tried.
func (x *exchange) retry(err error, n int, whole bool) bool {
	sent := semantics.Sent{Bytes: n, Whole: whole, Heard: x.heard, Idempotent: x.asked.Idempotent}
	if x.upload != nil || netio.IsTimeout(err) || !sent.MayRepeat(err) {
		return false
	}
	if x.c.ctx.Err() != nil {
		return false
	}
	if !x.reused {
		x.tried.Add(x.member)
	}
	x.dropServer()
	return true
}

// connect finds a member that takes a connection: an idle one of the picked
// member, or a new one; on failure the next member.
func (x *exchange) connect() error {
	again := x.reused // the connection before was stale: take no second chance from the pool
	for range semantics.MaxConnects {
		m := x.pool.Pick(x.c.remote, &x.session, &x.tried)
		if m == nil {
			return semantics.ErrNoMember
		}
		x.member, x.reused, x.heard = m, false, false
		m.Live.Begin()
		if !again && !x.pool.Private() {
			if s := x.takeIdle(m); s != nil {
				x.server, x.reused = s, true
				x.pool.Bind(&x.session, m)
				x.linked()
				return nil
			}
		}
		s, err := x.reach(m, again)
		if err == nil {
			x.server = s
			x.pool.Bind(&x.session, m)
			x.linked()
			return nil
		}
		m.Live.End()
		x.member = nil
		if x.c.ctx.Err() != nil {
			return semantics.ErrClientGone
		}
		x.tried.Add(m)
	}
	return semantics.ErrNoMember
}

// introduce tells a member who its client is.
func (c *client) introduce(s *netio.Conn, p *table.Pool, within time.Duration) error {
	var buf [proxyproto.MaxLen]byte
	_, err := s.Write(p.Prelude(buf[:0], c.remote, c.local), within)
	return err
}

// dropServer closes the server side, if there is one.
func (x *exchange) dropServer() {
	if x.server != nil {
		x.server.Close()
		x.server.Release()
		x.server = nil
	}
	if x.member != nil {
		x.member.Live.End()
		x.member = nil
	}
}

// keepServer puts the server side back for the next request.
func (x *exchange) keepServer() {
	if x.server.IsStream() { // its line is shared as it is
		x.dropServer()
		return
	}
	x.member.Live.PutIdle(x.server, x.member.Addr)
	x.member.Live.End()
	x.server, x.member = nil, nil
}

// broken answers for a member whose answer did not come or could not be read,
// before anything was sent to the client.
func (x *exchange) broken(err error) (keep bool) {
	if err == semantics.ErrMemberCanceled && x.c.http2 { // a code of HTTP/2, which this client understands
		x.blame(err)
		if !x.counted {
			x.c.shard.Requests.Add(1)
		}
		return x.cutShort(err)
	}
	if code := semantics.Status(err); code != 0 {
		return x.fault(code, err)
	}
	return x.abort()
}

// abort ends an exchange that the client has left.
func (x *exchange) abort() (keep bool) {
	if x.c.stalled.Load() {
		x.because(semantics.ClientTimeout)
	}
	x.because(semantics.ClientAborted)
	x.c.shard.RequestErrors.Add(1)
	x.stopUpload()
	x.dropServer()
	x.c.conn.Abort()
	return false
}

// cutShort ends an exchange whose answer broke after a part of it was sent on:
// the client must see that it is not complete, and who gave it up.
func (x *exchange) cutShort(err error) (keep bool) {
	x.stopUpload()
	x.dropServer()
	if err == semantics.ErrMemberCanceled {
		x.c.conn.Cancel()
	} else {
		x.c.conn.Abort()
	}
	return false
}
