package store

import (
	"net/netip"
	"slices"

	"lbd/store/model"
)

func (t *tx) routerCreate(p *RouterCreatePayload) error {
	n := p.Router
	if err := fresh(t.st.routers, n.ID); err != nil {
		return err
	}
	if err := t.within(n.Project, model.QuotaRouter); err != nil {
		return err
	}
	port, err := t.gatewayPort(&n, n.External, &p.GatewayPort)
	if err != nil {
		return err
	}

	n.GatewayPort = ""
	if port != nil {
		t.st.putPort(port)
		n.GatewayPort = port.ID
	}
	t.bornRecord(&n.Record)
	t.st.putRouter(&n)
	return nil
}

// gatewayPort makes a router's port on an external network; nil for none.
func (t *tx) gatewayPort(r *model.Router, external model.NetworkID, identity *model.Port) (*model.Port, error) {
	if external == "" {
		return nil, nil
	}
	net, ok := t.st.networks[external]
	if !ok {
		return nil, networkNotFound(external)
	}
	if !net.External {
		return nil, Errorf(Invalid, "Bad router request: Network %s is not an external network.", external)
	}
	if err := fresh(t.st.ports, identity.ID); err != nil {
		return nil, err
	}
	fixed, err := t.placePort(external, identity.FixedIPs, nil)
	if err != nil {
		return nil, err
	}
	return t.routerPort(r, external, identity, model.OwnerRouterGateway, fixed), nil
}

func (t *tx) routerPort(r *model.Router, network model.NetworkID, identity *model.Port, owner string, fixed []model.FixedIP) *model.Port {
	n := *identity
	t.bornRecord(&n.Record)
	n.Project = r.Project
	n.Network, n.FixedIPs = network, fixed
	n.AdminStateUp = true
	n.DeviceID, n.DeviceOwner = string(r.ID), owner
	return &n
}

func (t *tx) routerUpdate(p *RouterPatch) error {
	old, ok := t.st.routers[p.ID]
	if !ok {
		return routerNotFound(p.ID)
	}
	// The same network with other addresses is a move as well.
	move := p.External != nil && (*p.External != old.External || *p.External != "" && len(p.GatewayPort.FixedIPs) > 0 && !t.hasGatewayAt(old, p.GatewayPort.FixedIPs))
	var port *model.Port
	if move {
		for id := range t.st.floatingBy[old.ID] {
			if *p.External != old.External && t.st.floatingIPs[id].Network == old.External {
				return Errorf(Conflict, "Gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs.", old.ID, old.External)
			}
		}
		var err error
		if port, err = t.gatewayPort(old, *p.External, &p.GatewayPort); err != nil {
			return err
		}
	}
	n := *old
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}
	set(&n.Routes, p.Routes)
	if p.Routes != nil {
		if err := t.reachable(&n); err != nil {
			return err
		}
	}

	set(&n.AdminStateUp, p.AdminStateUp)
	if move {
		t.removeGateway(&n)
		n.External = *p.External
		if port != nil {
			t.st.putPort(port)
			n.GatewayPort = port.ID
		}
	}
	t.st.putRouter(&n)
	return nil
}

// hasGatewayAt reports whether a router's gateway has the addresses asked for.
func (t *tx) hasGatewayAt(r *model.Router, wanted []model.FixedIP) bool {
	port, ok := t.st.ports[r.GatewayPort]
	if !ok || len(port.FixedIPs) != len(wanted) {
		return false
	}
	for i, f := range port.FixedIPs {
		if w := wanted[i]; w.Subnet != "" && w.Subnet != f.Subnet || w.Address.IsValid() && w.Address.Unmap() != f.Address {
			return false
		}
	}
	return true
}

func (t *tx) removeGateway(r *model.Router) {
	if port, ok := t.st.ports[r.GatewayPort]; ok {
		t.st.dropPort(port)
	}
	r.GatewayPort = ""
}

func (t *tx) routerDelete(p *RouterRef) error {
	old, ok := t.st.routers[p.ID]
	if !ok {
		return routerNotFound(p.ID)
	}
	if len(t.st.RouterSubnets(p.ID)) > 0 {
		return Errorf(Conflict, "Router %s still has ports", p.ID)
	}

	n := *old
	t.removeGateway(&n)
	t.st.dropRouter(old)
	return nil
}

// routerAttach gives a router the gateway address of a subnet.
func (t *tx) routerAttach(p *RouterAttachPayload) error {
	r, ok := t.st.routers[p.Router]
	if !ok {
		return routerNotFound(p.Router)
	}
	if p.Existing != "" {
		return t.attachPort(r, p.Existing)
	}
	sn, ok := t.st.subnets[p.Subnet]
	if !ok {
		return subnetNotFound(p.Subnet)
	}
	if err := fresh(t.st.ports, p.Port.ID); err != nil {
		return err
	}
	if err := t.attachable(r, sn); err != nil {
		return err
	}
	if !sn.Gateway.IsValid() {
		return Errorf(Invalid, "Bad router request: Subnet for router interface must have a gateway IP.")
	}
	if _, ok := t.st.portAt[networkAddr{sn.Network, sn.Gateway}]; ok {
		return Errorf(Conflict, "IP address %s already allocated in subnet %s", sn.Gateway, sn.ID)
	}

	fixed := []model.FixedIP{{Subnet: sn.ID, Address: sn.Gateway}}
	t.st.putPort(t.routerPort(r, sn.Network, &p.Port, model.OwnerRouterInterface, fixed))
	return nil
}

// attachPort makes a client's port an interface of a router; it goes with it.
func (t *tx) attachPort(r *model.Router, id model.PortID) error {
	port, ok := t.st.ports[id]
	if !ok {
		return portNotFound(id)
	}
	if port.DeviceID != "" {
		return Errorf(Conflict, "Unable to complete operation on port %s for network %s. Port already has an attached device %s.", id, port.Network, port.DeviceID)
	}
	if len(port.FixedIPs) != 1 {
		return Errorf(Invalid, "Bad router request: Router port must have exactly one fixed IP, port %s has %d.", id, len(port.FixedIPs))
	}
	if err := t.attachable(r, t.st.subnets[port.FixedIPs[0].Subnet]); err != nil {
		return err
	}

	n := *port
	t.changed(&n.Record)
	n.DeviceID, n.DeviceOwner = string(r.ID), model.OwnerRouterInterface
	t.st.putPort(&n)
	return nil
}

// attachable refuses a subnet that the router is in already or cannot tell from
// another.
func (t *tx) attachable(r *model.Router, sn *model.Subnet) error {
	for _, id := range t.st.RouterSubnets(r.ID) {
		if id == sn.ID {
			return Errorf(Invalid, "Bad router request: Router already has a port on subnet %s.", sn.ID)
		}
		if other := t.st.subnets[id].CIDR; other.Overlaps(sn.CIDR) {
			return Errorf(Invalid, "Bad router request: Cidr %s of subnet %s overlaps with cidr %s of subnet %s.", sn.CIDR, sn.ID, other, id)
		}
	}
	return nil
}

// reachable wants the next hop of every route in a subnet that the router is in.
func (t *tx) reachable(r *model.Router) error {
	subnets := t.st.RouterSubnets(r.ID)
	if gw, ok := t.st.ports[r.GatewayPort]; ok {
		for _, f := range gw.FixedIPs {
			subnets = append(subnets, f.Subnet)
		}
	}
	for _, route := range r.Routes {
		if !slices.ContainsFunc(subnets, func(id model.SubnetID) bool { return t.st.subnets[id].CIDR.Contains(route.NextHop) }) {
			return Errorf(Invalid, "Invalid format for routes: the nexthop %s is not connected with router", route.NextHop)
		}
	}
	return nil
}

func (t *tx) routerDetach(p *RouterDetachPayload) error {
	r, ok := t.st.routers[p.Router]
	if !ok {
		return routerNotFound(p.Router)
	}
	if _, ok := t.st.subnets[p.Subnet]; p.Subnet != "" && !ok {
		return subnetNotFound(p.Subnet)
	}
	port, err := t.routerInterface(r, p)
	if err != nil {
		return err
	}
	subnet := port.FixedIPs[0].Subnet
	for id := range t.st.floatingBy[r.ID] {
		if in, ok := t.subnetOfFixed(t.st.floatingIPs[id].Port, t.st.floatingIPs[id].Fixed); ok && in == subnet {
			return Errorf(Conflict, "Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more floating IPs.", subnet, r.ID)
		}
	}
	for _, route := range r.Routes {
		if t.st.subnets[subnet].CIDR.Contains(route.NextHop) {
			return Errorf(Conflict, "Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more routes.", subnet, r.ID)
		}
	}

	t.st.dropPort(port)
	t.regrouped(port, nil)
	return nil
}

// routerInterface finds the interface by port or by subnet, or both.
func (t *tx) routerInterface(r *model.Router, p *RouterDetachPayload) (*model.Port, error) {
	for _, port := range t.st.PortsOf(string(r.ID)) {
		if port.DeviceOwner != model.OwnerRouterInterface {
			continue
		}
		if p.Port != "" && p.Port != port.ID || p.Subnet != "" && p.Subnet != port.FixedIPs[0].Subnet {
			continue
		}
		if p.Port != "" || p.Subnet != "" {
			return port, nil
		}
	}
	if p.Port != "" {
		return nil, Errorf(NotFound, "Router %s does not have an interface with id %s", r.ID, p.Port)
	}
	return nil, Errorf(NotFound, "Router %s has no interface on subnet %s", r.ID, p.Subnet)
}

func (t *tx) subnetOfFixed(id model.PortID, fixed netip.Addr) (model.SubnetID, bool) {
	port, ok := t.st.ports[id]
	if !ok {
		return "", false
	}
	for _, f := range port.FixedIPs {
		if f.Address == fixed {
			return f.Subnet, true
		}
	}
	return "", false
}
