package store

import "lbd/store/model"

// Refusals about networks, subnets, ports, routers and floating IPs are worded
// as Neutron words them.

func (t *tx) networkCreate(p *model.Network) error {
	if err := fresh(t.st.networks, p.ID); err != nil {
		return err
	}

	n := *p
	t.bornRecord(&n.Record)
	t.st.putNetwork(&n)
	return nil
}

func (t *tx) networkUpdate(p *NetworkPatch) error {
	old, ok := t.st.networks[p.ID]
	if !ok {
		return networkNotFound(p.ID)
	}
	if p.External != nil && !*p.External && (len(t.st.routersTo[p.ID]) > 0 || len(t.st.floatingOn[p.ID]) > 0) {
		return Errorf(Conflict, "External network %s cannot be updated to be made non-external, since it has existing gateway ports.", p.ID)
	}

	n := *old
	set(&n.Name, p.Name)
	set(&n.Description, p.Description)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.External, p.External)
	set(&n.Shared, p.Shared)
	set(&n.Tags, p.Tags)
	t.changed(&n.Record)
	t.st.putNetwork(&n)
	return nil
}

// networkDelete removes a network and its subnets, unless something uses them.
func (t *tx) networkDelete(p *NetworkRef) error {
	old, ok := t.st.networks[p.ID]
	if !ok {
		return networkNotFound(p.ID)
	}
	// A router's gateway is a port too.
	if len(t.st.portsOn[p.ID]) > 0 || len(t.st.floatingOn[p.ID]) > 0 {
		return Errorf(Conflict, "Unable to complete operation on network %s. There are one or more ports still in use on the network.", p.ID)
	}
	subnets := t.st.SubnetsOf(p.ID)
	for _, sn := range subnets {
		if err := t.subnetUnused(sn); err != nil {
			return err
		}
	}

	for _, sn := range subnets {
		t.st.dropSubnet(sn)
	}
	t.st.dropNetwork(old)
	return nil
}

// bornRecord fills what apply owns in a new network or identity object.
func (t *tx) bornRecord(r *model.Record) {
	r.Created, r.Updated, r.Revision = t.at, t.at, t.index
}

func (t *tx) changed(r *model.Record) {
	r.Updated, r.Revision = t.at, t.index
}

func networkNotFound(id model.NetworkID) error {
	return Errorf(NotFound, "Network %s could not be found.", id)
}

func subnetNotFound(id model.SubnetID) error {
	return Errorf(NotFound, "Subnet %s could not be found.", id)
}

func portNotFound(id model.PortID) error {
	return Errorf(NotFound, "Port %s could not be found.", id)
}

func routerNotFound(id model.RouterID) error {
	return Errorf(NotFound, "Router %s could not be found.", id)
}

func floatingIPNotFound(id model.FloatingIPID) error {
	return Errorf(NotFound, "Floating IP %s could not be found", id)
}
