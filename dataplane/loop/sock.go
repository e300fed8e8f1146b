package loop

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sock is a non-blocking socket in a loop: TCP, or of datagrams. The flags say what is known of it;
// they are set by events and cleared by calls that would have blocked.
type Sock struct {
	loop *Loop
	on   Handler
	fd   int32

	Readable bool // a read may bring something
	Writable bool // a write may take something
	Finished bool // the peer sent FIN, or more: read to the end, a short read proves nothing
	Broken   bool // reset, or closed in both directions
	final    bool // the FIN is in the queue, no urgent data: a short read is the last one
	ended    bool // the last read has been
	nagle    bool // TCP_NODELAY is not set yet
	wrote    bool // something was written
	parked   bool
	stirred  bool
}

// watched is what sockets are registered for, once.
const watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET

// Adopt makes fd, which the loop then owns, a socket of the loop. It does not
// watch it yet: a try to read or write comes first, and spares an event.
func (s *Sock) Adopt(l *Loop, fd int, on Handler) {
	*s = Sock{loop: l, on: on, fd: int32(fd), Readable: true, Writable: true}
}

// Watch registers the socket for events. On failure the socket stays unwatched.
func (s *Sock) Watch() error { return s.watch(watched) }

func (s *Sock) watch(events uint32) error {
	l := s.loop
	for int(s.fd) >= len(l.slots) {
		l.slots = append(l.slots, make([]slot, max(256, len(l.slots)/2))...)
	}
	sl := &l.slots[s.fd]
	sl.gen++
	ev := unix.EpollEvent{Events: events, Fd: s.fd, Pad: int32(sl.gen)}
	l.calls.Connect++
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.ep), unix.EPOLL_CTL_ADD, uintptr(s.fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if errno != 0 {
		return fmt.Errorf("watch socket: %w", errno)
	}
	sl.sock = s
	l.conns.Add(1)
	return nil
}

// Open reports whether the socket has not been closed.
func (s *Sock) Open() bool { return s.fd > 0 }

// SetHandler gives the events to another handler.
func (s *Sock) SetHandler(on Handler) { s.on = on }

// Read reads once. n > 0, or what happened: EAGAIN when there is nothing yet,
// another errno, or n == 0 without one at the end of the stream.
func (s *Sock) Read(p []byte) (n int, errno syscall.Errno) {
	if s.ended {
		return 0, 0
	}
	for {
		s.loop.calls.Read++
		r, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
		switch e {
		case 0:
			// A short read has emptied the queue, unless an end is behind it.
			if int(r) < len(p) {
				s.ended = s.final
				s.Readable = s.Finished
			}
			return int(r), 0
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			s.Readable = false
		}
		return 0, e
	}
}

// Write writes what the socket takes. n < len(p) without an errno: it is full,
// and an event comes when it takes more.
func (s *Sock) Write(p []byte) (n int, errno syscall.Errno) {
	if s.nagle && (s.wrote || len(p) > oneSegment) {
		s.undelay()
	}
	for n < len(p) {
		q := p[n:]
		s.loop.calls.Write++
		w, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(q))), uintptr(len(q)), unix.MSG_NOSIGNAL, 0, 0)
		switch e {
		case 0:
			n += int(w)
			s.wrote = true
		case unix.EINTR:
		case unix.EAGAIN:
			s.Writable = false
			return n, 0
		default:
			return n, e
		}
	}
	return n, 0
}

// CloseWrite sends FIN and leaves the other direction open.
func (s *Sock) CloseWrite() syscall.Errno {
	s.loop.calls.Connect++
	_, _, e := syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(s.fd), unix.SHUT_WR, 0)
	return e
}

// Disown takes the socket out of the loop and gives its descriptor to the caller.
func (s *Sock) Disown() int {
	fd := int(s.fd)
	s.Mute()
	s.fd = -1
	s.Readable, s.Writable = false, false
	return fd
}

// Close ends the connection in both directions.
func (s *Sock) Close() {
	if s.fd <= 0 {
		return
	}
	l := s.loop
	if int(s.fd) < len(l.slots) && l.slots[s.fd].sock == s {
		l.slots[s.fd].sock = nil
		l.conns.Add(-1)
	}
	l.calls.Connect++
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(s.fd), 0, 0)
	s.fd = -1
	s.Readable, s.Writable = false, false
}

// Abort resets the connection, so that the peer cannot take what it got for complete.
func (s *Sock) Abort() {
	if s.fd <= 0 {
		return
	}
	_ = unix.SetsockoptLinger(int(s.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	s.Close()
}

// Silent looks at the receive queue, one system call: empty and not ended.
func (s *Sock) Silent() bool {
	_, errno := s.peek()
	return errno == unix.EAGAIN
}

// AtEnd looks at the receive queue, one system call: the peer's FIN, or a reset,
// is all that is left in it.
func (s *Sock) AtEnd() bool {
	n, errno := s.peek()
	return n == 0 && errno != unix.EAGAIN
}

func (s *Sock) peek() (int, syscall.Errno) {
	var b [1]byte
	for {
		s.loop.calls.Peek++
		r, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&b)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, e
		}
		return int(r), 0
	}
}

// Park marks a socket that nobody waits for. Unpark ends that and reports
// whether nothing has happened on it, as far as events of the present batch tell.
func (s *Sock) Park() { s.parked, s.stirred = true, false }

// Unpark is the counterpart of Park.
func (s *Sock) Unpark() (quiet bool) {
	s.parked = false
	return !s.stirred
}
