package netio

import (
	"net/netip"
	"time"
)

// Stream is a byte stream that has no socket of its own: one of many on a
// connection. Its peer is looked after by whoever makes it.
type Stream interface {
	Read(p []byte) (int, error)
	// Write gives up when the peer takes nothing for idle (> 0).
	Write(p []byte, idle time.Duration) (int, error)
	SetReadDeadline(t time.Time)
	// Close ends it; an answer that is complete stays so. Abort resets it as broken,
	// Cancel as given up.
	Close() error
	Abort()
	Cancel()
	// Gone reports whether the peer has given it up.
	Gone() bool
}

// forever stands for no bound where a Stream needs one.
const forever = 1 << 62 * time.Nanosecond

// NewStreamConn makes s look like a connection from remote to local.
func NewStreamConn(s Stream, remote, local netip.AddrPort, pools *Pools) *Conn {
	return &Conn{stream: s, remote: remote, local: local, pools: pools}
}

// IsStream reports whether c has no socket of its own.
func (c *Conn) IsStream() bool { return c.stream != nil }

// fillStream is Fill of a Conn on a Stream.
func (c *Conn) fillStream() (int, error) {
	b := c.in
	if b == nil {
		b = c.pools.Small()
	}
	n, err := c.stream.Read(b.Mem[b.W:])
	if n > 0 {
		b.W += n
		c.in = b
		return n, nil
	}
	if c.in == nil {
		c.pools.Return(b)
	}
	return 0, err
}

func (c *Conn) writeStream(p []byte, idle time.Duration) (int, error) {
	if idle <= 0 {
		idle = forever
	}
	return c.stream.Write(p, idle)
}

func (c *Conn) setReadDeadline(t time.Time) {
	if c.stream != nil {
		c.stream.SetReadDeadline(t)
		return
	}
	_ = c.tcp.SetReadDeadline(t)
}
