package tether

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	// maxPromised and maxOpen bound what peers can make a server keep. Each of
	// the few nodes of a cluster has one tether; the rest is room for restarts.
	maxPromised = 64
	maxOpen     = 64
	// tokenLife is how long a token waits for its connection.
	tokenLife = 10 * time.Second
	// tokenWithin bounds the time from the connection to its token.
	tokenWithin = 2 * time.Second
	dialWithin  = 500 * time.Millisecond
	// keepAlive ends the server's end of a connection to a machine that is off;
	// that says nothing about the holder.
	keepAlive = 5 * time.Second
)

// Key signs the segments.
type Key [32]byte

// Token tells whose tether a connection is. It is good for one connection.
type Token [16]byte

// Target is where to tie a tether to. It travels between members only.
type Target struct {
	Addr  netip.AddrPort
	Key   Key
	Token Token
}

// Server is a voter's end.
type Server struct {
	ln  net.Listener
	key Key

	mu       sync.Mutex
	promised map[Token]promise     // guarded by mu
	open     map[net.Conn]struct{} // guarded by mu
	closed   bool                  // guarded by mu
	wg       sync.WaitGroup
}

type promise struct {
	ended func()
	until time.Time
}

// Listen opens the server's end on a free port of host; empty: all addresses.
func Listen(host string) (*Server, error) {
	var key Key
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return listen(host, key)
}

func listen(host string, key Key) (*Server, error) {
	s := &Server{key: key, promised: map[Token]promise{}, open: map[net.Conn]struct{}{}}
	lc := net.ListenConfig{Control: control(netip.Addr{}, s.key), KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: keepAlive, Interval: keepAlive / 4, Count: 4,
	}}
	var err error
	if s.ln, err = lc.Listen(context.Background(), "tcp", net.JoinHostPort(host, "0")); err != nil {
		return nil, fmt.Errorf("listen for tethers: %w", err)
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Expect returns the port, key and token for one connection. ended is called
// once if that connection is opened and then ends by a word of the other kernel,
// on a goroutine of its own; never when it merely breaks.
func (s *Server) Expect(ended func()) (port uint16, key Key, token Token, err error) {
	if _, err := rand.Read(token[:]); err != nil {
		return 0, key, token, fmt.Errorf("make token: %w", err)
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, p := range s.promised {
		if now.After(p.until) {
			delete(s.promised, t)
		}
	}
	if s.closed || len(s.promised) >= maxPromised || len(s.open) >= maxOpen {
		return 0, key, token, errors.New("no room for a tether")
	}
	s.promised[token] = promise{ended, now.Add(tokenLife)}
	return uint16(s.ln.Addr().(*net.TCPAddr).Port), s.key, token, nil
}

func (s *Server) accept() {
	for {
		c, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(tokenWithin / 20) // out of descriptors, most likely
			continue
		}
		s.mu.Lock()
		if s.closed || len(s.open) >= maxOpen {
			s.mu.Unlock()
			c.Close()
			continue
		}
		s.open[c] = struct{}{}
		s.wg.Go(func() { s.watch(c) })
		s.mu.Unlock()
	}
}

// watch waits for the end of one connection.
func (s *Server) watch(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		c.Close()
	}()
	var token Token
	if c.SetReadDeadline(time.Now().Add(tokenWithin)) != nil {
		return
	}
	if _, err := io.ReadFull(c, token[:]); err != nil {
		return
	}
	s.mu.Lock()
	p, ok := s.promised[token]
	delete(s.promised, token)
	s.mu.Unlock()
	if !ok || c.SetReadDeadline(time.Time{}) != nil {
		return
	}
	// The answer tells the holder that it is tied; nothing else is ever sent in
	// this direction, for a kernel that closes a connection with unread data
	// resets it instead.
	if _, err := c.Write(token[:1]); err != nil {
		return
	}
	// Only the end of the stream counts: a reset may come from a living process.
	if n, err := c.Read(token[:]); n == 0 && errors.Is(err, io.EOF) {
		p.ended()
	}
}

// Close ends all connections and waits for the goroutines, hence for calls of
// ended that are under way.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := s.ln.Close()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// Conn is the holder's end of a tether.
type Conn struct{ f *os.File }

// Tie opens the holder's end and returns when the server knows whose it is. Its
// descriptor is minFD or above, because their order decides what the kernel takes
// down first when the process dies. The caller must not close the connection
// before nothing is held any more: closing says so.
func Tie(ctx context.Context, t Target, minFD int) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	d := net.Dialer{Control: control(t.Addr.Addr().Unmap(), t.Key), KeepAlive: -1}
	addr := netip.AddrPortFrom(t.Addr.Addr().Unmap(), t.Addr.Port())
	n, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("tie to %s: %w", t.Addr, err)
	}
	c, err := above(n.(*net.TCPConn), minFD)
	if err != nil {
		return nil, fmt.Errorf("tie to %s: %w", t.Addr, err)
	}
	deadline, _ := ctx.Deadline()
	err = c.f.SetDeadline(deadline)
	if err == nil {
		_, err = c.f.Write(t.Token[:])
	}
	if err == nil {
		_, err = io.ReadFull(c.f, make([]byte, 1))
	}
	if err == nil {
		err = c.f.SetDeadline(time.Time{})
	}
	if err != nil {
		c.Untie() // the server may have read the token
		return nil, fmt.Errorf("tie to %s: %w", t.Addr, err)
	}
	return c, nil
}

// Wait returns when the other end is gone or this one is let go.
func (c *Conn) Wait() {
	_, _ = c.f.Read(make([]byte, 1)) // nothing is ever sent
}

// Close says that the holder holds nothing any more.
func (c *Conn) Close() error { return c.f.Close() }

// Untie lets the tether go without saying anything: a reset is no statement.
func (c *Conn) Untie() {
	if raw, err := c.f.SyscallConn(); err == nil {
		_ = raw.Control(linger) // what cannot be reset is gone already
	}
	c.f.Close()
}
