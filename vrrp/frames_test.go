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

// frames reads ARP with the time at which the kernel received it, so that a test
// process that waits for a CPU does not blame the one who sent.
type frames struct {
	fd     int
	offset int64 // wall clock minus monotonic clock
	buf    [1514]byte
	oob    [128]byte
}

func (h *host) arpFrames() *frames {
	h.t.Helper()
	f := &frames{}
	h.do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		proto := uint16(networkOrder(etherARP))
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

// read returns the next ARP packet; an error when none came for 50 ms.
func (f *frames) read() (*arp.Packet, int64, error) {
	n, oobn, _, _, err := unix.Recvmsg(f.fd, f.buf[:], f.oob[:], 0)
	if err != nil {
		return nil, 0, err
	}
	var e ethernet.Frame
	var p arp.Packet
	if err := errors.Join(e.UnmarshalBinary(f.buf[:n]), p.UnmarshalBinary(e.Payload)); err != nil {
		return nil, 0, err
	}
	msgs, err := unix.ParseSocketControlMessage(f.oob[:oobn])
	if err != nil {
		return nil, 0, err
	}
	for _, m := range msgs {
		if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			sec, nsec := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			return &p, int64(sec)*1e9 + int64(nsec) - f.offset, nil
		}
	}
	return nil, 0, errors.New("no timestamp")
}

func (f *frames) close() { _ = unix.Close(f.fd) }
