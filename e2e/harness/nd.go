package harness

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Offsets into an Ethernet frame with a message of Neighbour Discovery (RFC 4861
// section 4.4).
const (
	ndNextHeader = 14 + 6
	ndDst        = 14 + 24
	ndType       = 14 + 40
	ndTarget     = ndType + 8
	ndOption     = ndType + 24
	ndFrameLen   = ndOption + 8
)

// ndMain is arpMain for IPv6: a solicitation every 5 ms, and who advertises.
func ndMain(args []string) error {
	dev, src, vip := args[0], netip.MustParseAddr(args[1]).As16(), netip.MustParseAddr(args[2]).As16()
	ifi, err := net.InterfaceByName(dev)
	if err != nil {
		return err
	}
	fd, to, err := packetSocket(ifi, unix.ETH_P_IPV6)
	if err != nil {
		return err
	}
	o := newOutput()
	question := ndQuestion(ifi.HardwareAddr, src, vip)
	go func() {
		for range time.Tick(probeEvery) {
			o.printf("%d ask -\n", Now())
			unix.Sendto(fd, question, 0, to)
		}
	}()
	return eachFrame(fd, func(b []byte, at time.Duration) {
		if len(b) < ndFrameLen || b[ndNextHeader] != 58 || b[ndType] != 136 || !bytes.Equal(b[ndTarget:ndTarget+16], vip[:]) {
			return
		}
		kind, mac := "answer", net.HardwareAddr(b[ndOption+2:ndOption+8])
		if b[ndDst] == 0xff {
			kind = "announce"
		}
		o.printf("%d %s %s\n", at, kind, mac)
	})
}

// ndQuestion is a solicitation for vip, from src, to the group of its question.
func ndQuestion(mac net.HardwareAddr, src, vip [16]byte) []byte {
	dst := netip.MustParseAddr("ff02::1:ff00:0").As16()
	copy(dst[13:], vip[13:])
	f := append([]byte{0x33, 0x33}, dst[12:]...)
	f = append(f, mac...)
	f = append(f, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255)
	f = append(f, src[:]...)
	f = append(f, dst[:]...)
	f = append(f, 135, 0, 0, 0, 0, 0, 0, 0)
	f = append(f, vip[:]...)
	f = append(f, 1, 1)
	f = append(f, mac...)
	sum := uint32(32 + 58) // length and protocol of the pseudo-header
	for b := f[14+8:]; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(f[ndType+2:], ^uint16(sum))
	return f
}
