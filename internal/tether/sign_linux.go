package tether

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrUnsupported is returned where the kernel cannot sign TCP segments.
var ErrUnsupported = errors.New("this kernel has no TCP MD5 signatures")

// md5sig is struct tcp_md5sig of linux/tcp.h.
type md5sig struct {
	addr      [128]byte // sockaddr_storage
	flags     uint8
	prefixLen uint8
	keyLen    uint16
	ifindex   int32
	key       [80]byte
}

const (
	tcpMD5SigExt        = 32 // TCP_MD5SIG_EXT: with flags
	tcpMD5SigFlagPrefix = 1
)

// sign makes the socket sign and demand signatures towards the addresses of p.
func sign(fd uintptr, six bool, p netip.Prefix, key Key) error {
	m := md5sig{flags: tcpMD5SigFlagPrefix, prefixLen: uint8(p.Bits()), keyLen: uint16(len(key))}
	copy(m.key[:], key[:])
	a := p.Addr()
	if six {
		*(*uint16)(unsafe.Pointer(&m.addr[0])) = unix.AF_INET6
		b := a.As16()
		copy(m.addr[8:], b[:])
	} else {
		*(*uint16)(unsafe.Pointer(&m.addr[0])) = unix.AF_INET
		b := a.Unmap().As4()
		copy(m.addr[4:], b[:])
	}
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, fd, unix.IPPROTO_TCP, tcpMD5SigExt, uintptr(unsafe.Pointer(&m)), unsafe.Sizeof(m), 0)
	switch errno {
	case 0:
		return nil
	case unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.ENOENT:
		return fmt.Errorf("%w: %w", ErrUnsupported, errno)
	}
	return fmt.Errorf("sign segments: %w", errno)
}

// control signs before the socket is bound or connected, towards to or, when it
// is not valid, towards everybody.
func control(to netip.Addr, key Key) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		six := network == "tcp6"
		var prefixes []netip.Prefix
		switch {
		case to.IsValid():
			prefixes = append(prefixes, netip.PrefixFrom(to, to.BitLen()))
		case six:
			prefixes = append(prefixes, netip.PrefixFrom(netip.IPv6Unspecified(), 0),
				netip.PrefixFrom(netip.AddrFrom16(netip.IPv4Unspecified().As16()), 0)) // IPv4 clients of a socket for both
		default:
			prefixes = append(prefixes, netip.PrefixFrom(netip.IPv4Unspecified(), 0))
		}
		var err error
		cerr := c.Control(func(fd uintptr) {
			for _, p := range prefixes {
				err = errors.Join(err, sign(fd, six, p, key))
			}
		})
		return errors.Join(cerr, err)
	}
}

// above moves a connection to a descriptor of at least fd, and closes c.
func above(c *net.TCPConn, fd int) (*Conn, error) {
	raw, err := c.SyscallConn()
	var high int
	if err == nil {
		var derr error
		err = raw.Control(func(old uintptr) { high, derr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, fd) })
		err = errors.Join(err, derr)
	}
	c.Close() // says nothing while there is another descriptor, or no token was sent
	if err != nil {
		return nil, fmt.Errorf("move to descriptor %d (limit of open files?): %w", fd, err)
	}
	return &Conn{os.NewFile(uintptr(high), "tether")}, nil
}

// linger makes the coming close a reset.
func linger(fd uintptr) {
	_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}
