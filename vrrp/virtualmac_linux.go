package vrrp

import (
	"fmt"
	"net"
	"sync/atomic"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// hwAddr is a hardware address of Ethernet. The zero value stands for the link's
// own one.
type hwAddr [6]byte

// virtualMAC is a virtual router's (RFC 9568 section 7.3).
func virtualMAC(vrid uint8, v6 bool) hwAddr {
	if v6 {
		return hwAddr{0x00, 0x00, 0x5e, 0x00, 0x02, vrid}
	}
	return hwAddr{0x00, 0x00, 0x5e, 0x00, 0x01, vrid}
}

func (a hwAddr) String() string { return net.HardwareAddr(a[:]).String() }

// voice is the hardware address that VIPs are said to have on a link: the link's
// own, or a virtual one. There is no device for a virtual one: the gate puts it into
// what the kernel sends and takes what comes for it, both until the deadline alone;
// the network card is told to pass it by conn, which the kernel undoes when conn is
// closed, in whatever way this process ends.
//
// says may be called while become runs; become by one goroutine at a time.
type voice struct {
	conn  *packet.Conn
	index int
	now   atomic.Pointer[hwAddr] // nil: the link's own
}

// says is a hardware address instead of the link's own one.
func (v *voice) says(own net.HardwareAddr) net.HardwareAddr {
	if a := v.now.Load(); a != nil {
		return a[:]
	}
	return own
}

// become makes a what says returns, the zero value for the link's own.
func (v *voice) become(a hwAddr) error {
	var old hwAddr
	if p := v.now.Load(); p != nil {
		old = *p
	}
	if a == old {
		return nil
	}
	if a != (hwAddr{}) {
		if err := v.pass(unix.PACKET_ADD_MEMBERSHIP, a); err != nil {
			return fmt.Errorf("make the link pass %s: %w", a, err)
		}
		v.now.Store(&a)
	} else {
		v.now.Store(nil)
	}
	if old != (hwAddr{}) {
		_ = v.pass(unix.PACKET_DROP_MEMBERSHIP, old) // the link is gone, and it with it
	}
	return nil
}

func (v *voice) pass(option int, a hwAddr) error {
	rc, err := v.conn.SyscallConn()
	if err != nil {
		return err
	}
	m := unix.PacketMreq{Ifindex: int32(v.index), Type: unix.PACKET_MR_UNICAST, Alen: uint16(len(a))}
	copy(m.Address[:], a[:])
	var serr error
	if err := rc.Control(func(fd uintptr) {
		serr = unix.SetsockoptPacketMreq(int(fd), unix.SOL_PACKET, option, &m)
	}); err != nil {
		return err
	}
	return serr
}
