package conn

import (
	"errors"
	"net"
	"time"

	"lbd/dataplane/http1"
	"lbd/dataplane/httpdate"
	"lbd/dataplane/route"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// appendOwn appends an answer of our own.
func (p *Proxy) appendOwn(dst []byte, o *semantics.Own) []byte {
	o.NodeLine, o.Date = p.nodeLine, httpdate.Line()
	return o.Append(dst)
}

// Refuse answers 503 to a connection that cannot be served at all, before
// anything is read, and leaves closing it to the caller. It does not block: the
// send buffer of a new connection is empty.
func (p *Proxy) Refuse(tcp *net.TCPConn) {
	_ = tcp.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	_, _ = tcp.Write(p.appendOwn(nil, &semantics.Own{Code: http1.StatusServiceUnavailable}))
	_ = tcp.CloseWrite()
}

// refuse answers a request that could not be read, counts it as an error and
// closes: where the next one would begin is not known.
func (c *client) refuse(code int) {
	c.shard.RequestErrors.Add(1)
	l := c.src.Load()
	own := semantics.Own{Code: code, Head: http1.AsksHead(c.conn.Buffered()), Strict: strict(l)}
	_ = c.write(c.p.appendOwn(nil, &own), l.ClientData)
	c.finish(false)
}

// fault answers a request that no member has answered.
func (x *exchange) fault(code int, err error) (keep bool) {
	x.blame(err)
	complete := x.stopUpload()
	x.dropServer()
	if errors.Is(err, semantics.ErrClientGone) {
		return x.abort()
	}
	keep = complete && x.asked.Keep && !x.c.draining.Load()
	switch {
	case code < 500:
		x.c.shard.RequestErrors.Add(1)
	case !x.counted:
		x.c.shard.Requests.Add(1)
	}
	x.status(code)
	x.ans = x.c.p.appendOwn(x.ans[:0], &semantics.Own{Code: code, Head: x.asked.Head, Keep: keep, Strict: strict(x.lis)})
	if x.flush() != nil {
		x.c.conn.Abort()
		return false
	}
	if code >= 500 {
		x.clock()
	}
	if !keep {
		x.c.finish(complete)
	}
	return keep
}

// verdict answers a request that its listener's rules send to no pool. n is the
// length of its head as it came.
func (x *exchange) verdict(v *route.Verdict[*table.Pool], n int) (keep bool) {
	own := semantics.Own{Code: http1.StatusForbidden}
	x.out = x.out[:0]
	if v.Kind == route.RedirectTo {
		x.because(semantics.Redirected)
		own.Code = v.Redirect.Code
		x.out = v.Redirect.AppendLocation(x.out, &x.request)
		own.Location = x.out
	}
	x.because(semantics.Rejected)
	return x.own(&own, n)
}

// metrics answers on a PROMETHEUS listener: GET and HEAD of /metrics.
func (x *exchange) metrics(n int) (keep bool) {
	own := semantics.Own{Code: http1.StatusNotFound}
	x.out = x.out[:0]
	if string(x.request.Path) == "/metrics" {
		switch string(x.request.Method) {
		case "GET", "HEAD":
			own.Code, own.Type, own.Body = http1.StatusOK, metricsType, x.c.p.metrics(x.lis.Metrics)
		default:
			own.Code, own.Allow = http1.StatusMethodNotAllowed, "GET, HEAD"
		}
	}
	x.because(semantics.Answered)
	return x.own(&own, n)
}

// metricsType is the media type of Prometheus' text format.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// own answers a request without a member. n is the length of its head as it came,
// x.out holds what own points to. The connection goes on when the whole body came
// with the head: where the next request begins is known then.
func (x *exchange) own(own *semantics.Own, n int) (keep bool) {
	x.asked = semantics.Remember(&x.request)
	x.body.Start(&x.request)
	x.c.conn.Discard(n) // nothing of the request is used from here on
	var err error
	if x.out, err = x.takeBody(x.out, cap(x.out)); err != nil {
		return x.fault(http1.StatusBadRequest, err)
	}
	keep = x.body.Done && x.asked.Keep && !x.c.draining.Load()
	x.c.shard.Requests.Add(1)
	x.status(own.Code)
	own.Head, own.Keep, own.Strict = x.asked.Head, keep, strict(x.lis)
	x.ans = x.c.p.appendOwn(x.ans[:0], own)
	if x.flush() != nil {
		return x.abort()
	}
	x.clock()
	if !keep {
		x.c.finish(x.body.Done)
	}
	return keep
}

// finish closes the client's connection after an answer. When there may be bytes
// of the client that nobody reads, it is given time to read the answer first: the
// reset that they cause would take it away.
func (c *client) finish(allRead bool) {
	if allRead && len(c.conn.Buffered()) == 0 {
		return // serve closes
	}
	c.received(c.conn.Linger())
}
