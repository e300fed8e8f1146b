package conn

import (
	"context"
	"time"

	"lbd/dataplane/h2"
	"lbd/dataplane/netio"
	"lbd/dataplane/semantics"
)

// carrier lets package h2 use the client's connection. Bytes are counted on the
// streams, as HTTP/1.1 would have them.
type carrier struct{ c *netio.Conn }

func (t carrier) Read(p []byte) (int, error) {
	if len(t.c.Buffered()) == 0 {
		if _, err := t.c.Fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.c.Buffered())
	t.c.Discard(n)
	return n, nil
}

func (t carrier) Write(p []byte, idle time.Duration) (int, error) { return t.c.Write(p, idle) }
func (t carrier) SetReadDeadline(d time.Time)                     { t.c.ReadUntil(d) }
func (t carrier) Linger()                                         { t.c.Linger() }
func (t carrier) Abort()                                          { t.c.Abort() }

// speaksHTTP2 reports whether the client chose HTTP/2 in its handshake.
func (c *client) speaksHTTP2() bool {
	st := c.conn.TLS()
	return st != nil && st.NegotiatedProtocol == h2.Protocol
}

// serveStreams runs an HTTP/2 connection to its end.
func (c *client) serveStreams() {
	m := h2.New(carrier{c.conn}, h2.Config{
		Handle: c.serveStream, Limits: c.p.lim, Hello: c.p.limits.Head, Idle: c.p.limits.KeepAlive,
		Write: c.src.Load().ClientData, Counters: c.p.streams,
		Slow: func(p *semantics.Pace, wait time.Duration, n int) bool {
			return p.Slow(wait, n, c.src.Load().ClientData, &c.p.limits)
		},
	})
	c.streams.Store(m)
	if c.draining.Load() { // it came before the line above
		m.Drain()
	}
	m.Serve()
	c.conn.Close()
	c.conn.Release()
}

// serveStream serves one request of an HTTP/2 connection like a connection of its own.
func (c *client) serveStream(s *h2.Stream) {
	defer func() {
		if p := recover(); p != nil {
			s.Abort()
			c.p.panicked(p)
		}
	}()
	sc := &client{
		p: c.p, conn: netio.NewStreamConn(s, c.remote, c.local, c.p.pools), src: c.src, shard: c.shard,
		remote: c.remote, local: c.local, peer: c.peer, http2: true, tls: c.tls,
	}
	sc.ctx, sc.cancel = context.WithCancel(c.ctx)
	defer sc.cancel()
	sc.serve()
}
