package store

import (
	"slices"

	"lbd/store/model"
)

// maxTags bounds the tags of one network object (Neutron's limit).
const maxTags = 50

// Refusals about networks, subnets, ports, routers and floating IPs are worded
// as Neutron words them.

func (t *tx) networkCreate(p *model.Network) error {
	if err := fresh(t.st.networks, p.ID); err != nil {
		return err
	}
	if err := t.within(p.Project, model.QuotaNetwork); err != nil {
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
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}

	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.External, p.External)
	set(&n.Shared, p.Shared)
	set(&n.IsDefault, p.IsDefault)
	set(&n.MTU, p.MTU)
	set(&n.DNSDomain, p.DNSDomain)
	set(&n.PortSecurityOff, p.PortSecurityOff)
	t.st.putNetwork(&n)
	return nil
}

// networkDelete removes a network, its subnets and the floating IPs that lead
// nowhere, unless something uses them.
func (t *tx) networkDelete(p *NetworkRef) error {
	old, ok := t.st.networks[p.ID]
	if !ok {
		return networkNotFound(p.ID)
	}
	idle := some(t.st.floatingIPs, t.st.floatingOn[p.ID], byFloatingIP)
	used := slices.ContainsFunc(idle, func(f *model.FloatingIP) bool { return f.Port != "" })
	// A router's gateway is a port too.
	if len(t.st.portsOn[p.ID]) > 0 || used {
		return Errorf(Conflict, "Unable to complete operation on network %s. There are one or more ports still in use on the network.", p.ID)
	}
	subnets := t.st.SubnetsOf(p.ID)
	for _, sn := range subnets {
		if err := t.subnetHas(sn, len(t.st.portsIn[sn.ID])); err != nil {
			return err
		}
	}

	for _, f := range idle {
		t.st.dropFloatingIP(f)
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

// patch changes what p names and refuses a caller who has seen another revision.
func (t *tx) patch(r *model.Record, p *RecordPatch) error {
	if p.Match != 0 && p.Match != r.Revision {
		return Errorf(Conflict, "Constrained to %d, but current revision is %d", p.Match, r.Revision)
	}
	set(&r.Name, p.Name)
	set(&r.Description, p.Description)
	set(&r.Tags, p.Tags)
	if p.AddTag != "" && !slices.Contains(r.Tags, p.AddTag) {
		r.Tags = slices.Sorted(slices.Values(append(slices.Clone(r.Tags), p.AddTag)))
	}
	if p.DropTag != "" {
		if !slices.Contains(r.Tags, p.DropTag) {
			return Errorf(NotFound, "Tag %s could not be found.", p.DropTag)
		}
		r.Tags = slices.DeleteFunc(slices.Clone(r.Tags), func(s string) bool { return s == p.DropTag })
	}
	if len(r.Tags) > maxTags {
		return Errorf(Invalid, "Invalid input for tags. Reason: %d tags are more than %d.", len(r.Tags), maxTags)
	}
	t.changed(r)
	return nil
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
