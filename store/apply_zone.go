package store

import "lbd/store/model"

func (t *tx) zoneCreate(p *model.AvailabilityZone) error {
	if p.Name == "" {
		return invalidf("the availability zone has no name.")
	}
	if _, ok := t.st.zones[p.Name]; ok {
		return Errorf(Conflict, "A availability zone of %s already exists.", p.Name)
	}
	if _, ok := t.st.zoneProfiles[p.Profile]; !ok {
		return Errorf(Invalid, "Availability Zone Profile %s not found.", p.Profile)
	}

	n := *p
	t.st.putZone(&n)
	return nil
}

func (t *tx) zoneUpdate(p *ZonePatch) error {
	old, ok := t.st.zones[p.Name]
	if !ok {
		return notFound("Availability Zone", p.Name)
	}

	n := *old
	set(&n.Description, p.Description)
	set(&n.Enabled, p.Enabled)
	t.st.putZone(&n)
	return nil
}

func (t *tx) zoneDelete(p *ZoneRef) error {
	old, ok := t.st.zones[p.Name]
	if !ok {
		return notFound("Availability Zone", p.Name)
	}
	if len(t.st.zonedLoads[p.Name]) > 0 {
		return inUse("Availability Zone", p.Name)
	}

	t.st.dropZone(old)
	return nil
}

func (t *tx) zoneProfileCreate(p *model.ZoneProfile) error {
	if err := fresh(t.st.zoneProfiles, p.ID); err != nil {
		return err
	}

	n := *p
	t.st.putZoneProfile(&n)
	return nil
}

func (t *tx) zoneProfileUpdate(p *ZoneProfilePatch) error {
	old, ok := t.st.zoneProfiles[p.ID]
	if !ok {
		return notFound("Availability Zone Profile", p.ID)
	}
	if (p.Provider != nil || p.Data != nil) && len(t.st.zonesBy[p.ID]) > 0 {
		return inUse("Availability Zone Profile", p.ID)
	}

	n := *old
	set(&n.Name, p.Name)
	set(&n.Provider, p.Provider)
	set(&n.ZoneData, p.Data)
	t.st.putZoneProfile(&n)
	return nil
}

func (t *tx) zoneProfileDelete(p *ZoneProfileRef) error {
	if _, ok := t.st.zoneProfiles[p.ID]; !ok {
		return notFound("Availability Zone Profile", p.ID)
	}
	if len(t.st.zonesBy[p.ID]) > 0 {
		return inUse("Availability Zone Profile", p.ID)
	}

	delete(t.st.zoneProfiles, p.ID)
	return nil
}
