package tlsterm

import (
	"crypto/tls"
	"net"
	"time"

	"lbd/dataplane/netio"
	"lbd/dataplane/route"
)

// Handshake makes a client's connection carry TLS and tells who is there. It ends
// within HandshakeTime.
func (s *Server) Handshake(c *netio.Conn) (*route.TLSPeer, error) {
	cfg := s.Config()
	err := c.Secure(func(t net.Conn) *tls.Conn { return tls.Server(t, cfg) }, time.Now().Add(HandshakeTime), s.gate)
	st := c.TLS()
	s.Counters.Done(st, err)
	if err != nil {
		return nil, err
	}
	return Peer(st), nil
}

// Handshake makes a connection to a member carry TLS. The member must be done by
// deadline. With offers2 it may choose HTTP/2, if the pool says so.
func (c *Client) Handshake(conn *netio.Conn, sni string, offers2 bool, deadline time.Time) error {
	cfg := c.Config(sni)
	if offers2 && c.OffersHTTP2() {
		cfg = c.both.Clone()
		cfg.ServerName = sni
	}
	return conn.Secure(func(t net.Conn) *tls.Conn { return tls.Client(t, cfg) }, deadline, nil)
}
