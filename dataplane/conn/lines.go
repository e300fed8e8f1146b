package conn

import (
	"context"
	"io"
	"net"
	"net/netip"
	"time"

	"lbd/dataplane/h2member"
	"lbd/dataplane/live"
	"lbd/dataplane/netio"
	"lbd/dataplane/table"
)

// lineKey tells connections apart over which members are spoken to in HTTP/2.
type lineKey struct {
	member *live.Member
	addr   netip.AddrPort
	origin
}

// reach gives a connection to m: a stream of a line where the pool offers HTTP/2 and
// the member takes it, else one of its own. An upgrade is HTTP/1.1's alone. again: the
// one before was refused or stale, so that a line that is there is no second chance.
func (x *exchange) reach(m *table.Member, again bool) (*netio.Conn, error) {
	if !x.pool.TLS.OffersHTTP2() || x.asked.WebSocket {
		return x.dial(m, false)
	}
	lines := x.c.p.lines
	k := lineKey{m.Live, m.Addr, origin{x.pool.TLS, x.sni()}}
	ctx, cancel := context.WithTimeout(x.c.ctx, x.lis.MemberConnect)
	defer cancel()
	if !again {
		if s := lines.Take(k); s != nil {
			x.reused = true
			return x.streamConn(s), nil
		}
	}
	release, err := lines.Turn(ctx, k)
	if err != nil {
		return nil, err
	}
	defer release()
	if !again { // whoever had the turn before has made one
		if s := lines.Take(k); s != nil {
			return x.streamConn(s), nil
		}
	}
	c, err := x.dial(m, true)
	if err != nil {
		return nil, err
	}
	if c.TLS().NegotiatedProtocol != h2member.Protocol {
		lines.Plain(k)
		return c, nil
	}
	c.ReadUntil(time.Time{}) // that of connecting is over, and a line has none of its own
	s, err := lines.Add(k, lineConn{c})
	if err != nil {
		return nil, err
	}
	return x.streamConn(s), nil
}

func (x *exchange) streamConn(s *h2member.Stream) *netio.Conn {
	return netio.NewStreamConn(s, netip.AddrPort{}, netip.AddrPort{}, x.c.p.pools)
}

// lineConn lets net/http use a connection to a member. It is written to by one
// goroutine at a time, and read by one.
type lineConn struct{ c *netio.Conn }

func (l lineConn) Read(p []byte) (int, error) {
	if len(l.c.Buffered()) == 0 {
		if _, err := l.c.Fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.c.Buffered())
	l.c.Discard(n)
	return n, nil
}

// lineTake is how long a member may take nothing of what is written.
const lineTake = 30 * time.Second

func (l lineConn) Write(p []byte) (int, error) { return l.c.Write(p, lineTake) }

// Close ends a Read as well; what is buffered goes with the collector, since the
// reader may have it.
func (l lineConn) Close() error {
	l.c.Close()
	return nil
}

func (l lineConn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(l.c.Local()) }

func (l lineConn) RemoteAddr() net.Addr               { return net.TCPAddrFromAddrPort(l.c.Remote()) }
func (l lineConn) SetDeadline(t time.Time) error      { return l.SetReadDeadline(t) }
func (l lineConn) SetReadDeadline(t time.Time) error  { l.c.ReadUntil(t); return nil }
func (l lineConn) SetWriteDeadline(t time.Time) error { return nil } // every write has its own bound

var _ io.ReadWriteCloser = lineConn{}
