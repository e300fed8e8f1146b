package raft

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/internal/peerca"
	"lbd/store/model"
)

// What a connection to the peer port is for.
const (
	protoRaft = "lbd-raft"
	protoPeer = "lbd-peer"
)

var errNoIdentity = errors.New("this node is not a member of a cluster yet")

// credentials of a member; replaced whole when the certificate is renewed.
type credentials struct {
	ca   *peerca.CA
	cert tls.Certificate
}

// mux is the peer port: it takes connections, checks that they come from a
// member of the cluster, and sorts them by protocol.
type mux struct {
	ln    net.Listener
	log   *slog.Logger
	dial  dialFunc
	creds atomic.Pointer[credentials]
	// nameOf gives the node expected at an address; nil or "" accepts any member.
	nameOf func(addr string) model.NodeID
	// refuses tells whose Raft messages are not taken; nil refuses none.
	refuses func(model.NodeID) bool

	raft *connQueue
	peer *connQueue
	sem  chan struct{} // bounds handshakes under way

	mu     sync.Mutex
	open   map[net.Conn]struct{} // guarded by mu; inbound Raft connections and handshakes, closed with the mux
	closed bool                  // guarded by mu
	wg     sync.WaitGroup
}

func newMux(ln net.Listener, dial dialFunc, log *slog.Logger) *mux {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	m := &mux{
		ln: ln, log: log, dial: dial, sem: make(chan struct{}, maxHandshakes), open: make(map[net.Conn]struct{}),
		raft: newConnQueue(ln.Addr()), peer: newConnQueue(ln.Addr()),
	}
	m.wg.Go(m.accept)
	return m
}

func (m *mux) close() {
	m.mu.Lock()
	m.closed = true
	m.ln.Close()
	for c := range m.open {
		c.Close()
	}
	m.mu.Unlock()
	m.raft.Close()
	m.peer.Close()
	m.wg.Wait()
}

func (m *mux) accept() {
	for {
		conn, err := m.ln.Accept()
		if err != nil {
			m.mu.Lock()
			closed := m.closed
			m.mu.Unlock()
			if closed || errors.Is(err, net.ErrClosed) {
				return
			}
			m.log.Warn("accept on the peer port", "err", err)
			time.Sleep(lookAgain) // out of descriptors, most likely
			continue
		}
		if hungUp(conn) {
			conn.Close()
			continue
		}
		select {
		case m.sem <- struct{}{}:
		default: // strangers only; members retry
			conn.Close()
			continue
		}
		if !m.track(conn) {
			conn.Close()
			<-m.sem
			return
		}
		m.wg.Go(func() {
			defer func() { <-m.sem }()
			m.sort(conn)
		})
	}
}

// sort authenticates a connection and queues it by its protocol.
func (m *mux) sort(raw net.Conn) {
	conn := tls.Server(raw, &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: m.serverConfig})
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		m.log.Debug("peer handshake", "from", raw.RemoteAddr().String(), "err", err)
		m.untrack(raw)
		raw.Close()
		return
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case protoRaft:
		if m.refused(conn) {
			m.untrack(raw)
			conn.Close()
			return
		}
		m.raft.put(&trackedConn{Conn: conn, raw: raw, m: m})
	case protoPeer:
		m.untrack(raw) // the HTTP server closes it
		m.peer.put(peerConn{conn})
	default:
		m.untrack(raw)
		conn.Close()
	}
}

// refused tells whether the node at the other end was exiled; over the peer
// protocol it is told so.
func (m *mux) refused(conn *tls.Conn) bool {
	c := m.creds.Load()
	if m.refuses == nil || c == nil {
		return false
	}
	id, err := c.ca.VerifyPeer(conn.ConnectionState().PeerCertificates, x509.ExtKeyUsageClientAuth, time.Now())
	return err != nil || m.refuses(model.NodeID(id))
}

// peerConn hides from net/http that the connection is TLS: its server closes TLS
// connections that have negotiated a protocol it does not know.
type peerConn struct{ *tls.Conn }

func (m *mux) serverConfig(*tls.ClientHelloInfo) (*tls.Config, error) {
	c := m.creds.Load()
	if c == nil {
		return nil, errNoIdentity
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protoRaft, protoPeer},
		Certificates: []tls.Certificate{c.cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.ca.Pool(),
		SessionTicketsDisabled: true, // every connection shows its certificate
		VerifyConnection: func(cs tls.ConnectionState) error {
			_, err := c.ca.VerifyPeer(cs.PeerCertificates, x509.ExtKeyUsageClientAuth, time.Now())
			return err
		},
	}, nil
}

// dialTLS opens an authenticated connection to the member at addr.
func (m *mux) dialTLS(ctx context.Context, addr, proto string) (net.Conn, error) {
	c := m.creds.Load()
	if c == nil {
		return nil, errNoIdentity
	}
	dctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := m.dial(dctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{proto}, Certificates: []tls.Certificate{c.cert},
		InsecureSkipVerify: true, // verified below: against the cluster's CA and by node id, not by address
		VerifyConnection: func(cs tls.ConnectionState) error {
			id, err := c.ca.VerifyPeer(cs.PeerCertificates, x509.ExtKeyUsageServerAuth, time.Now())
			if err != nil {
				return err
			}
			if m.nameOf == nil {
				return nil
			}
			if want := m.nameOf(addr); want != "" && want != model.NodeID(id) {
				return fmt.Errorf("node %s answers at %s, the address of %s", id, addr, want)
			}
			return nil
		},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

func (m *mux) track(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.open[c] = struct{}{}
	return true
}

func (m *mux) untrack(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, c)
}

// trackedConn leaves the mux's list when it is closed.
type trackedConn struct {
	net.Conn
	raw net.Conn
	m   *mux
}

func (c *trackedConn) Close() error {
	c.m.untrack(c.raw)
	return c.Conn.Close()
}

// connQueue is a net.Listener fed by the mux.
type connQueue struct {
	addr net.Addr
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newConnQueue(addr net.Addr) *connQueue {
	return &connQueue{addr: addr, ch: make(chan net.Conn, 8), done: make(chan struct{})}
}

// put waits for room until the queue is closed, but not longer than a handshake may take.
func (q *connQueue) put(c net.Conn) {
	t := time.NewTimer(handshakeTimeout)
	defer t.Stop()
	select {
	case q.ch <- c:
	case <-q.done:
		c.Close()
	case <-t.C:
		c.Close()
	}
}

func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.ch:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

func (q *connQueue) Close() error {
	q.once.Do(func() {
		close(q.done)
		for {
			select {
			case c := <-q.ch:
				c.Close()
			default:
				return
			}
		}
	})
	return nil
}

func (q *connQueue) Addr() net.Addr { return q.addr }

// raftStream is the library's view of the mux.
type raftStream struct {
	*connQueue
	m *mux
}

var _ hraft.StreamLayer = raftStream{}

// Dial implements hraft.StreamLayer.
func (s raftStream) Dial(addr hraft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), min(timeout, dialTimeout))
	defer cancel()
	return s.m.dialTLS(ctx, string(addr), protoRaft)
}
