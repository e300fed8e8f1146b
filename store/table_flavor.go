package store

import (
	"cmp"

	"lbd/store/model"
)

func (st *State) putFlavor(n *model.Flavor) {
	if old, ok := st.flavors[n.ID]; ok {
		delete(st.flavorAt, old.Name)
	}
	st.flavors[n.ID] = n // its profile never changes
	st.flavorAt[n.Name] = n.ID
	st.flavorsBy.add(n.Profile, n.ID)
}

func (st *State) dropFlavor(old *model.Flavor) {
	delete(st.flavorAt, old.Name)
	st.flavorsBy.remove(old.Profile, old.ID)
	delete(st.flavors, old.ID)
}

func (st *State) putFlavorProfile(n *model.FlavorProfile) { st.flavorProfiles[n.ID] = n }

func (st *State) putZone(n *model.AvailabilityZone) {
	st.zones[n.Name] = n // its profile never changes
	st.zonesBy.add(n.Profile, n.Name)
}

func (st *State) dropZone(old *model.AvailabilityZone) {
	st.zonesBy.remove(old.Profile, old.Name)
	delete(st.zones, old.Name)
}

func (st *State) putZoneProfile(n *model.ZoneProfile) { st.zoneProfiles[n.ID] = n }

func (st *State) Flavor(id model.FlavorID) (*model.Flavor, bool) { return get(st.flavors, id) }

func (st *State) FlavorProfile(id model.FlavorProfileID) (*model.FlavorProfile, bool) {
	return get(st.flavorProfiles, id)
}

func (st *State) Zone(name model.ZoneName) (*model.AvailabilityZone, bool) {
	return get(st.zones, name)
}

func (st *State) ZoneProfile(id model.ZoneProfileID) (*model.ZoneProfile, bool) {
	return get(st.zoneProfiles, id)
}

// Flavors and the other lists here are in order of their keys: none of them
// has a time of creation.
func (st *State) Flavors() []*model.Flavor {
	return all(st.flavors, func(a, b *model.Flavor) int { return cmp.Compare(a.ID, b.ID) })
}

func (st *State) FlavorProfiles() []*model.FlavorProfile {
	return all(st.flavorProfiles, func(a, b *model.FlavorProfile) int { return cmp.Compare(a.ID, b.ID) })
}

func (st *State) Zones() []*model.AvailabilityZone {
	return all(st.zones, func(a, b *model.AvailabilityZone) int { return cmp.Compare(a.Name, b.Name) })
}

func (st *State) ZoneProfiles() []*model.ZoneProfile {
	return all(st.zoneProfiles, func(a, b *model.ZoneProfile) int { return cmp.Compare(a.ID, b.ID) })
}

// Topology is what a load balancer's flavor asks for, where it has one.
func (st *State) Topology(lb *model.LoadBalancer) string {
	if f, ok := st.flavors[lb.Flavor]; ok {
		if t := st.flavorProfiles[f.Profile].Topology; t != "" {
			return t
		}
	}
	return model.TopologyActiveStandby
}
