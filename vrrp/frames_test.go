package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"golang.org/x/sys/unix"
)

// frames reads ARP or Neighbour Discovery with the time at which the kernel received it, so that a test
// process that waits for a CPU does not blame the one who sent.
type frames struct {
	fd     int
	v6     bool
	offset int64 // wall clock minus monotonic clock
	buf    [1514]byte
	oob    [128]byte
}

func (h *host) frames(v6 bool) *frames {
	h.t.Helper()
	f := &frames{v6: v6}
	h.do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		proto := uint16(networkOrder(etherARP))
		if v6 {
			proto = uint16(networkOrder(etherIPv6))
		}
		if f.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto)); err != nil {
			return fmt.Errorf("packet socket: %w", err)
		}
		return errors.Join(
			unix.Bind(f.fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifi.Index}),
			unix.SetsockoptInt(f.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			unix.SetsockoptTimeval(f.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}),
		)
	})
	f.offset = clock(unix.CLOCK_REALTIME) - Monotonic()
	return f
}

// read returns the next claim; ok is false for a message that is none, and an
// error comes when there was nothing for 50 ms.
func (f *frames) read() (c claim, ok bool, err error) {
	n, oobn, _, _, err := unix.Recvmsg(f.fd, f.buf[:], f.oob[:], 0)
	if err != nil {
		return claim{}, false, err
	}
	if c, ok = f.decode(f.buf[:n]); !ok {
		return claim{}, false, nil
	}
	msgs, err := unix.ParseSocketControlMessage(f.oob[:oobn])
	if err != nil {
		return claim{}, false, err
	}
	for _, m := range msgs {
		if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			sec, nsec := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			c.at = int64(sec)*1e9 + int64(nsec) - f.offset
			return c, true, nil
		}
	}
	return claim{}, false, errors.New("no timestamp")
}

func (f *frames) decode(b []byte) (claim, bool) {
	if f.v6 {
		h, ok := heardND(b)
		return claim{addr: h.claims, mac: h.mac.String(), reply: h.reply, gratu: h.toAll}, ok
	}
	var e ethernet.Frame
	var p arp.Packet
	if e.UnmarshalBinary(b) != nil || p.UnmarshalBinary(e.Payload) != nil {
		return claim{}, false
	}
	return claim{addr: p.SenderIP, mac: p.SenderHardwareAddr.String(), reply: p.Operation == arp.OperationReply, gratu: p.SenderIP == p.TargetIP}, true
}

func (f *frames) close() { _ = unix.Close(f.fd) }
