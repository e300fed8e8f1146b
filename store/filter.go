package store

import (
	"net/netip"
	"slices"

	"lbd/store/model"
)

// Security groups on a VIP port that lbd made limit who may connect: its
// listeners get the sources that the ingress rules admit, cut down to their own
// AllowedCIDRs. A port that a client brought along has its project's default
// group without anybody's asking (decision 0016): it is filtered only when its
// groups were given as vip_sg_ids of the load balancer (decision 0030).

// filters reports whether the security groups of a port limit the service on it.
func (st *State) filters(p *model.Port) bool {
	if len(p.SecurityGroups) == 0 {
		return false
	}
	lb, ok := st.loadBalancers[st.loadBalancing[p.ID]]
	return p.DeviceOwner == model.OwnerVIP || ok && lb.OwnGroups
}

// guardVIP puts a load balancer's own security groups on its VIP port; both are
// the caller's copies. No groups take away those that were put there so.
func (t *tx) guardVIP(lb *model.LoadBalancer, port *model.Port, groups []model.SecurityGroupID) error {
	for i, id := range groups {
		if _, ok := t.st.securityGroups[id]; !ok {
			return Errorf(Invalid, "Security Group %s not found.", id)
		}
		if slices.Contains(groups[:i], id) {
			return Errorf(Invalid, "Security Group %s is there twice.", id)
		}
	}
	if len(groups) == 0 && !lb.OwnGroups {
		return nil
	}
	lb.OwnGroups, port.SecurityGroups = len(groups) > 0, slices.Clone(groups)
	return nil
}

// putVIPPort stores a VIP port whose groups may have changed.
func (t *tx) putVIPPort(port *model.Port) {
	old := t.st.ports[port.ID]
	t.st.putPort(port)
	t.regrouped(old, port)
}

// nobody is a source that no packet has: it stands for an empty list, which
// would mean everybody.
func nobody() []netip.Prefix { return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 32)} }

// filtered is l with the sources that the groups of its VIP port leave over.
func (st *State) filtered(l *model.Listener, port *model.Port) *model.Listener {
	if port == nil || !st.filters(port) {
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
		if t.st.filters(t.st.ports[port]) {
			t.st.dirty.services[lb] = struct{}{}
		}
	}
}
