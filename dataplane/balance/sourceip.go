package balance

import (
	"math"
	"net/netip"
)

// sourceIP sends a client's address always to the same member, by rendezvous
// hashing: when a member goes, only its own clients move; when it returns, they
// come back. The result depends on seeds and weights alone, so all nodes agree.
type sourceIP struct {
	set
	port bool // the client's port counts, too
}

// NewSourceIP makes a weighted SOURCE_IP picker.
func NewSourceIP(members []Member) Picker { return &sourceIP{set: newSet(members)} }

// NewSourceIPPort makes a weighted SOURCE_IP_PORT picker: every connection of a
// client may go elsewhere, but always to the same member for one address and port.
func NewSourceIPPort(members []Member) Picker { return &sourceIP{newSet(members), true} }

func (p *sourceIP) Pick(client netip.AddrPort, skip func(int) bool) int {
	key := hashAddr(client.Addr())
	if p.port {
		key = mix(key + uint64(client.Port()))
	}
	best, top := -1, math.Inf(-1)
	for _, i := range p.ranks[p.rank()] {
		if !p.usable(i, skip) {
			continue
		}
		m := &p.members[i]
		// Weighted rendezvous: the highest of -w/ln(u), u uniform in (0,1), wins
		// with a chance in proportion to w.
		u := (float64(mix(key^m.Seed)>>11) + 0.5) / (1 << 53)
		if score := -float64(m.Weight) / math.Log(u); score > top {
			best, top = i, score
		}
	}
	return best
}

// Seed makes a member's seed of what identifies it on every node: its address
// and port.
func Seed(a netip.AddrPort) uint64 {
	return mix(hashAddr(a.Addr()) + uint64(a.Port())*0x9e3779b97f4a7c15)
}

// hashAddr hashes an address; an IPv4 address and its IPv6-mapped form are equal.
func hashAddr(a netip.Addr) uint64 {
	b := a.As16()
	var hi, lo uint64
	for i := range 8 {
		hi = hi<<8 | uint64(b[i])
		lo = lo<<8 | uint64(b[i+8])
	}
	return mix(mix(hi) ^ lo)
}

// mix spreads every input bit over all output bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
