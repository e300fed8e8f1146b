package netio

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is a TCP connection with a read buffer that exists only while there is
// something in it.
type Conn struct {
	tcp   *net.TCPConn
	raw   syscall.RawConn
	pools *Pools

	in   *Buf // nil while nothing is buffered
	bulk bool // the read before filled its buffer: the next one gets a large one

	// Arguments and results of the prebound callbacks below: a closure per read
	// would be an allocation per read.
	readFn  func(fd uintptr) bool
	readN   int
	readErr error
	peekFn  func(fd uintptr)
	peeked  PeerState
	peekBuf [1]byte

	rdl, wdl time.Time // deadlines as last set by their one owner

	sec     *secured    // the TLS layer; nil without one
	alerted atomic.Bool // an alert of TLS has ended the connection: nothing may follow it

	stream        Stream // instead of tcp; nil with a socket
	remote, local netip.AddrPort
	// Tag is the owner's, to tell connections apart.
	Tag any
}

// NewConn wraps tcp.
func NewConn(tcp *net.TCPConn, pools *Pools) (*Conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{tcp: tcp, raw: raw, pools: pools}
	c.readFn, c.peekFn = c.tryRead, c.tryPeek
	return c, nil
}

// Remote is the peer's address, with IPv4 in its own form.
func (c *Conn) Remote() netip.AddrPort {
	if c.stream != nil {
		return c.remote
	}
	return addrPort(c.tcp.RemoteAddr())
}

// Local is our address, with IPv4 in its own form.
func (c *Conn) Local() netip.AddrPort {
	if c.stream != nil {
		return c.local
	}
	return addrPort(c.tcp.LocalAddr())
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Buffered is what was read and not consumed. It is valid until the next Fill,
// Discard or Grow.
func (c *Conn) Buffered() []byte {
	if c.in == nil {
		return nil
	}
	return c.in.Mem[c.in.R:c.in.W]
}

// Unread gives a connection that was read by others what they did not use. Nothing
// may be buffered yet.
func (c *Conn) Unread(p []byte) {
	switch {
	case len(p) == 0:
		return
	case len(p) <= SmallSize:
		c.in = c.pools.Small()
	case len(p) <= LargeSize:
		c.in = c.pools.Large()
	default:
		c.in = &Buf{Mem: make([]byte, len(p))}
	}
	c.in.W = copy(c.in.Mem, p)
}

// Discard consumes n buffered bytes; the buffer goes back when it is empty.
func (c *Conn) Discard(n int) {
	if n == 0 {
		return
	}
	c.in.R += n
	if c.in.R == c.in.W {
		c.pools.Return(c.in)
		c.in = nil
	}
}

// Full reports whether Fill would have no room even after moving what is
// buffered to the front.
func (c *Conn) Full() bool {
	return c.in != nil && c.in.W-c.in.R == len(c.in.Mem)
}

// Grow moves what is buffered into a buffer of LargeSize. It reports whether
// that made room.
func (c *Conn) Grow() bool {
	if c.in == nil {
		c.in = c.pools.Large()
		return true
	}
	if len(c.in.Mem) >= LargeSize {
		return false
	}
	b := c.pools.Large()
	b.W = copy(b.Mem, c.in.Mem[c.in.R:c.in.W])
	c.pools.Return(c.in)
	c.in = b
	return true
}

// Fill waits until bytes arrive and reads them behind what is buffered, taking a
// buffer only then. n > 0 or err != nil; the end of the stream is io.EOF.
// The read deadline gives os.ErrDeadlineExceeded.
func (c *Conn) Fill() (n int, err error) {
	if c.in != nil && c.in.W == len(c.in.Mem) {
		if c.in.R == 0 {
			return 0, io.ErrShortBuffer
		}
		c.in.W = copy(c.in.Mem, c.in.Mem[c.in.R:c.in.W])
		c.in.R = 0
	}
	if c.sec != nil {
		return c.sec.fill()
	}
	if c.stream != nil {
		return c.fillStream()
	}
	if err := c.raw.Read(c.readFn); err != nil {
		return 0, unwrapOp(err)
	}
	return c.readN, c.readErr
}

// tryRead is called by the poller with the descriptor. It must not block.
func (c *Conn) tryRead(fd uintptr) bool {
	b := c.in
	if b == nil {
		if c.bulk {
			b = c.pools.Large()
		} else {
			b = c.pools.Small()
		}
	}
	n, err := readFD(int(fd), b.Mem[b.W:])
	if n > 0 {
		b.W += n
		c.bulk = b.W == len(b.Mem)
		c.in, c.readN, c.readErr = b, n, nil
		return true
	}
	if c.in == nil {
		c.pools.Return(b)
	}
	if err == syscall.EAGAIN {
		return false
	}
	c.readN, c.readErr = 0, err
	if err == nil {
		c.readErr = io.EOF
	}
	return true
}

func readFD(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// Write writes all of p. It gives up when the peer takes nothing for idle (0 waits
// without bound); a slow peer that goes on taking bytes is not cut off.
func (c *Conn) Write(p []byte, idle time.Duration) (int, error) {
	if c.sec != nil {
		return c.sec.write(p, idle)
	}
	if c.stream != nil {
		return c.writeStream(p, idle)
	}
	return c.write(p, idle)
}

func (c *Conn) write(p []byte, idle time.Duration) (int, error) {
	done := 0
	for {
		c.ArmWrite(idle)
		n, err := c.tcp.Write(p[done:])
		done += n
		if err == nil {
			return done, nil
		}
		if n > 0 && errors.Is(err, os.ErrDeadlineExceeded) && done < len(p) {
			c.wdl = time.Time{}
			continue
		}
		return done, unwrapOp(err)
	}
}

// unwrapOp drops net.OpError, whose text repeats addresses that callers add themselves.
func unwrapOp(err error) error {
	if err == io.EOF {
		return err
	}
	if op, ok := err.(*net.OpError); ok {
		return op.Err
	}
	return err
}

// IsTimeout reports whether err is a deadline that passed.
func IsTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
