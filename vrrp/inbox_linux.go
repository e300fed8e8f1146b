package vrrp

import (
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// inbox is what a packet socket receives, of the messages that decode knows.
type inbox struct {
	conn   *packet.Conn
	decode func(frame []byte) (heard, bool)
	buf    [1514]byte // the reader's
	late   [1514]byte // of who calls waiting
}

func (b *inbox) read() (heard, error) {
	for {
		n, _, err := b.conn.ReadFrom(b.buf[:])
		if err != nil {
			return heard{}, err
		}
		if h, ok := b.decode(b.buf[:n]); ok {
			return h, nil
		}
	}
}

func (b *inbox) waiting() (heard, bool) {
	for {
		frame, ok := receive(b.conn, b.late[:])
		if !ok {
			return heard{}, false
		}
		if h, ok := b.decode(frame); ok {
			return h, true
		}
	}
}

func (b *inbox) readUntil(t time.Time) error { return b.conn.SetReadDeadline(t) }

func (b *inbox) close() error { return b.conn.Close() }

// receive what a socket has, into buf, without waiting.
func receive(c *packet.Conn, buf []byte) (frame []byte, ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, false
	}
	// Not raw.Read: that waits for who is reading.
	n := -1
	err = raw.Control(func(fd uintptr) {
		for {
			var err error
			if n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT); err != unix.EINTR {
				return
			}
		}
	})
	if err != nil || n < 0 {
		return nil, false
	}
	return buf[:n], true
}
