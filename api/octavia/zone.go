package octavia

import (
	"lbd/store"
	"lbd/store/model"
)

func zones() *choice[model.AvailabilityZone] {
	type zone = *model.AvailabilityZone
	name := func(x zone) string { return string(x.Name) }
	return &choice[model.AvailabilityZone]{
		resource: &resource[zone]{
			noun: "Availability Zone", one: "availability_zone", many: "availability_zones", links: "availability_zones_links", id: name,
			attrs: []attr[zone]{
				{name: "name", get: func(_ *seen, x zone) any { return name(x) }},
				{name: "description", get: func(_ *seen, x zone) any { return x.Description }},
				{name: "enabled", get: func(_ *seen, x zone) any { return x.Enabled }},
				{name: "availability_zone_profile_id", get: func(_ *seen, x zone) any { return string(x.Profile) }},
			},
		},
		rows: (*store.State).Zones,
		find: func(st *store.State, name string) (zone, bool) { return st.Zone(model.ZoneName(name)) },
		arg:  "availability_zone_", created: store.ZoneCreate, updated: store.ZoneUpdate, removed: store.ZoneDelete,
		create: func(o *object, n zone) (string, error) {
			asked := o.text("name", 255)
			*n = model.AvailabilityZone{
				Name: model.ZoneName(need(o, "name", asked)), Description: o.text("description", 255).V, Enabled: o.boolean("enabled").Or(true),
				Profile: model.ZoneProfileID(need(o, "availability_zone_profile_id", o.id("availability_zone_profile_id"))),
			}
			if asked.Given() && asked.V == "" { // no path leads to it
				o.fail(badValue("name", []byte(`""`), "Value should have a minimum character requirement of 1"))
			}
			return name(n), o.done()
		},
		update: func(name string, o *object) (any, error) {
			return &store.ZonePatch{
				Name: model.ZoneName(name), Description: o.text("description", 255).Patch(""), Enabled: o.boolean("enabled").Patch(true),
			}, o.done()
		},
		remove: func(name string) any { return &store.ZoneRef{Name: model.ZoneName(name)} },
	}
}

func zoneProfiles() *choice[model.ZoneProfile] {
	type prof = *model.ZoneProfile
	const data = "availability_zone_data"
	id := func(x prof) string { return string(x.ID) }
	return &choice[model.ZoneProfile]{
		resource: &resource[prof]{
			noun: "Availability Zone Profile", one: "availability_zone_profile", many: "availability_zone_profiles",
			links: "availability_zone_profile_links", id: id,
			attrs: []attr[prof]{
				{name: "id", get: func(_ *seen, x prof) any { return id(x) }},
				{name: "name", get: func(_ *seen, x prof) any { return x.Name }},
				{name: "provider_name", get: func(_ *seen, x prof) any { return x.Provider }},
				{name: data, get: func(_ *seen, x prof) any { return x.Text }},
			},
		},
		adminReads: true,
		rows:       (*store.State).ZoneProfiles,
		find:       func(st *store.State, id string) (prof, bool) { return st.ZoneProfile(model.ZoneProfileID(id)) },
		arg:        "availability_zone_profile_", created: store.ZoneProfileCreate, updated: store.ZoneProfileUpdate, removed: store.ZoneProfileDelete,
		create: func(o *object, n prof) (string, error) {
			name, provider, text := profileFields(o, data)
			*n = model.ZoneProfile{ID: model.ZoneProfileID(newID()), Name: needText(o, "name", name), Provider: need(o, "provider_name", provider)}
			need(o, data, text)
			if err := o.done(); err != nil {
				return "", err
			}
			var err error
			n.ZoneData, err = zoneData(n.Provider, text.V, data)
			return string(n.ID), err
		},
		update: func(id string, o *object) (any, error) {
			name, provider, text := profileFields(o, data)
			if err := o.done(); err != nil {
				return nil, err
			}
			if err := notNull(map[string]Opt[string]{"name": name, "provider_name": provider, data: text}); err != nil {
				return nil, err
			}
			p := &store.ZoneProfilePatch{ID: model.ZoneProfileID(id), Name: name.Patch(""), Provider: provider.Patch("")}
			d, err := zoneData(provider.Or(model.DefaultProvider), text.Or("{}"), "flavor_data") // Octavia's own word for it here
			if text.Set {
				p.Data = &d
			}
			return p, err
		},
		remove: func(id string) any { return &store.ZoneProfileRef{ID: model.ZoneProfileID(id)} },
	}
}
