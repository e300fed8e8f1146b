package h2member

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is what a closed Lines says.
var ErrClosed = errors.New("connections to members are closed")

// errUnusable is a connection that takes not even its first request.
var errUnusable = errors.New("the member takes no request")

// Line is a connection to a member that many requests share.
type Line struct {
	cc      *http.ClientConn
	streams atomic.Int32 // reserved or under way
}

// reserve makes room for a stream; free gives it back.
func (l *Line) reserve() bool {
	if l.streams.Add(1) <= lineStreams && l.cc.Reserve() == nil {
		return true
	}
	l.free()
	return false
}

func (l *Line) free() { l.streams.Add(-1) }

// Lines are the lines to all members, by what tells them apart: the member, how it
// is spoken to, and what for. For any number of goroutines.
type Lines[K comparable] struct {
	t *http.Transport

	mu     sync.Mutex
	of     map[K]*place // guarded by mu; those without a line go when another is made
	closed bool         // guarded by mu
}

// place is what is known of one key.
type place struct {
	turn  chan struct{} // size 1: whoever has it makes a connection
	lines []*Line       // guarded by Lines.mu; the newest last
	plain time.Time     // guarded by Lines.mu; until when it speaks HTTP/1.1
	users int           // guarded by Lines.mu; who waits for its turn, or has it
}

// New makes Lines that allow a member heads of up to head bytes.
func New[K comparable](head int) *Lines[K] { return newLines[K](head, idleTime) }

func newLines[K comparable](head int, idle time.Duration) *Lines[K] {
	t := &http.Transport{
		DialContext:        handedOver,
		DisableCompression: true, IdleConnTimeout: idle, MaxResponseHeaderBytes: int64(head),
		Protocols: new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: streamWindow, MaxReceiveBufferPerConnection: lineWindow,
			SendPingTimeout: quietTime, PingTimeout: answerTime, WriteByteTimeout: takeTime,
		},
	}
	t.Protocols.SetUnencryptedHTTP2(true) // TLS is spoken already
	return &Lines[K]{t: t, of: make(map[K]*place)}
}

// connKey is for the connection that a Transport is to use.
type connKey struct{}

func handedOver(ctx context.Context, _, _ string) (net.Conn, error) {
	return ctx.Value(connKey{}).(net.Conn), nil
}

// Take gives a stream on a line of k that is there, or nil.
func (l *Lines[K]) Take(k K) *Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.of[k]
	if p == nil {
		return nil
	}
	live := p.lines[:0]
	var got *Stream
	for _, line := range p.lines {
		if got == nil && line.reserve() {
			got = newStream(line)
		}
		if line.cc.Err() == nil {
			live = append(live, line)
		}
	}
	clear(p.lines[len(live):])
	p.lines = live
	return got
}

// Turn waits until it is the caller's turn to make a connection for k: many that come
// at once share the first one's. release must be called, and Take tried before a
// connection is made. A member that was heard to speak HTTP/1.1 has no queue.
func (l *Lines[K]) Turn(ctx context.Context, k K) (release func(), err error) {
	l.mu.Lock()
	p := l.of[k]
	if p == nil {
		l.sweep()
		p = &place{turn: make(chan struct{}, 1)}
		l.of[k] = p
	}
	if l.closed {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	if time.Now().Before(p.plain) {
		l.mu.Unlock()
		return func() {}, nil
	}
	p.users++
	l.mu.Unlock()
	left := func() {
		l.mu.Lock()
		p.users--
		l.mu.Unlock()
	}
	select {
	case p.turn <- struct{}{}:
		return func() { <-p.turn; left() }, nil
	case <-ctx.Done():
		left()
		return nil, ctx.Err()
	}
}

// Plain notes that k's member has chosen HTTP/1.1.
func (l *Lines[K]) Plain(k K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.of[k]; p != nil {
		p.plain = time.Now().Add(plainTime)
	}
}

// Add makes c, on which the member has chosen HTTP/2, a line of k and gives its first
// stream. c is the line's, also on failure.
func (l *Lines[K]) Add(k K, c net.Conn) (*Stream, error) {
	cc, err := l.t.NewClientConn(context.WithValue(context.Background(), connKey{}, c), "http", "member:80")
	if err != nil {
		c.Close()
		return nil, err
	}
	line := &Line{cc: cc}
	if !line.reserve() {
		cc.Close()
		return nil, errUnusable
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.of[k]
	if p == nil {
		p = &place{turn: make(chan struct{}, 1)}
		l.of[k] = p
	}
	if l.closed {
		cc.Close()
		return nil, ErrClosed
	}
	p.lines = append(p.lines, line)
	return newStream(line), nil
}

// sweep forgets keys of which nothing is left. l.mu is held.
func (l *Lines[K]) sweep() {
	now := time.Now()
	for k, p := range l.of {
		open := p.users > 0 || now.Before(p.plain)
		for _, line := range p.lines {
			open = open || line.cc.Err() == nil
		}
		if !open {
			delete(l.of, k)
		}
	}
}

// Open is how many lines there are, for metrics.
func (l *Lines[K]) Open() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.of {
		for _, line := range p.lines {
			if line.cc.Err() == nil {
				n++
			}
		}
	}
	return n
}

// Close ends all lines, and those that would be made.
func (l *Lines[K]) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for k, p := range l.of {
		for _, line := range p.lines {
			line.cc.Close()
		}
		delete(l.of, k)
	}
}
