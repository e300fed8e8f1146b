package store

import (
	"net/netip"

	"lbd/store/model"
)

// Security groups on a VIP port that lbd made limit who may connect: its
// listeners get the sources that the ingress rules admit, cut down to their own
// AllowedCIDRs. A port that a client brought along is not filtered, since it has
// its project's default group without anybody's asking (decision 0016).

// filters reports whether the security groups of a port limit a service.
func filters(p *model.Port) bool {
	return p.DeviceOwner == model.OwnerVIP && len(p.SecurityGroups) > 0
}

// nobody is a source that no packet has: it stands for an empty list, which
// would mean everybody.
func nobody() []netip.Prefix { return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 32)} }

// filtered is l with the sources that the groups of its VIP port leave over.
func (st *State) filtered(l *model.Listener, port *model.Port) *model.Listener {
	if port == nil || !filters(port) {
		return l
	}
	admitted := st.admitted(port, l.Protocol.Transport(), l.Port)
	n := *l
	if n.AllowedCIDRs = admitted; len(l.AllowedCIDRs) > 0 {
		n.AllowedCIDRs = intersect(admitted, l.AllowedCIDRs)
	}
	if len(n.AllowedCIDRs) == 0 {
		n.AllowedCIDRs = nobody()
	}
	return &n
}

// admitted are the sources that a port's groups let in, in the order of the
// groups and their rules.
func (st *State) admitted(port *model.Port, transport model.Protocol, to uint16) []netip.Prefix {
	var out []netip.Prefix
	seen := map[netip.Prefix]bool{}
	add := func(p netip.Prefix) {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	for _, g := range port.SecurityGroups {
		for _, r := range st.GroupRules(g) {
			if !r.Admits(transport, to) {
				continue
			}
			switch {
			case r.RemoteGroup != "":
				for _, p := range some(st.ports, st.portsUnder[r.RemoteGroup], byPort) {
					for _, a := range addressesOf(p) {
						if a.Addr().Is6() == r.IPv6 {
							add(a)
						}
					}
				}
			case r.RemotePrefix.IsValid():
				add(r.RemotePrefix)
			case r.IPv6:
				add(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
			default:
				add(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
			}
		}
	}
	return out
}

// addressesOf is what a port may send from.
func addressesOf(p *model.Port) (out []netip.Prefix) {
	for _, f := range p.FixedIPs {
		out = append(out, netip.PrefixFrom(f.Address, f.Address.BitLen()))
	}
	for _, pair := range p.AddressPairs {
		out = append(out, pair.Address)
	}
	return out
}

// intersect is what lies in one of a and in one of b: of two prefixes that
// overlap one holds the other.
func intersect(a, b []netip.Prefix) (out []netip.Prefix) {
	for _, x := range a {
		for _, y := range b {
			switch {
			case !x.Overlaps(y):
			case x.Bits() >= y.Bits():
				out = append(out, x)
			default:
				out = append(out, y)
			}
		}
	}
	return out
}

// dirtyFilters tells Config that the sources of filtered services may differ:
// they are few, and rules can reach them over other groups.
func (t *tx) dirtyFilters() {
	for port, lb := range t.st.loadBalancing {
		if filters(t.st.ports[port]) {
			t.st.dirty.services[lb] = struct{}{}
		}
	}
}
