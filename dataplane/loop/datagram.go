package loop

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// BatchSize is how many datagrams one call moves at most.
	BatchSize = 64
	// DatagramSize of a slot, in bytes: no payload is longer (RFC 768: 65527 over
	// IPv6). Pages of a slot that no datagram was long enough for cost nothing.
	DatagramSize = 64 << 10
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// Datagrams are the slots of one call: payloads with the address each came from,
// or goes to.
type Datagrams struct {
	buf   []byte
	hdrs  [BatchSize]mmsghdr
	iovs  [BatchSize]unix.Iovec
	addrs [BatchSize]SockAddr
	used  int // slots that the next Receive has to make ready
}

// SockAddr is an address as the kernel writes it.
type SockAddr struct {
	sa  unix.RawSockaddrInet6 // or the shorter RawSockaddrInet4
	len uint32
}

// NewDatagrams makes BatchSize empty slots.
func NewDatagrams() *Datagrams {
	d := &Datagrams{buf: make([]byte, BatchSize*DatagramSize), used: BatchSize}
	for i := range d.hdrs {
		d.iovs[i].Base = &d.buf[i*DatagramSize]
		d.hdrs[i].hdr.Iov = &d.iovs[i]
		d.hdrs[i].hdr.SetIovlen(1)
	}
	return d
}

// Bytes is the payload in slot i.
func (d *Datagrams) Bytes(i int) []byte {
	return d.buf[i*DatagramSize : i*DatagramSize+int(d.iovs[i].Len)]
}

// Addr is where slot i came from; valid until the slot is used again.
func (d *Datagrams) Addr(i int) *SockAddr { return &d.addrs[i] }

// SendTo says where slot i goes.
func (d *Datagrams) SendTo(i int, a *SockAddr) { d.addrs[i] = *a }

// AddrPort is a in the form of the rest of the program.
func (a *SockAddr) AddrPort() netip.AddrPort {
	return addrPort((*unix.RawSockaddrAny)(unsafe.Pointer(&a.sa)))
}

// Receive fills slots with what waits in the socket fd, in one call. n < BatchSize:
// the socket is empty. errno is EAGAIN when nothing waits, or an error that an earlier
// datagram has met with.
func (l *Loop) Receive(fd int, d *Datagrams) (n int, errno syscall.Errno) {
	for i := range d.used {
		h := &d.hdrs[i].hdr
		d.iovs[i].SetLen(DatagramSize)
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&d.addrs[i].sa)), unix.SizeofSockaddrInet6
		h.Flags = 0
	}
	d.used = 0
	for {
		l.calls.Read++
		r, _, e := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&d.hdrs)), BatchSize, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			d.used = int(r)
			for i := range d.used {
				d.iovs[i].SetLen(int(d.hdrs[i].len))
				d.addrs[i].len = d.hdrs[i].hdr.Namelen
			}
			return d.used, 0
		case unix.EINTR:
		default:
			return 0, e
		}
	}
}

// Send sends the slots from first up to, not including, end out of the socket fd,
// each to its address, in one call as a rule. One that the kernel does not take is
// left out; lost counts them.
func (l *Loop) Send(fd int, d *Datagrams, first, end int) (lost int) {
	for i := first; i < end; i++ {
		h := &d.hdrs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&d.addrs[i].sa)), d.addrs[i].len
		h.Flags = 0
	}
	for first < end {
		l.calls.Write++
		r, _, e := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&d.hdrs[first])), uintptr(end-first), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch e {
		case 0:
			first += int(r)
		case unix.EINTR:
		case unix.EAGAIN: // no room: the others would not fit either
			return lost + end - first
		default: // the first of them was refused
			lost++
			first++
		}
	}
	return lost
}

// DialDatagram makes s a socket for datagrams to and from addr alone. It is not
// watched yet.
func (s *Sock) DialDatagram(l *Loop, addr netip.AddrPort, on Handler) error {
	fd, err := dial(l, addr, unix.SOCK_DGRAM)
	if err != nil {
		return err
	}
	s.Adopt(l, fd, on)
	return nil
}

// WatchReads registers the socket for what comes in and for errors, as long as
// there is something; a socket of datagrams would else tell of each one that has left.
func (s *Sock) WatchReads() error { return s.watch(unix.EPOLLIN) }

// ReceiveDatagram takes the next datagram into slot i. The socket is connected: who
// sent it is known, and a plain call that does not ask costs less than a batch of one.
func (s *Sock) ReceiveDatagram(d *Datagrams, i int) syscall.Errno {
	for {
		s.loop.calls.Read++
		r, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(d.iovs[i].Base)), DatagramSize, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			d.iovs[i].SetLen(int(r))
			return 0
		case unix.EINTR:
		default:
			return e
		}
	}
}

// SendDatagram sends p, which may be empty, as one datagram.
func (s *Sock) SendDatagram(p []byte) syscall.Errno {
	for {
		s.loop.calls.Write++
		_, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
		if e != unix.EINTR {
			return e
		}
	}
}

// ListenDatagram opens a socket for datagrams to addr, one of several that share
// them by the sender. freebind: the address need not be there yet. queue is how many
// bytes may wait in it; the kernel's bound is not ours where we may exceed it.
func ListenDatagram(addr netip.AddrPort, freebind bool, queue int) (fd int, err error) {
	a := addr.Addr().Unmap()
	family, level, free := unix.AF_INET, unix.IPPROTO_IP, unix.IP_FREEBIND
	if !a.Is4() {
		family, level, free = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return -1, fmt.Errorf("share port: %w", err)
	}
	if freebind {
		if err := unix.SetsockoptInt(fd, level, free, 1); err != nil {
			return -1, fmt.Errorf("bind an address that is not there: %w", err)
		}
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queue) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queue) // up to the kernel's bound
	}
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(addr.Port()), ZoneId: zone(a), Addr: a.As16()}
	if a.Is4() {
		sa = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: a.As4()}
	} else if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
		return -1, fmt.Errorf("take IPv6 only: %w", err)
	}
	if err := unix.Bind(fd, sa); err != nil {
		return -1, fmt.Errorf("listen %s: %w", addr, err)
	}
	return fd, nil
}
