package loop

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Dial begins a connection to addr. The socket is not watched yet; a write on it
// says EAGAIN until it is connected, or why it failed.
func (s *Sock) Dial(l *Loop, addr netip.AddrPort, on Handler) error {
	fd, err := dial(l, addr, unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	s.Adopt(l, fd, on)
	s.Readable, s.nagle = false, true
	return nil
}

func dial(l *Loop, addr netip.AddrPort, kind uintptr) (int, error) {
	a := addr.Addr().Unmap()
	family := unix.AF_INET
	if !a.Is4() {
		family = unix.AF_INET6
	}
	l.calls.Connect += 2
	fd, _, errno := syscall.RawSyscall(unix.SYS_SOCKET, uintptr(family), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return -1, fmt.Errorf("open socket: %w", errno)
	}
	if a.Is4() {
		sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port(addr.Port()), Addr: a.As4()}
		_, _, errno = syscall.RawSyscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&sa)), unix.SizeofSockaddrInet4)
	} else {
		sa := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port(addr.Port()), Addr: a.As16(), Scope_id: zone(a)}
		_, _, errno = syscall.RawSyscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&sa)), unix.SizeofSockaddrInet6)
	}
	// EINTR: it goes on, as with EINPROGRESS.
	if errno != 0 && errno != unix.EINPROGRESS && errno != unix.EINTR {
		unix.Close(int(fd))
		return -1, fmt.Errorf("connect: %w", errno)
	}
	return int(fd), nil
}

// undelay sets TCP_NODELAY before the first write that Nagle's algorithm could
// hold back. The first small one never waits, and many connections carry no
// other: a call saved.
func (s *Sock) undelay() {
	s.nagle = false
	s.loop.calls.Connect++
	on := int32(1)
	// On failure bytes are late, not lost.
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(s.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, uintptr(unsafe.Pointer(&on)), 4, 0)
}
