package store

import (
	"net/netip"
	"slices"

	"lbd/store/model"
)

// allocate finds an address in sn's pools for a VIP, a port or a floating IP:
// the highest one that nothing known uses, because low numbers are usually
// real hosts. It is a function of the state alone. except are addresses that
// the same command has already picked.
//
// Used are the subnet's gateway, network and broadcast address, and every
// address of a port, floating IP, node or member, on whatever network: lbd
// answers for its addresses on real links, where an address exists once.
func (st *State) allocate(sn *model.Subnet, except ...netip.Addr) (netip.Addr, bool) {
	from, hinted := st.searchAt[sn.ID]
	hint := netip.Addr{}
	for _, r := range highestFirst(sn.Pools) {
		if hinted && from.Less(r.Start) {
			continue
		}
		a := r.End
		if hinted && from.Less(a) {
			a = from
		}
		for ; a.IsValid() && !a.Less(r.Start); a = a.Prev() {
			if st.taken[a] > 0 || a == sn.Gateway || !usable(sn.CIDR, a) {
				continue
			}
			if !hint.IsValid() {
				// Everything above is in use until release says otherwise.
				hint = a
				st.searchAt[sn.ID] = hint
			}
			if !slices.Contains(except, a) {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

func highestFirst(pools []model.AddressRange) []model.AddressRange {
	out := slices.Clone(pools)
	slices.SortFunc(out, func(a, b model.AddressRange) int { return b.End.Compare(a.End) })
	return out
}

// allocateOn finds an address on any subnet of a network, IPv4 ones first, then
// in order of creation.
func (st *State) allocateOn(network model.NetworkID) (*model.Subnet, netip.Addr, bool) {
	subnets := st.SubnetsOf(network)
	slices.SortStableFunc(subnets, func(a, b *model.Subnet) int {
		return a.CIDR.Addr().BitLen() - b.CIDR.Addr().BitLen()
	})
	for _, sn := range subnets {
		if a, ok := st.allocate(sn); ok {
			return sn, a, true
		}
	}
	return nil, netip.Addr{}, false
}

// subnetFor is the subnet of a network that contains an address.
func (st *State) subnetFor(network model.NetworkID, a netip.Addr) (*model.Subnet, bool) {
	for id := range st.subnetsOf[network] { // at most one: subnets of a network do not overlap
		if sn := st.subnets[id]; sn.CIDR.Contains(a) {
			return sn, true
		}
	}
	return nil, false
}

// claimable checks an address that was asked for by value.
func (st *State) claimable(sn *model.Subnet, a netip.Addr) error {
	if !usable(sn.CIDR, a) {
		return Errorf(Invalid, "IP address %s is not a valid IP for the specified subnet.", a)
	}
	_, onPort := st.portAt[networkAddr{sn.Network, a}]
	_, onService := st.serviceAddrs[a]
	switch {
	case onPort || onService:
		return Errorf(Conflict, "IP address %s already allocated in subnet %s", a, sn.ID)
	case a == sn.Gateway:
		return Errorf(Conflict, "IP address %s is the gateway of subnet %s", a, sn.ID)
	case st.nodeAddrs[a] > 0 && !a.IsLoopback():
		// On a loopback network a node's own address is the only one there may be.
		return Errorf(Conflict, "IP address %s is a node's own address", a)
	}
	return nil
}

// usable reports whether a host may have address a in the subnet p.
func usable(p netip.Prefix, a netip.Addr) bool {
	if !p.Contains(a) {
		return false
	}
	first, last := edges(p)
	return !a.Less(first) && !last.Less(a)
}

// edges are the first and last address that a host may have in p: without the
// network and broadcast address of IPv4, without the subnet-router anycast
// address of IPv6 (RFC 4291 section 2.6.1). In the two longest prefix lengths
// every address is a host's (RFC 3021, RFC 6164).
func edges(p netip.Prefix) (first, last netip.Addr) {
	p = p.Masked()
	first, last = p.Addr(), lastOf(p)
	if p.Bits() >= p.Addr().BitLen()-1 {
		return first, last
	}
	first = first.Next()
	if p.Addr().Is4() {
		last = last.Prev()
	}
	return first, last
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// defaultPools is the whole subnet without the gateway.
func defaultPools(p netip.Prefix, gateway netip.Addr) []model.AddressRange {
	first, last := edges(p)
	if !gateway.IsValid() || gateway.Less(first) || last.Less(gateway) {
		return []model.AddressRange{{Start: first, End: last}}
	}
	var out []model.AddressRange
	if first.Less(gateway) {
		out = append(out, model.AddressRange{Start: first, End: gateway.Prev()})
	}
	if gateway.Less(last) {
		out = append(out, model.AddressRange{Start: gateway.Next(), End: last})
	}
	return out
}

// take counts users of addresses; zero addresses do not count.
func (st *State) take(addrs ...netip.Addr) {
	for _, a := range addrs {
		if a = a.Unmap(); a.IsValid() {
			st.taken[a]++
		}
	}
}

func (st *State) release(addrs ...netip.Addr) {
	for _, a := range addrs {
		if a = a.Unmap(); !a.IsValid() {
			continue
		}
		if st.taken[a]--; st.taken[a] > 0 {
			continue
		}
		delete(st.taken, a)
		for id, from := range st.searchAt {
			if from.Less(a) && st.subnets[id].CIDR.Contains(a) {
				st.searchAt[id] = a
			}
		}
	}
}
