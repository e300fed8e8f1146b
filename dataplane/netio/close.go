package netio

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Close ends the connection in both directions. What is buffered is kept until
// Release: another goroutine may be using it.
func (c *Conn) Close() error {
	if c.sec != nil {
		return c.sec.close()
	}
	if c.stream != nil {
		return c.stream.Close()
	}
	return c.tcp.Close()
}

// CloseWrite sends FIN and leaves the other direction open.
func (c *Conn) CloseWrite() error {
	if c.sec != nil {
		c.sec.closeNotify()
	}
	if c.stream != nil {
		return nil // its answer says where it ends
	}
	return c.tcp.CloseWrite()
}

// Abort resets the connection, so that the peer cannot take what it got for complete. Where
// an alert of TLS has said so, it is not lost to the reset.
func (c *Conn) Abort() {
	if c.stream != nil {
		c.stream.Abort()
		return
	}
	if !c.alerted.Load() {
		_ = c.tcp.SetLinger(0)
	}
	_ = c.tcp.Close()
}

// Cancel is Abort that says on a stream that the exchange was given up, not broken.
func (c *Conn) Cancel() {
	if c.stream != nil {
		c.stream.Cancel()
		return
	}
	c.Abort()
}

// Release gives the read buffer back. Only the owner calls it, at the very end.
func (c *Conn) Release() {
	c.pools.Return(c.in)
	c.in = nil
	if c.sec != nil {
		c.sec.release()
	}
}

// Linger closes after the peer had a chance to read our last bytes: FIN, then
// read and drop what it still sends, for a bounded time and amount.
// It returns how many bytes were dropped; with TLS it does not know.
func (c *Conn) Linger() (dropped int64) {
	if c.stream != nil {
		_ = c.stream.Close()
		return 0
	}
	defer c.tcp.Close()
	if err := c.CloseWrite(); err != nil {
		return 0
	}
	c.Release()
	if c.sec != nil { // what still comes is dropped unread, and so not counted
		c.sec = nil
		defer func() { dropped = 0 }()
	}
	c.ReadUntil(time.Now().Add(lingerTime))
	for dropped < lingerBytes {
		n, err := c.Fill()
		dropped += int64(n)
		c.Release()
		if err != nil {
			break
		}
	}
	return dropped
}

// PeerState is what the socket knows about the other end without reading.
type PeerState int

const (
	// PeerQuiet has sent nothing that is not read yet.
	PeerQuiet PeerState = iota
	// PeerData has sent bytes.
	PeerData
	// PeerFinished has sent FIN behind nothing more: half-closed or gone.
	PeerFinished
	// PeerGone has reset the connection, or we closed it.
	PeerGone
)

// Peek looks at the socket, one system call, without blocking. Buffered bytes do
// not count. One goroutine at a time.
func (c *Conn) Peek() PeerState {
	if c.stream != nil {
		if c.stream.Gone() {
			return PeerGone
		}
		return PeerQuiet
	}
	if c.sec != nil && (c.sec.wire != nil || c.sec.more) {
		return PeerData
	}
	c.peeked = PeerGone
	if c.raw.Control(c.peekFn) != nil {
		return PeerGone
	}
	return c.peeked
}

// peek is unix.Recvfrom without room for an address, which that allocates.
func peek(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, err := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	return int(n), err
}

func (c *Conn) tryPeek(fd uintptr) {
	n, err := peek(fd, c.peekBuf[:])
	for err == syscall.EINTR {
		n, err = peek(fd, c.peekBuf[:])
	}
	switch {
	case err == syscall.EAGAIN:
		c.peeked = PeerQuiet
	case err != 0:
		c.peeked = PeerGone
	case n == 0:
		c.peeked = PeerFinished
	case c.sec != nil && leaving(fd):
		c.peeked = PeerFinished
	default:
		c.peeked = PeerData
	}
}
