package store

import (
	"errors"
	"net/netip"

	"lbd/store/model"
)

// resolveVIPs completes the VIPs of a new load balancer in the order of
// contract 3.1 (port, else network, else subnet) and returns the VIP port to
// store: a new one, or the client's with its new user written on it. All VIPs
// are fixed IPs of that one port.
func (t *tx) resolveVIPs(lb *model.LoadBalancer, identity *model.Port) (*model.Port, error) {
	if lb.VIP.Port != "" {
		return t.adoptPort(lb)
	}
	sn, err := t.vipSubnet(&lb.VIP)
	if err != nil {
		return nil, err
	}
	if err := t.placeVIP(&lb.VIP, sn); err != nil {
		return nil, err
	}
	extra, err := t.additionalSubnets(lb)
	if err != nil {
		return nil, err
	}
	port := *identity
	if err := fresh(t.st.ports, port.ID); err != nil {
		return nil, err
	}
	lb.VIP.Port = port.ID
	port.FixedIPs = []model.FixedIP{{Subnet: lb.VIP.Subnet, Address: lb.VIP.Address}}
	for i, sn := range extra {
		v := &lb.AdditionalVIPs[i]
		if v.Port != "" {
			return nil, invalidf("An additional VIP can name a port only together with vip_port_id.")
		}
		if err := t.placeVIP(v, sn); err != nil {
			return nil, err
		}
		v.Port = port.ID
		port.FixedIPs = append(port.FixedIPs, model.FixedIP{Subnet: v.Subnet, Address: v.Address})
	}

	t.bornRecord(&port.Record)
	port.Project = lb.Project
	port.Name = "octavia-lb-" + string(lb.ID)
	port.Network = lb.VIP.Network
	port.AdminStateUp = true
	port.DeviceID = deviceOf(lb.ID)
	port.DeviceOwner = model.OwnerVIP
	return &port, nil
}

// deviceOf is the DeviceID of a load balancer's VIP port.
func deviceOf(lb model.LoadBalancerID) string { return "lb-" + string(lb) }

// vipSubnet finds the subnet of a VIP for which no port was named. It is nil
// when any subnet of v.Network will do.
func (t *tx) vipSubnet(v *model.VIP) (*model.Subnet, error) {
	st := t.st
	if v.Network == "" {
		if v.Subnet == "" {
			return nil, invalidf("VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.")
		}
		sn, ok := st.subnets[v.Subnet]
		if !ok {
			return nil, Errorf(Invalid, "Subnet %s not found.", v.Subnet)
		}
		return sn, nil
	}
	if _, ok := st.networks[v.Network]; !ok {
		return nil, Errorf(Invalid, "Network %s not found.", v.Network)
	}
	switch {
	case v.Subnet != "":
		sn, ok := st.subnets[v.Subnet]
		if !ok || sn.Network != v.Network {
			return nil, Errorf(Invalid, "Subnet %s not found.", v.Subnet)
		}
		return sn, nil
	case v.Address.IsValid():
		sn, ok := st.subnetFor(v.Network, v.Address.Unmap())
		if !ok {
			return nil, invalidf("Supplied network does not contain a subnet for VIP address specified.")
		}
		return sn, nil
	case len(st.subnetsOf[v.Network]) == 0:
		return nil, invalidf("Supplied network does not contain a subnet.")
	}
	return nil, nil
}

// placeVIP gives v its address in sn (nil: any subnet of v.Network): the one
// asked for when it is free, else one by the rule of allocate.
func (t *tx) placeVIP(v *model.VIP, sn *model.Subnet) error {
	if v.Address.IsValid() {
		v.Address = v.Address.Unmap()
		if err := t.st.claimable(sn, v.Address); err != nil {
			return vipError(err)
		}
		v.Subnet, v.Network = sn.ID, sn.Network
		return nil
	}
	asked := sn
	var a netip.Addr
	var ok bool
	if sn != nil {
		a, ok = t.st.allocate(sn)
	} else {
		sn, a, ok = t.st.allocateOn(v.Network)
	}
	switch {
	case ok:
	case asked != nil:
		// Octavia leaves the choice in a subnet to Neutron, which has none (409).
		return vipError(exhausted(asked.Network))
	default:
		return invalidf("Subnet(s) in the supplied network do not contain enough available IPs.")
	}
	v.Address, v.Text, v.Subnet, v.Network = a, "", sn.ID, sn.Network
	return nil
}

func vipError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Conflict {
		return Errorf(Conflict, "The VIP IP address is already in use: %s", e.Message)
	}
	return invalidf("%s", err)
}

// additionalSubnets checks the subnets of the additional VIPs: all different,
// all on the network of the first VIP. lb's own slice is replaced, so that the
// caller may complete it.
func (t *tx) additionalSubnets(lb *model.LoadBalancer) ([]*model.Subnet, error) {
	lb.AdditionalVIPs = append([]model.VIP(nil), lb.AdditionalVIPs...)
	seen := map[model.SubnetID]bool{lb.VIP.Subnet: true}
	var out []*model.Subnet
	for _, v := range lb.AdditionalVIPs {
		sn, ok := t.st.subnets[v.Subnet]
		if !ok {
			return nil, Errorf(Invalid, "Subnet %s not found.", v.Subnet)
		}
		if seen[sn.ID] {
			return nil, invalidf("Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.")
		}
		seen[sn.ID] = true
		if sn.Network != lb.VIP.Network {
			return nil, invalidf("All VIP subnets must belong to the same network.")
		}
		out = append(out, sn)
	}
	return out, nil
}

// adoptPort makes a client's port the VIP port. It stays when the load
// balancer goes: its DeviceOwner is left empty to tell it from lbd's own.
func (t *tx) adoptPort(lb *model.LoadBalancer) (*model.Port, error) {
	port, ok := t.st.ports[lb.VIP.Port]
	if !ok {
		return nil, Errorf(Invalid, "Port %s not found.", lb.VIP.Port)
	}
	if user := port.DeviceID; user != "" || port.DeviceOwner != "" {
		if user == "" {
			user = port.DeviceOwner
		}
		return nil, invalidf("Port %s is already used by device %s ", port.ID, user)
	}
	lb.VIP.Network = port.Network
	if lb.VIP.Subnet == "" && !lb.VIP.Address.IsValid() && len(port.FixedIPs) != 1 {
		return nil, invalidf("VIP port's subnet could not be determined. Please specify either a VIP subnet or address.")
	}
	if err := t.pickFixed(&lb.VIP, port); err != nil {
		return nil, err
	}
	if _, err := t.additionalSubnets(lb); err != nil {
		return nil, err
	}
	for i := range lb.AdditionalVIPs {
		v := &lb.AdditionalVIPs[i]
		if v.Port != "" && v.Port != port.ID {
			return nil, invalidf("All additional VIPs must be on the VIP port.")
		}
		v.Port, v.Network = port.ID, port.Network
		if err := t.pickFixed(v, port); err != nil {
			return nil, err
		}
	}

	n := *port
	n.DeviceID = deviceOf(lb.ID)
	t.changed(&n.Record)
	return &n, nil
}

// pickFixed gives v the first address of port that fits what v asks for.
func (t *tx) pickFixed(v *model.VIP, port *model.Port) error {
	if _, ok := t.st.subnets[v.Subnet]; v.Subnet != "" && !ok {
		return Errorf(Invalid, "Subnet %s not found.", v.Subnet)
	}
	want := v.Address.Unmap()
	for _, f := range port.FixedIPs {
		if v.Subnet != "" && v.Subnet != f.Subnet || want.IsValid() && want != f.Address {
			continue
		}
		if _, ok := t.st.serviceAddrs[f.Address]; ok {
			return Errorf(Conflict, "The VIP IP address is already in use: IP address %s already allocated in subnet %s", f.Address, f.Subnet)
		}
		if !want.IsValid() {
			v.Text = ""
		}
		v.Address, v.Subnet = f.Address, f.Subnet
		return nil
	}
	if want.IsValid() {
		return invalidf("Specified VIP address not found on the specified VIP port.")
	}
	return invalidf("No VIP address found on the specified VIP port within the specified subnet.")
}
