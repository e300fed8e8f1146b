package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

const (
	// Protocol is VRRP's IP protocol number (RFC 9568 section 5.1.1.4).
	Protocol = 112
	// MaxAdvertAddrs bounds the addresses of one advert. The count field has 8
	// bits, but common speakers refuse more than 20.
	MaxAdvertAddrs = 20
	// PriorityResign tells that the active router stops (section 5.2.4).
	PriorityResign = 0

	advertVersion = 3
	advertType    = 1
	advertHeader  = 8
	maxInterval   = 1<<12 - 1
)

// Group and Group6 are where adverts go (sections 5.1.1.2 and 5.1.2.2).
var (
	Group  = netip.AddrFrom4([4]byte{224, 0, 0, 18})
	Group6 = netip.MustParseAddr("ff02::12")
)

// Errors of ParseAdvert. All of them mean: ignore the packet (section 7.1).
var (
	ErrTruncated = errors.New("vrrp: packet too short")         // shorter than its count says
	ErrVersion   = errors.New("vrrp: not a version 3 advert")   // another version or type
	ErrChecksum  = errors.New("vrrp: wrong checksum")           // neither with nor without pseudo-header
	ErrField     = errors.New("vrrp: field outside its bounds") // VRID or interval 0, no or too many addresses
)

// Advert is a VRRPv3 advertisement for one address family (RFC 9568 section 5.2).
type Advert struct {
	VRID     uint8 // 1 to 255
	Priority uint8 // 0 resigns, 255 is the address owner
	// Interval is the sender's advertisement interval in centiseconds, 1 to
	// 4095; receivers time him out by it.
	Interval uint16
	Addrs    []netip.Addr // 1 to MaxAdvertAddrs
}

// Marshal encodes the advert for sending from src to dst, which are of its
// addresses' family. With pseudo the checksum covers the IPv4 pseudo-header too:
// RFC 9568 section 5.2.8 leaves it out for IPv4, RFC 5798 was read to put it in,
// and speakers in the field ignore adverts without it. IPv6's is always covered.
func (a Advert) Marshal(src, dst netip.Addr, pseudo bool) ([]byte, error) {
	if a.VRID == 0 || a.Interval == 0 || a.Interval > maxInterval || len(a.Addrs) == 0 || len(a.Addrs) > MaxAdvertAddrs {
		return nil, fmt.Errorf("%w: VRID %d, interval %d, %d addresses", ErrField, a.VRID, a.Interval, len(a.Addrs))
	}
	b := make([]byte, advertHeader, advertHeader+src.BitLen()/8*len(a.Addrs))
	b[0] = advertVersion<<4 | advertType
	b[1], b[2], b[3] = a.VRID, a.Priority, byte(len(a.Addrs))
	binary.BigEndian.PutUint16(b[4:], a.Interval)
	for _, addr := range a.Addrs {
		if addr.BitLen() != src.BitLen() {
			return nil, fmt.Errorf("%w: address %s is not of the family of %s", ErrField, addr, src)
		}
		b = append(b, addr.AsSlice()...)
	}
	sum := fold(sum16(b))
	if pseudo || src.Is6() {
		sum = fold(sum16(b) + pseudoSum(src, dst, len(b)))
	}
	binary.BigEndian.PutUint16(b[6:], ^sum)
	return b, nil
}

// ParseAdvert decodes the payload of a packet from src to dst. For IPv4 both forms
// of the checksum are accepted. Bytes after the last address are ignored, as
// long as the checksum covers them. The caller checks the TTL (section 7.1).
func ParseAdvert(b []byte, src, dst netip.Addr) (Advert, error) {
	if len(b) < advertHeader {
		return Advert{}, ErrTruncated
	}
	if b[0] != advertVersion<<4|advertType {
		return Advert{}, fmt.Errorf("%w: first byte %#02x", ErrVersion, b[0])
	}
	a := Advert{VRID: b[1], Priority: b[2], Interval: binary.BigEndian.Uint16(b[4:]) & maxInterval}
	n, size := int(b[3]), src.BitLen()/8
	if len(b) < advertHeader+size*n {
		return Advert{}, ErrTruncated
	}
	if plain := sum16(b); (src.Is6() || fold(plain) != 0xffff) && fold(plain+pseudoSum(src, dst, len(b))) != 0xffff {
		return Advert{}, ErrChecksum
	}
	if a.VRID == 0 || a.Interval == 0 || n == 0 || n > MaxAdvertAddrs {
		return Advert{}, fmt.Errorf("%w: VRID %d, interval %d, %d addresses", ErrField, a.VRID, a.Interval, n)
	}
	for i := range n {
		addr, _ := netip.AddrFromSlice(b[advertHeader+size*i:][:size])
		a.Addrs = append(a.Addrs, addr)
	}
	return a, nil
}

// vridOf reads the VRID and priority of an advert of any version: two speakers
// with one VRID are in each other's way whatever they speak.
func vridOf(b []byte) (vrid, priority uint8, ok bool) {
	if len(b) < advertHeader || b[0]&0x0f != advertType {
		return 0, 0, false
	}
	return b[1], b[2], true
}

func pseudoSum(src, dst netip.Addr, length int) uint32 {
	if src.Is6() && dst.Is6() {
		return pseudoSum6(src, dst, Protocol, length)
	}
	if !src.Is4() || !dst.Is4() {
		return 0
	}
	return sum16(src.AsSlice()) + sum16(dst.AsSlice()) + Protocol + uint32(length)
}

// sum16 adds 16 bit words, the last one padded with zero; at most 64 KiB long.
func sum16(b []byte) (sum uint32) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
