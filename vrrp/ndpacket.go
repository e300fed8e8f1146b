package vrrp

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
)

// Neighbour Discovery for IPv6 (RFC 4861) as far as it says who has an address:
// solicitations, which ask, and advertisements, which tell.

const (
	ndSolicitation  = 135 // ICMPv6 type, RFC 4861 section 4.3
	ndAdvertisement = 136 // section 4.4

	ndSourceLink = 1 // option: the sender's hardware address, section 4.6.1
	ndTargetLink = 2 // option: the target's

	ndSolicited = 1 << 6 // flags of an advertisement, first byte
	ndOverride  = 1 << 5

	ip6Header   = 40
	icmpV6      = 58
	ndBody      = 24 // type, code, checksum, flags, target
	ndLinkSize  = 8  // a link-layer option of Ethernet
	ndHopLimit  = 255
	etherHeader = 14
)

// allNodes is ff02::1 (RFC 4291 section 2.7.1).
var allNodes = netip.MustParseAddr("ff02::1")

// errND: not a valid message; RFC 4861 section 7.1 says to ignore it.
var errND = errors.New("not a Neighbour Discovery message")

// ndMessage is a solicitation or an advertisement.
type ndMessage struct {
	Advert    bool
	Src, Dst  netip.Addr
	Target    netip.Addr
	Link      net.HardwareAddr // of the option; nil without one
	Solicited bool             // adverts: it answers a question of Dst
	Override  bool             // adverts: caches shall take it over what they have
}

// solicitedNode is the multicast group in which an address is asked for: the
// last 24 bits of the address behind ff02::1:ff00:0 (RFC 4291 section 2.7.1).
func solicitedNode(a netip.Addr) netip.Addr {
	b := netip.MustParseAddr("ff02::1:ff00:0").As16()
	t := a.As16()
	copy(b[13:], t[13:])
	return netip.AddrFrom16(b)
}

// groupMAC is the Ethernet address of an IPv6 multicast group (RFC 2464 section 7).
func groupMAC(group netip.Addr) net.HardwareAddr {
	b := group.As16()
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// marshal is the IPv6 packet, 64 or 72 bytes.
func (m ndMessage) marshal() []byte {
	n := ndBody
	if m.Link != nil {
		n += ndLinkSize
	}
	b := make([]byte, ip6Header+n)
	b[0] = 6 << 4
	binary.BigEndian.PutUint16(b[4:], uint16(n))
	b[6], b[7] = icmpV6, ndHopLimit
	src, dst, target := m.Src.As16(), m.Dst.As16(), m.Target.As16()
	copy(b[8:], src[:])
	copy(b[24:], dst[:])
	p := b[ip6Header:]
	p[0] = ndSolicitation
	option := byte(ndSourceLink)
	if m.Advert {
		p[0], option = ndAdvertisement, ndTargetLink
		if m.Solicited {
			p[4] |= ndSolicited
		}
		if m.Override {
			p[4] |= ndOverride
		}
	}
	copy(p[8:], target[:])
	if m.Link != nil {
		p[ndBody], p[ndBody+1] = option, ndLinkSize/8
		copy(p[ndBody+2:], m.Link)
	}
	binary.BigEndian.PutUint16(p[2:], ^fold(sum16(p)+pseudoSum6(m.Src, m.Dst, icmpV6, n)))
	return b
}

// parseND decodes an IPv6 packet, which may have padding behind it, by the rules
// of RFC 4861 sections 7.1.1 and 7.1.2.
func parseND(b []byte) (ndMessage, error) {
	if len(b) < ip6Header+ndBody || b[0]>>4 != 6 || b[6] != icmpV6 || b[7] != ndHopLimit {
		return ndMessage{}, errND
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < ndBody || len(b) < ip6Header+n {
		return ndMessage{}, errND
	}
	m := ndMessage{Src: netip.AddrFrom16([16]byte(b[8:])), Dst: netip.AddrFrom16([16]byte(b[24:]))}
	p := b[ip6Header : ip6Header+n]
	m.Target = netip.AddrFrom16([16]byte(p[8:]))
	if p[1] != 0 || m.Target.IsMulticast() || fold(sum16(p)+pseudoSum6(m.Src, m.Dst, icmpV6, n)) != 0xffff {
		return ndMessage{}, errND
	}
	want := byte(ndSourceLink)
	switch p[0] {
	case ndSolicitation:
	case ndAdvertisement:
		want = ndTargetLink
		m.Advert, m.Solicited, m.Override = true, p[4]&ndSolicited != 0, p[4]&ndOverride != 0
		if m.Solicited && m.Dst.IsMulticast() {
			return ndMessage{}, errND
		}
	default:
		return ndMessage{}, errND
	}
	for o := p[ndBody:]; len(o) > 0; {
		if len(o) < 2 || o[1] == 0 || len(o) < 8*int(o[1]) {
			return ndMessage{}, errND
		}
		if o[0] == want && o[1] == ndLinkSize/8 {
			m.Link = append(net.HardwareAddr(nil), o[2:ndLinkSize]...)
		}
		o = o[8*int(o[1]):]
	}
	if !m.Advert && m.Src.IsUnspecified() && (m.Link != nil || m.Dst != solicitedNode(m.Target)) {
		return ndMessage{}, errND
	}
	return m, nil
}

// answer is what the owner of the target says to a solicitation: to the one who
// asked, or to all when he has no address yet (RFC 4861 section 7.2.4, RFC 4862
// section 5.4.3).
func (m ndMessage) answer(owner net.HardwareAddr) ndMessage {
	a := ndMessage{Advert: true, Src: m.Target, Dst: m.Src, Target: m.Target, Link: owner, Solicited: true, Override: true}
	if m.Src.IsUnspecified() {
		a.Dst, a.Solicited = allNodes, false
	}
	return a
}

// pseudoSum6 is the part of a checksum that covers IPv6's pseudo-header (RFC 8200
// section 8.1).
func pseudoSum6(src, dst netip.Addr, protocol uint32, length int) uint32 {
	s, d := src.As16(), dst.As16()
	return sum16(s[:]) + sum16(d[:]) + uint32(length) + protocol
}
