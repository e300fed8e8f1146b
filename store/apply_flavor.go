package store

import "lbd/store/model"

func (t *tx) flavorCreate(p *model.Flavor) error {
	if err := fresh(t.st.flavors, p.ID); err != nil {
		return err
	}
	if _, ok := t.st.flavorProfiles[p.Profile]; !ok {
		return Errorf(Invalid, "Flavor Profile %s not found.", p.Profile)
	}
	if _, ok := t.st.flavorAt[p.Name]; ok {
		return flavorExists(p.Name)
	}

	n := *p
	t.st.putFlavor(&n)
	return nil
}

func (t *tx) flavorUpdate(p *FlavorPatch) error {
	old, ok := t.st.flavors[p.ID]
	if !ok {
		return notFound("Flavor", p.ID)
	}
	if p.Name != nil {
		if id, ok := t.st.flavorAt[*p.Name]; ok && id != p.ID {
			return flavorExists(*p.Name)
		}
	}

	n := *old
	set(&n.Name, p.Name)
	set(&n.Description, p.Description)
	set(&n.Enabled, p.Enabled)
	t.st.putFlavor(&n)
	return nil
}

func (t *tx) flavorDelete(p *FlavorRef) error {
	old, ok := t.st.flavors[p.ID]
	if !ok {
		return notFound("Flavor", p.ID)
	}
	if len(t.st.flavoredLoads[p.ID]) > 0 {
		return inUse("Flavor", p.ID)
	}

	t.st.dropFlavor(old)
	return nil
}

func (t *tx) flavorProfileCreate(p *model.FlavorProfile) error {
	if err := fresh(t.st.flavorProfiles, p.ID); err != nil {
		return err
	}

	n := *p
	t.st.putFlavorProfile(&n)
	return nil
}

func (t *tx) flavorProfileUpdate(p *FlavorProfilePatch) error {
	old, ok := t.st.flavorProfiles[p.ID]
	if !ok {
		return notFound("Flavor Profile", p.ID)
	}
	if (p.Provider != nil || p.Data != nil) && len(t.st.flavorsBy[p.ID]) > 0 {
		return inUse("Flavor profile", p.ID)
	}

	n := *old
	set(&n.Name, p.Name)
	set(&n.Provider, p.Provider)
	set(&n.FlavorData, p.Data)
	t.st.putFlavorProfile(&n)
	return nil
}

func (t *tx) flavorProfileDelete(p *FlavorProfileRef) error {
	if _, ok := t.st.flavorProfiles[p.ID]; !ok {
		return notFound("Flavor profile", p.ID)
	}
	if len(t.st.flavorsBy[p.ID]) > 0 {
		return inUse("Flavor profile", p.ID)
	}

	delete(t.st.flavorProfiles, p.ID)
	return nil
}

func flavorExists(name string) error { return Errorf(Conflict, "A flavor of %s already exists.", name) }

// inUse refuses to change or remove what others refer to.
func inUse[I ~string](noun string, id I) error {
	return Errorf(Conflict, "%s %s is in use and cannot be modified.", noun, id)
}

// chosen checks what a new load balancer, its VIPs resolved, names of flavors
// and zones. A flavor brings the provider along where none was asked for.
func (t *tx) chosen(n *model.LoadBalancer) error {
	if n.Flavor != "" {
		f, ok := t.st.flavors[n.Flavor]
		if !ok {
			return invalidf("Invalid flavor_id.")
		}
		if !f.Enabled {
			return Errorf(Invalid, "The selected flavor is not allowed in this deployment: %s", f.ID)
		}
		provider := t.st.flavorProfiles[f.Profile].Provider
		if n.Provider != "" && n.Provider != provider {
			return Errorf(Invalid, "Flavor '%s' is not compatible with provider '%s'", f.ID, n.Provider)
		}
		n.Provider = provider
	}
	if n.AvailabilityZone == "" {
		return nil
	}
	z, ok := t.st.zones[n.AvailabilityZone]
	if !ok {
		return invalidf("Invalid availability zone.")
	}
	if !z.Enabled {
		return Errorf(Invalid, "The selected availability_zone is not allowed in this deployment: %s", z.Name)
	}
	if !t.st.zoneProfiles[z.Profile].Admits(n.VIP.Network) {
		return invalidf("Supplied VIP network_id is not allowed by the configuration of this deployment.")
	}
	return nil
}
