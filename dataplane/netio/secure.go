package netio

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// secured is the TLS layer of a Conn. Above it a Conn is used as before: bytes
// are plain, and buffers exist only while there is something in them.
//
//	Fill ─► tls.Conn.Read ─► Read (one record at a time) ─► wire ─► socket
//
// tls.Conn is given bytes up to the end of a record and no more, so that it never
// holds ciphertext that a wait for the socket would not know of.
type secured struct {
	c    *Conn
	tls  *tls.Conn
	wire *Buf // ciphertext that was read and not taken; nil while there is none
	more bool // tls.Conn may hold plaintext: the read before filled its buffer
	bulk bool // the read before filled wire: the next one gets a large one

	head [recordHeader]byte // of the record being handed over
	seen int                // bytes of head that are there
	left int                // bytes of the record behind its head

	gate  Gate         // during the handshake; nil after it
	in    bool         // a place in gate is taken
	until time.Time    // of the handshake
	idle  atomic.Int64 // of writes; a time.Duration

	wireFn  func(fd uintptr) bool
	wireErr error
}

// recordHeader is the size of a TLS record's head: type, version, length.
const recordHeader = 5

// Gate admits what computes. A handshake leaves while it waits for the peer.
type Gate interface {
	// Enter waits for a place; it fails when the deadline passes or too many wait.
	Enter(deadline time.Time) error
	Leave()
}

// Secure makes c carry TLS: start gets the transport and gives the TLS end on it.
// It returns when the handshake is done, or failed for whatever reason, the
// deadline included. gate may be nil. The owner calls it before any Fill.
func (c *Conn) Secure(start func(net.Conn) *tls.Conn, deadline time.Time, gate Gate) error {
	s := &secured{c: c, gate: gate, until: deadline}
	s.wireFn = s.tryWire
	s.idle.Store(int64(time.Until(deadline)))
	s.tls = start(s)
	c.sec = s
	c.ReadUntil(deadline)
	defer func() {
		s.leave()
		s.gate = nil
	}()
	return s.tls.HandshakeContext(context.Background())
}

// enter and leave take and give the place of a handshake. A server's first step is
// to read: it enters when the client's first bytes are there.
func (s *secured) enter() error {
	if s.gate == nil || s.in {
		return nil
	}
	err := s.gate.Enter(s.until)
	s.in = err == nil
	return err
}

func (s *secured) leave() {
	if s.in {
		s.gate.Leave()
		s.in = false
	}
}

// TLS is the state of the TLS layer; nil without one.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.sec == nil {
		return nil
	}
	st := c.sec.tls.ConnectionState()
	return &st
}

// fill is Fill of a secured Conn.
func (s *secured) fill() (int, error) {
	c := s.c
	if !s.more && s.wire == nil {
		if err := s.fillWire(); err != nil { // waits without a buffer for plaintext
			return 0, err
		}
	}
	b := c.in
	if b == nil {
		if c.bulk {
			b = c.pools.Large()
		} else {
			b = c.pools.Small()
		}
	}
	n, err := s.tls.Read(b.Mem[b.W:])
	if n > 0 {
		b.W += n
		s.more = b.W == len(b.Mem)
		c.bulk = s.more
		c.in = b
		return n, nil
	}
	if c.in == nil {
		c.pools.Return(b)
	}
	s.more = false
	s.c.alerted.Store(fatal(err))
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// fatal reports whether tls.Conn has sent or got an alert that ends the connection
// (RFC 8446 section 6.2).
func fatal(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok { // it is too long, say
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "local error" || op.Op == "remote error")
}

// Read gives tls.Conn the rest of the present record, or a part of it.
func (s *secured) Read(p []byte) (int, error) {
	if s.wire == nil {
		s.leave()
		if err := s.fillWire(); err != nil {
			return 0, err
		}
		if err := s.enter(); err != nil {
			return 0, err
		}
	}
	want := s.left
	if s.left == 0 {
		want = recordHeader - s.seen
	}
	b := s.wire
	n := copy(p[:min(len(p), want)], b.Mem[b.R:b.W])
	if s.left > 0 {
		s.left -= n
	} else {
		s.seen += copy(s.head[s.seen:], b.Mem[b.R:b.R+n])
		if s.seen == recordHeader {
			s.left, s.seen = int(s.head[3])<<8|int(s.head[4]), 0
		}
	}
	if b.R += n; b.R == b.W {
		s.c.pools.Return(b)
		s.wire = nil
	}
	return n, nil
}

// fillWire waits for ciphertext, taking a buffer only when it is there.
func (s *secured) fillWire() error {
	if err := s.c.raw.Read(s.wireFn); err != nil {
		return unwrapOp(err)
	}
	return s.wireErr
}

// tryWire is called by the poller with the descriptor. It must not block.
func (s *secured) tryWire(fd uintptr) bool {
	var b *Buf
	if s.bulk {
		b = s.c.pools.Large()
	} else {
		b = s.c.pools.Small()
	}
	n, err := readFD(int(fd), b.Mem)
	if n > 0 {
		b.W = n
		s.bulk = n == len(b.Mem)
		s.wire, s.wireErr = b, nil
		return true
	}
	s.c.pools.Return(b)
	if err == unix.EAGAIN {
		return false
	}
	if s.wireErr = err; err == nil {
		// The stream ended without TLS having ended it: whoever reads must not take
		// what came for complete.
		s.wireErr = io.ErrUnexpectedEOF
	}
	return true
}

// Write sends ciphertext for tls.Conn. It holds tls.Conn's lock for writing, so
// that it is alone with the write deadline.
func (s *secured) Write(p []byte) (int, error) {
	return s.c.write(p, time.Duration(s.idle.Load()))
}

// write is Write of a secured Conn.
func (s *secured) write(p []byte, idle time.Duration) (int, error) {
	s.idle.Store(int64(idle))
	return s.tls.Write(p)
}

// closeNotify tells the peer that nothing more comes, without waiting for it.
func (s *secured) closeNotify() {
	if s.c.alerted.Load() {
		return
	}
	s.idle.Store(int64(noticeTime))
	_ = s.tls.CloseWrite() // a peer that takes nothing does not need to know
}

func (s *secured) close() error {
	if s.c.alerted.Load() {
		return s.c.tcp.Close()
	}
	s.idle.Store(int64(noticeTime))
	return s.tls.Close() // ends a Write under way, and then says nothing
}

func (s *secured) release() {
	s.c.pools.Return(s.wire)
	s.wire = nil
}

// leaving reports whether the peer has sent FIN, bytes of it unread or not: TLS
// says goodbye in a record before it.
func leaving(fd uintptr) bool {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.State == tcpCloseWait
}

// tcpCloseWait is TCP_CLOSE_WAIT of the kernel: the peer has finished sending.
const tcpCloseWait = 8

// The rest of net.Conn. tls.Conn sets deadlines of its own when it closes; ours
// are set by who uses the Conn.

func (s *secured) Close() error                     { return s.c.tcp.Close() }
func (s *secured) LocalAddr() net.Addr              { return s.c.tcp.LocalAddr() }
func (s *secured) RemoteAddr() net.Addr             { return s.c.tcp.RemoteAddr() }
func (s *secured) SetDeadline(time.Time) error      { return nil }
func (s *secured) SetReadDeadline(time.Time) error  { return nil }
func (s *secured) SetWriteDeadline(time.Time) error { return nil }
