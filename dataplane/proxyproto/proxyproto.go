// Package proxyproto writes the PROXY protocol's header, which tells a member who
// the client is before the first byte of its stream (haproxy.org's
// proxy-protocol.txt, sections 2.1 and 2.2). No I/O, no allocation.
package proxyproto

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// MaxLen is the longest header written here.
const MaxLen = 108

// AppendV1 appends the text header for a TCP connection from src to dst. Families
// that differ, or an address that is not known, become UNKNOWN.
func AppendV1(b []byte, src, dst netip.AddrPort) []byte {
	s, d, ok := pair(src, dst)
	if !ok {
		return append(b, "PROXY UNKNOWN\r\n"...)
	}
	if s.Is4() {
		b = append(b, "PROXY TCP4 "...)
	} else {
		b = append(b, "PROXY TCP6 "...)
	}
	b = append(s.AppendTo(b), ' ')
	b = append(d.AppendTo(b), ' ')
	b = append(strconv.AppendUint(b, uint64(src.Port()), 10), ' ')
	b = strconv.AppendUint(b, uint64(dst.Port()), 10)
	return append(b, '\r', '\n')
}

var signature = [12]byte{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a}

const (
	version2 = 0x20
	local    = version2
	proxied  = version2 | 0x1
	tcp4     = 0x11
	tcp6     = 0x21
)

// AppendV2 appends the binary header for a TCP connection from src to dst. What
// AppendV1 calls unknown becomes a header without addresses.
func AppendV2(b []byte, src, dst netip.AddrPort) []byte {
	b = append(b, signature[:]...)
	s, d, ok := pair(src, dst)
	switch {
	case !ok:
		return append(b, proxied, 0, 0, 0)
	case s.Is4():
		x, y := s.As4(), d.As4()
		b = append(b, proxied, tcp4, 0, 12)
		b = append(append(b, x[:]...), y[:]...)
	default:
		x, y := s.As16(), d.As16()
		b = append(b, proxied, tcp6, 0, 36)
		b = append(append(b, x[:]...), y[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, src.Port())
	return binary.BigEndian.AppendUint16(b, dst.Port())
}

// AppendLocalV2 appends the binary header of a connection that the proxy makes for
// itself: a probe.
func AppendLocalV2(b []byte) []byte {
	return append(append(b, signature[:]...), local, 0, 0, 0)
}

// pair gives both addresses in one family, without zones.
func pair(src, dst netip.AddrPort) (s, d netip.Addr, ok bool) {
	s, d = src.Addr().Unmap().WithZone(""), dst.Addr().Unmap().WithZone("")
	return s, d, s.IsValid() && d.IsValid() && s.Is4() == d.Is4()
}
