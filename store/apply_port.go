package store

import (
	"net/netip"
	"slices"
	"strings"

	"lbd/store/model"
)

// portCreate adds a port. Each fixed IP may name its subnet, its address, both,
// or be absent altogether: then the port gets one address on its network, or
// none where the network has no subnet.
func (t *tx) portCreate(p *model.Port) error {
	if _, ok := t.st.networks[p.Network]; !ok {
		return networkNotFound(p.Network)
	}
	if err := fresh(t.st.ports, p.ID); err != nil {
		return err
	}
	if err := t.within(p.Project, model.QuotaPort); err != nil {
		return err
	}
	if strings.HasPrefix(p.DeviceOwner, "network:") {
		return Errorf(Invalid, "Invalid input for device_owner: %s is reserved for ports that a router makes.", p.DeviceOwner)
	}
	if err := t.groupsThere(p.SecurityGroups); err != nil {
		return err
	}
	n := *p
	fixed, err := t.placePort(p.Network, p.FixedIPs, nil)
	if err != nil {
		return err
	}

	n.FixedIPs = fixed
	t.bornRecord(&n.Record)
	t.st.putPort(&n)
	t.regrouped(nil, &n)
	return nil
}

// regrouped tells Config when a port joins, leaves or moves within groups that
// rules name as their remote group.
func (t *tx) regrouped(old, port *model.Port) {
	for _, p := range []*model.Port{old, port} {
		if p == nil {
			continue
		}
		for _, g := range p.SecurityGroups {
			if len(t.st.rulesFrom[g]) > 0 {
				t.dirtyFilters()
				return
			}
		}
	}
}

// placePort completes the addresses of a port on a network. Those of have are the
// port's own already.
func (t *tx) placePort(network model.NetworkID, wanted, have []model.FixedIP) ([]model.FixedIP, error) {
	if len(wanted) == 0 {
		return t.placeAnywhere(network)
	}
	var out []model.FixedIP
	var picked []netip.Addr
	for _, f := range wanted {
		f.Address = f.Address.Unmap()
		if i := slices.IndexFunc(have, func(h model.FixedIP) bool {
			return (f.Subnet == "" || f.Subnet == h.Subnet) && (f.Address == h.Address || !f.Address.IsValid() && !slices.Contains(picked, h.Address))
		}); i >= 0 && !slices.Contains(picked, have[i].Address) {
			picked, out = append(picked, have[i].Address), append(out, have[i])
			continue
		}
		sn, ok := t.st.subnets[f.Subnet]
		if f.Subnet == "" {
			if sn, ok = t.st.subnetFor(network, f.Address); !ok {
				return nil, Errorf(Invalid, "IP address %s is not a valid IP for any of the subnets on the specified network.", f.Address)
			}
		}
		if !ok {
			return nil, subnetNotFound(f.Subnet)
		}
		if sn.Network != network {
			return nil, Errorf(Invalid, "Invalid input for operation: Failed to create port on network %s, because fixed_ips included invalid subnet %s.", network, sn.ID)
		}
		f.Subnet = sn.ID
		if f.Address.IsValid() {
			if err := t.st.claimable(sn, f.Address); err != nil {
				return nil, err
			}
		} else if f.Address, ok = t.st.allocate(sn, picked...); !ok {
			return nil, exhausted(network)
		}
		for _, a := range picked {
			if a == f.Address {
				return nil, Errorf(Invalid, "Invalid input for fixed_ips. Reason: Duplicate IP address '%s'.", a)
			}
		}
		picked = append(picked, f.Address)
		out = append(out, f)
	}
	return out, nil
}

// placeAnywhere is one address on a network, or none where it has no subnet.
func (t *tx) placeAnywhere(network model.NetworkID) ([]model.FixedIP, error) {
	if len(t.st.subnetsOf[network]) == 0 {
		return nil, nil
	}
	sn, a, ok := t.st.allocateOn(network)
	if !ok {
		return nil, exhausted(network)
	}
	return []model.FixedIP{{Subnet: sn.ID, Address: a}}, nil
}

func exhausted(network model.NetworkID) error {
	return Errorf(Conflict, "No more IP addresses available on network %s.", network)
}

// portUpdate changes a port. A VIP keeps its addresses, a router's port all that
// makes it one; a floating IP whose address goes becomes free.
func (t *tx) portUpdate(p *PortPatch) error {
	old, ok := t.st.ports[p.ID]
	if !ok {
		return portNotFound(p.ID)
	}
	n := *old
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.DeviceID, p.DeviceID)
	set(&n.DeviceOwner, p.DeviceOwner)
	set(&n.MAC, p.MAC)
	set(&n.SecurityGroups, p.SecurityGroups)
	set(&n.AddressPairs, p.AddressPairs)
	set(&n.PortSecurityOff, p.PortSecurityOff)
	set(&n.DNSName, p.DNSName)
	set(&n.DNSDomain, p.DNSDomain)
	set(&n.HostID, p.HostID)
	set(&n.VNICType, p.VNICType)
	set(&n.Profile, p.Profile)
	if err := t.groupsThere(n.SecurityGroups); err != nil {
		return err
	}
	if p.FixedIPs != nil {
		n.FixedIPs = nil
		if len(*p.FixedIPs) > 0 {
			fixed, err := t.placePort(old.Network, *p.FixedIPs, old.FixedIPs)
			if err != nil {
				return err
			}
			n.FixedIPs = fixed
		}
	}
	if err := t.mayBecome(old, &n); err != nil {
		return err
	}

	t.freeFloating(old, n.FixedIPs)
	t.st.putPort(&n)
	t.regrouped(old, &n)
	if lb, ok := t.st.loadBalancing[n.ID]; ok && !slices.Equal(old.SecurityGroups, n.SecurityGroups) {
		t.st.dirty.services[lb] = struct{}{}
	}
	return nil
}

// mayBecome refuses changes that would take a port from what uses it.
func (t *tx) mayBecome(old, n *model.Port) error {
	rerouted := strings.HasPrefix(n.DeviceOwner, "network:") && n.DeviceOwner != old.DeviceOwner
	if rerouted {
		return Errorf(Invalid, "Invalid input for device_owner: %s is reserved for ports that a router makes.", n.DeviceOwner)
	}
	_, vip := t.st.loadBalancing[n.ID]
	routed := strings.HasPrefix(old.DeviceOwner, "network:")
	taken := Errorf(Conflict, "Unable to complete operation on port %s for network %s. Port already has an attached device %s.", n.ID, n.Network, old.DeviceID)
	if (vip || routed) && (n.DeviceID != old.DeviceID || n.DeviceOwner != old.DeviceOwner) {
		return taken
	}
	if routed && !slices.Equal(n.FixedIPs, old.FixedIPs) {
		return taken
	}
	if vip {
		for _, f := range old.FixedIPs {
			if _, serves := t.st.serviceAddrs[f.Address]; serves && !slices.Contains(n.FixedIPs, f) {
				return taken
			}
		}
	}
	return nil
}

// freeFloating frees the floating IPs of a port whose address is not in left.
func (t *tx) freeFloating(port *model.Port, left []model.FixedIP) {
	for _, f := range t.st.FloatingIPsOf(port.ID) {
		if slices.ContainsFunc(left, func(x model.FixedIP) bool { return x.Address == f.Fixed }) {
			continue
		}
		n := *f
		n.Port, n.Fixed, n.Router = "", netip.Addr{}, ""
		t.changed(&n.Record)
		t.st.putFloatingIP(&n)
		t.dirtyVIP(port.ID)
	}
}

// portDelete removes a port that neither a load balancer nor a router needs;
// its floating IPs become free.
func (t *tx) portDelete(p *PortRef) error {
	old, ok := t.st.ports[p.ID]
	if !ok {
		return portNotFound(p.ID)
	}
	reason := ""
	if lb, ok := t.st.loadBalancing[p.ID]; ok {
		reason = "is the VIP port of load balancer " + string(lb)
	} else if strings.HasPrefix(old.DeviceOwner, "network:") {
		reason = "has device owner " + old.DeviceOwner
	}
	if reason != "" {
		return Errorf(Conflict, "Port %s cannot be deleted directly via the port API: %s.", p.ID, reason)
	}

	t.removePort(old)
	return nil
}

// removePort drops a port and frees the floating IPs bound to it.
func (t *tx) removePort(port *model.Port) {
	t.freeFloating(port, nil)
	t.st.dropPort(port)
	t.regrouped(port, nil)
}
