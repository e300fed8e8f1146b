package store

import (
	"net/netip"

	"lbd/store/model"
)

func (t *tx) floatingIPCreate(p *FloatingIPCreatePayload) error {
	n := p.FloatingIP
	if err := fresh(t.st.floatingIPs, n.ID); err != nil {
		return err
	}
	if err := t.within(n.Project, model.QuotaFloatingIP); err != nil {
		return err
	}
	net, ok := t.st.networks[n.Network]
	if !ok {
		return networkNotFound(n.Network)
	}
	if !net.External {
		return Errorf(Invalid, "Bad floatingip request: Network %s is not a valid external network.", n.Network)
	}
	if err := t.placeFloatingIP(&n); err != nil {
		return err
	}
	port, fixed := n.Port, n.Fixed
	n.Port, n.Fixed, n.Router = "", netip.Addr{}, ""
	if port != "" {
		if err := t.bind(&n, port, fixed); err != nil {
			return err
		}
	}

	t.bornRecord(&n.Record)
	t.st.putFloatingIP(&n)
	t.dirtyVIP(n.Port)
	return nil
}

// placeFloatingIP completes n.Subnet and n.Address.
func (t *tx) placeFloatingIP(n *model.FloatingIP) error {
	n.Address = n.Address.Unmap()
	sn, ok := t.st.subnets[n.Subnet]
	switch {
	case n.Subnet != "" && (!ok || sn.Network != n.Network):
		return subnetNotFound(n.Subnet)
	case n.Address.IsValid():
		if !ok {
			if sn, ok = t.st.subnetFor(n.Network, n.Address); !ok {
				return Errorf(Invalid, "IP address %s is not a valid IP for any of the subnets on the specified network.", n.Address)
			}
		}
		if err := t.st.claimable(sn, n.Address); err != nil {
			return err
		}
	case ok:
		if n.Address, ok = t.st.allocate(sn); !ok {
			return exhausted(n.Network)
		}
	default:
		if sn, n.Address, ok = t.st.allocateOn(n.Network); !ok {
			return exhausted(n.Network)
		}
	}
	n.Subnet = sn.ID
	return nil
}

// bind points f to a port: to its address fixed, or to its first one of f's
// family. A router must connect f's network with that address's subnet.
func (t *tx) bind(f *model.FloatingIP, id model.PortID, fixed netip.Addr) error {
	port, ok := t.st.ports[id]
	if !ok {
		return portNotFound(id)
	}
	fixed = fixed.Unmap()
	var to model.FixedIP
	for _, x := range port.FixedIPs {
		if fixed == x.Address || !fixed.IsValid() && x.Address.BitLen() == f.Address.BitLen() {
			to = x
			break
		}
	}
	if to.Subnet == "" {
		if fixed.IsValid() {
			return Errorf(Invalid, "Bad floatingip request: Port %s does not have fixed ip %s.", id, fixed)
		}
		return Errorf(Invalid, "Bad floatingip request: Cannot add floating IP to port %s that has no fixed IPv%d addresses.", id, family(f.Address))
	}
	for other := range t.st.floatingOf[id] {
		if o := t.st.floatingIPs[other]; other != f.ID && o.Fixed == to.Address && o.Network == f.Network {
			return Errorf(Conflict, "Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP on external network %s.",
				f.Address, f.ID, id, to.Address, f.Network)
		}
	}
	router, ok := t.routerBetween(f.Network, to.Subnet)
	if !ok {
		return Errorf(NotFound, "External network %s is not reachable from subnet %s. Therefore, cannot associate Port %s with a Floating IP.",
			f.Network, to.Subnet, id)
	}
	f.Port, f.Fixed, f.Router = id, to.Address, router
	return nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// routerBetween is a router with its gateway on external and an interface in
// subnet: of several, the one with the lowest id.
func (t *tx) routerBetween(external model.NetworkID, subnet model.SubnetID) (found model.RouterID, ok bool) {
	for id := range t.st.routersIn[subnet] {
		if t.st.routers[id].External == external && (!ok || id < found) {
			found, ok = id, true
		}
	}
	return found, ok
}

func (t *tx) floatingIPUpdate(p *FloatingIPPatch) error {
	old, ok := t.st.floatingIPs[p.ID]
	if !ok {
		return floatingIPNotFound(p.ID)
	}
	n := *old
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}
	port := old.Port
	set(&port, p.Port)
	switch {
	case port == "":
		n.Port, n.Fixed, n.Router = "", netip.Addr{}, ""
	case p.Port != nil || p.Fixed.IsValid():
		if err := t.bind(&n, port, p.Fixed); err != nil {
			return err
		}
	}

	set(&n.DNSName, p.DNSName)
	set(&n.DNSDomain, p.DNSDomain)
	t.st.putFloatingIP(&n)
	t.dirtyVIP(old.Port)
	t.dirtyVIP(n.Port)
	return nil
}

func (t *tx) floatingIPDelete(p *FloatingIPRef) error {
	old, ok := t.st.floatingIPs[p.ID]
	if !ok {
		return floatingIPNotFound(p.ID)
	}

	t.st.dropFloatingIP(old)
	t.dirtyVIP(old.Port)
	return nil
}

// dirtyVIP tells Config that the addresses of a VIP port's load balancer changed.
func (t *tx) dirtyVIP(port model.PortID) {
	if lb, ok := t.st.loadBalancing[port]; ok {
		t.st.dirty.services[lb] = struct{}{}
	}
}
