package conn

import (
	"errors"
	"net"
	"strconv"
	"time"

	"lbd/dataplane/http1"
)

// appendOwn appends an answer of our own. A body is for people who look at the
// bytes; HEAD gets its length only.
func (p *Proxy) appendOwn(dst []byte, code int, head, keep bool) []byte {
	text := http1.StatusText(code)
	if text == "" {
		text = "Error"
	}
	body := strconv.Itoa(code) + " " + text + "\n"
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, body[:len(body)-1]...)
	dst = append(dst, "\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"...)
	dst = append(dst, p.nodeLine...)
	if !keep {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	if !head {
		dst = append(dst, body...)
	}
	return dst
}

// Refuse answers 503 to a connection that cannot be served at all, before
// anything is read, and leaves closing it to the caller. It does not block: the
// send buffer of a new connection is empty.
func (p *Proxy) Refuse(tcp *net.TCPConn) {
	_ = tcp.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	_, _ = tcp.Write(p.appendOwn(nil, http1.StatusServiceUnavailable, false, false))
	_ = tcp.CloseWrite()
}

// refuse answers a request that could not be read, counts it as an error and
// closes: where the next one would begin is not known.
func (c *client) refuse(code int) {
	c.shard.RequestErrors.Add(1)
	_ = c.write(c.p.appendOwn(nil, code, false, false), c.src.Load().ClientData)
	c.finish(false)
}

// fault answers a request that no member has answered.
func (x *exchange) fault(code int, err error) (keep bool) {
	complete := x.stopUpload()
	x.dropServer()
	if errors.Is(err, errClientGone) {
		return x.abort()
	}
	keep = complete && x.asked.keep && !x.c.draining.Load()
	if code < 500 {
		x.c.shard.RequestErrors.Add(1)
	} else {
		x.c.shard.Requests.Add(1)
	}
	x.ans = x.c.p.appendOwn(x.ans[:0], code, x.asked.head, keep)
	if x.flush() != nil {
		x.c.conn.Abort()
		return false
	}
	if !keep {
		x.c.finish(complete)
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
	c.shard.BytesIn.Add(c.conn.Linger())
}
