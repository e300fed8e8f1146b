package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// firstTLS is the first byte of every TLS connection: a handshake record.
// No HTTP method begins with it.
const firstTLS = 0x16

var errNoTLS = errors.New("tls is not configured")

// muxConn looks at the first byte, when net/http first reads, and serves TLS
// or plain accordingly. Looking lazily keeps Accept from waiting for a silent
// client, and lets net/http's read deadline cover the wait.
type muxConn struct {
	net.Conn
	tls       *tls.Config // nil refuses TLS
	handshake time.Duration
	release   func()

	first  sync.Once // guards the choice
	err    error     // of the choice
	secure atomic.Pointer[tls.Conn]
	inner  net.Conn // set by first
	closed sync.Once
}

func (c *muxConn) Read(p []byte) (int, error) {
	c.first.Do(c.choose)
	if c.err != nil {
		return 0, c.err
	}
	return c.inner.Read(p)
}

func (c *muxConn) choose() {
	var b [1]byte
	if _, err := c.Conn.Read(b[:]); err != nil {
		c.err = err
		return
	}
	replay := &replayConn{Conn: c.Conn, head: b[:]}
	if b[0] != firstTLS {
		c.inner = replay
		return
	}
	if c.tls == nil {
		c.err = errNoTLS
		return
	}
	t := tls.Server(replay, c.tls)
	c.secure.Store(t)
	c.inner = t
	ctx, cancel := context.WithTimeout(context.Background(), c.handshake)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.err = fmt.Errorf("tls handshake: %w", err)
	}
}

// Write is only called after a request was read, that is after choose.
func (c *muxConn) Write(p []byte) (int, error) {
	if t := c.secure.Load(); t != nil {
		return t.Write(p)
	}
	return c.Conn.Write(p)
}

func (c *muxConn) Close() error {
	c.closed.Do(c.release)
	if t := c.secure.Load(); t != nil {
		return t.Close()
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before it discards unread input.
func (c *muxConn) CloseWrite() error {
	if t := c.secure.Load(); t != nil {
		return t.CloseWrite()
	}
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return t.CloseWrite()
	}
	return nil
}

// replayConn gives head back before reading on.
type replayConn struct {
	net.Conn
	head []byte
}

func (c *replayConn) Read(p []byte) (int, error) {
	if len(c.head) > 0 && len(p) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// listener bounds the open connections. Beyond the bound a client gets a short
// 503 when it speaks plain HTTP, and a closed connection otherwise.
type listener struct {
	net.Listener
	tls       *tls.Config
	handshake time.Duration
	slots     chan struct{}
	refusing  chan struct{}
	metrics   *metrics
}

func newListener(l net.Listener, cfg *tls.Config, lim Limits, m *metrics) *listener {
	return &listener{
		Listener: l, tls: cfg, handshake: lim.Handshake,
		slots:    make(chan struct{}, lim.Connections),
		refusing: make(chan struct{}, maxRefusing),
		metrics:  m,
	}
}

// maxRefusing bounds the connections that wait for their refusal.
const maxRefusing = 32

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			l.metrics.open.Inc()
			return &muxConn{Conn: c, tls: l.tls, handshake: l.handshake, release: func() {
				l.metrics.open.Dec()
				<-l.slots
			}}, nil
		default:
			l.metrics.refused.WithLabelValues("connections").Inc()
			l.refuse(c)
		}
	}
}

const busyAnswer = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 80\r\n\r\n" +
	`{"faultcode": "Server", "faultstring": "Too many connections", "debuginfo":null}`

// refuse owns c from here on; its goroutine ends within refuseTime.
func (l *listener) refuse(c net.Conn) {
	select {
	case l.refusing <- struct{}{}:
	default:
		_ = c.Close() // refused already
		return
	}
	go func() {
		defer func() { <-l.refusing }()
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(refuseTime)); err != nil {
			return
		}
		var b [4096]byte
		if n, err := c.Read(b[:]); err != nil || n == 0 || b[0] == firstTLS {
			return
		}
		_, _ = c.Write([]byte(busyAnswer)) // refused either way
	}()
}

const refuseTime = 200 * time.Millisecond
