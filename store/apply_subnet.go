package store

import (
	"net/netip"
	"slices"

	"lbd/store/model"
)

// subnetCreate adds a subnet. Without pools it gets the whole range but the
// gateway; Gateway is taken as it comes, the zero address meaning none.
func (t *tx) subnetCreate(p *model.Subnet) error {
	if _, ok := t.st.networks[p.Network]; !ok {
		return networkNotFound(p.Network)
	}
	if err := fresh(t.st.subnets, p.ID); err != nil {
		return err
	}
	if err := t.within(p.Project, model.QuotaSubnet); err != nil {
		return err
	}
	n := *p
	n.CIDR = n.CIDR.Masked()
	if !servable(n.CIDR) {
		return Errorf(Invalid, "Invalid input for operation: '%s' is not a valid cidr.", p.CIDR)
	}
	for id := range t.st.subnetsOf[n.Network] {
		if t.st.subnets[id].CIDR.Overlaps(n.CIDR) {
			return Errorf(Invalid, "Invalid input for operation: Requested subnet with cidr: %s for network: %s overlaps with another subnet.", n.CIDR, n.Network)
		}
	}
	if err := checkGateway(n.CIDR, n.Gateway, n.Pools); err != nil {
		return err
	}
	if err := checkPools(n.CIDR, n.Pools); err != nil {
		return err
	}

	if len(n.Pools) == 0 {
		n.Pools = defaultPools(n.CIDR, n.Gateway)
	}
	t.bornRecord(&n.Record)
	t.st.putSubnet(&n)
	return nil
}

// servable reports whether p is a network that can be a subnet. The
// IPv4-mapped part of IPv6 (RFC 4291 section 2.5.5.2) is never on a link.
func servable(p netip.Prefix) bool {
	mapped := netip.PrefixFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}), 96)
	return p.IsValid() && p == p.Masked() && !p.Overlaps(mapped)
}

func checkGateway(cidr netip.Prefix, gateway netip.Addr, pools []model.AddressRange) error {
	if !gateway.IsValid() {
		return nil
	}
	if !usable(cidr, gateway) {
		return Errorf(Invalid, "Invalid input for operation: Gateway is not valid on subnet.")
	}
	for _, r := range pools {
		if !gateway.Less(r.Start) && !r.End.Less(gateway) {
			return Errorf(Conflict, "Gateway ip %s conflicts with allocation pool %s-%s.", gateway, r.Start, r.End)
		}
	}
	return nil
}

func checkPools(cidr netip.Prefix, pools []model.AddressRange) error {
	sorted := slices.Clone(pools)
	slices.SortFunc(sorted, func(a, b model.AddressRange) int { return a.Start.Compare(b.Start) })
	for i, r := range sorted {
		if r.End.Less(r.Start) {
			return Errorf(Invalid, "The start of allocation pool %s-%s is after its end.", r.Start, r.End)
		}
		if !usable(cidr, r.Start) || !usable(cidr, r.End) {
			return Errorf(Invalid, "The allocation pool %s-%s spans beyond the subnet cidr %s.", r.Start, r.End, cidr)
		}
		if i > 0 && !sorted[i-1].End.Less(r.Start) {
			return Errorf(Conflict, "Found overlapping allocation pools: %s-%s, %s-%s for subnet %s.",
				sorted[i-1].Start, sorted[i-1].End, r.Start, r.End, cidr)
		}
	}
	return nil
}

func (t *tx) subnetUpdate(p *SubnetPatch) error {
	old, ok := t.st.subnets[p.ID]
	if !ok {
		return subnetNotFound(p.ID)
	}
	pools, gateway := old.Pools, old.Gateway
	set(&pools, p.Pools)
	set(&gateway, p.Gateway)
	if p.Pools != nil {
		if len(pools) == 0 {
			pools = defaultPools(old.CIDR, gateway)
		}
		if err := checkPools(old.CIDR, pools); err != nil {
			return err
		}
	}
	if p.Pools != nil || gateway != old.Gateway {
		if err := checkGateway(old.CIDR, gateway, pools); err != nil {
			return err
		}
	}
	if gateway != old.Gateway {
		if id, ok := t.st.portAt[networkAddr{old.Network, old.Gateway}]; ok {
			return Errorf(Conflict, "Current gateway ip %s already in use by port %s. Unable to update.", old.Gateway, id)
		}
		_, onPort := t.st.portAt[networkAddr{old.Network, *p.Gateway}]
		_, onService := t.st.serviceAddrs[*p.Gateway]
		if onPort || onService {
			return Errorf(Conflict, "IP address %s already allocated in subnet %s", *p.Gateway, old.ID)
		}
	}
	n := *old
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}

	n.Gateway, n.Pools = gateway, pools
	set(&n.HostRoutes, p.HostRoutes)
	set(&n.ServiceTypes, p.ServiceTypes)
	set(&n.DNSPublish, p.DNSPublish)
	set(&n.EnableDHCP, p.EnableDHCP)
	set(&n.DNSNameservers, p.DNSNameservers)
	t.st.putSubnet(&n)
	return nil
}

func (t *tx) subnetDelete(p *SubnetRef) error {
	old, ok := t.st.subnets[p.ID]
	if !ok {
		return subnetNotFound(p.ID)
	}
	if err := t.subnetUnused(old); err != nil {
		return err
	}

	t.st.dropSubnet(old)
	return nil
}

func (t *tx) subnetUnused(sn *model.Subnet) error {
	return t.subnetHas(sn, len(t.st.portsIn[sn.ID])+len(t.st.floatingIn[sn.ID]))
}

// subnetHas refuses to lose a subnet with that many addresses in use, or members.
func (t *tx) subnetHas(sn *model.Subnet, addresses int) error {
	if addresses > 0 {
		return Errorf(Conflict, "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", sn.ID)
	}
	if len(t.st.membersIn[sn.ID]) > 0 {
		return Errorf(Conflict, "Unable to complete operation on subnet %s: One or more load balancer members are in this subnet.", sn.ID)
	}
	return nil
}
