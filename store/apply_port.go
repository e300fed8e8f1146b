package store

import (
	"net/netip"
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
	if strings.HasPrefix(p.DeviceOwner, "network:") {
		return Errorf(Invalid, "Invalid input for device_owner: %s is reserved for ports that a router makes.", p.DeviceOwner)
	}
	n := *p
	fixed, err := t.placePort(p)
	if err != nil {
		return err
	}

	n.FixedIPs = fixed
	t.bornRecord(&n.Record)
	t.st.putPort(&n)
	return nil
}

func (t *tx) placePort(p *model.Port) ([]model.FixedIP, error) {
	if len(p.FixedIPs) == 0 {
		return t.placeAnywhere(p.Network)
	}
	var out []model.FixedIP
	var picked []netip.Addr
	for _, f := range p.FixedIPs {
		f.Address = f.Address.Unmap()
		sn, ok := t.st.subnets[f.Subnet]
		if f.Subnet == "" {
			if sn, ok = t.st.subnetFor(p.Network, f.Address); !ok {
				return nil, Errorf(Invalid, "IP address %s is not a valid IP for any of the subnets on the specified network.", f.Address)
			}
		}
		if !ok {
			return nil, subnetNotFound(f.Subnet)
		}
		if sn.Network != p.Network {
			return nil, Errorf(Invalid, "Invalid input for operation: Failed to create port on network %s, because fixed_ips included invalid subnet %s.", p.Network, sn.ID)
		}
		f.Subnet = sn.ID
		if f.Address.IsValid() {
			if err := t.st.claimable(sn, f.Address); err != nil {
				return nil, err
			}
		} else if f.Address, ok = t.st.allocate(sn, picked...); !ok {
			return nil, exhausted(p.Network)
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
	t.st.putPort(&n)
	return nil
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
	for _, f := range t.st.FloatingIPsOf(port.ID) {
		n := *f
		n.Port, n.Fixed, n.Router = "", netip.Addr{}, ""
		t.changed(&n.Record)
		t.st.putFloatingIP(&n)
	}
	t.st.dropPort(port)
}
