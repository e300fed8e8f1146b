package conn

import (
	"time"

	"lbd/dataplane/netio"
	"lbd/dataplane/table"
	"lbd/dataplane/tlsterm"
)

// handshake begins a connection of a TLS listener; false ends it.
func (c *client) handshake() bool {
	l := c.src.Load()
	if l.TLS == nil {
		return true
	}
	peer, err := l.TLS.Handshake(c.conn)
	if err != nil {
		if netio.IsTimeout(err) {
			c.conn.Abort()
		} else {
			c.conn.Linger() // the alert that says why is on its way
		}
		c.conn.Release()
		return false
	}
	c.peer.TLS = peer
	c.usesTLS()
	return true
}

// strict is the Strict-Transport-Security line of a listener's answers, nil for none. Those
// of our own have it, too (RFC 6797 section 7.1): a redirect is often all that a client sees.
func strict(l *table.Listener) []byte {
	if l.TLS == nil {
		return nil
	}
	return l.TLS.HSTS
}

// origin is what a connection to a member was made for. Another pool's settings
// or another server name must not use it.
type origin struct {
	tls *tlsterm.Client
	sni string
}

// sni is the server name that members are asked for: what the client asked us.
func (x *exchange) sni() string {
	if x.c.peer.TLS == nil {
		return ""
	}
	return x.c.peer.TLS.ServerName
}

// takeIdle takes a connection of m that fits, or nil. One that does not is closed:
// the pool's settings have changed, or clients ask for different names.
func (x *exchange) takeIdle(m *table.Member) *netio.Conn {
	for {
		s := m.Live.TakeIdle(m.Addr)
		if s == nil {
			return nil
		}
		o, secured := s.Tag.(*origin)
		if x.pool.TLS == nil && !secured || secured && o.tls == x.pool.TLS && o.sni == x.sni() {
			return s
		}
		s.Close()
		s.Release()
	}
}

// dial connects to m within the time for connecting, handshake included. offers2:
// HTTP/2 may be chosen.
func (x *exchange) dial(m *table.Member, offers2 bool) (*netio.Conn, error) {
	deadline := time.Now().Add(x.lis.MemberConnect)
	s, err := netio.Dial(x.c.ctx, m.Addr, x.lis.MemberConnect, x.c.p.pools)
	if err == nil && x.pool.Private() {
		if err = x.c.introduce(s, x.pool, x.lis.MemberConnect); err != nil {
			s.Close()
			s.Release()
			s = nil
		}
	}
	if err != nil || x.pool.TLS == nil {
		return s, err
	}
	sni := x.sni()
	if err := x.pool.TLS.Handshake(s, sni, offers2, deadline); err != nil {
		s.Abort()
		s.Release()
		return nil, err
	}
	s.Tag = &origin{x.pool.TLS, sni}
	return s, nil
}
