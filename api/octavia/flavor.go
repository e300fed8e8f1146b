package octavia

import (
	"lbd/store"
	"lbd/store/model"
)

func flavors() *choice[model.Flavor] {
	type flv = *model.Flavor
	id := func(x flv) string { return string(x.ID) }
	return &choice[model.Flavor]{
		resource: &resource[flv]{
			noun: "Flavor", one: "flavor", many: "flavors", links: "flavors_links", id: id,
			attrs: []attr[flv]{
				{name: "id", get: func(_ *seen, x flv) any { return id(x) }},
				{name: "name", get: func(_ *seen, x flv) any { return x.Name }},
				{name: "description", get: func(_ *seen, x flv) any { return x.Description }},
				{name: "enabled", get: func(_ *seen, x flv) any { return x.Enabled }},
				{name: "flavor_profile_id", get: func(_ *seen, x flv) any { return string(x.Profile) }},
			},
		},
		rows: (*store.State).Flavors,
		find: func(st *store.State, id string) (flv, bool) { return st.Flavor(model.FlavorID(id)) },
		arg:  "flavor_", created: store.FlavorCreate, updated: store.FlavorUpdate, removed: store.FlavorDelete,
		create: func(o *object, n flv) (string, error) {
			*n = model.Flavor{
				ID: model.FlavorID(newID()), Name: needText(o, "name", o.text("name", 255)), Description: o.text("description", 255).V,
				Enabled: o.boolean("enabled").Or(true), Profile: model.FlavorProfileID(need(o, "flavor_profile_id", o.id("flavor_profile_id"))),
			}
			return string(n.ID), o.done()
		},
		update: func(id string, o *object) (any, error) {
			return &store.FlavorPatch{
				ID: model.FlavorID(id), Name: o.text("name", 255).Patch(""), Description: o.text("description", 255).Patch(""),
				Enabled: o.boolean("enabled").Patch(true),
			}, o.done()
		},
		remove: func(id string) any { return &store.FlavorRef{ID: model.FlavorID(id)} },
	}
}

func flavorProfiles() *choice[model.FlavorProfile] {
	type prof = *model.FlavorProfile
	const data = "flavor_data"
	id := func(x prof) string { return string(x.ID) }
	return &choice[model.FlavorProfile]{
		resource: &resource[prof]{
			noun: "Flavor Profile", one: "flavorprofile", many: "flavorprofiles", links: "flavorprofile_links", id: id,
			attrs: []attr[prof]{
				{name: "id", get: func(_ *seen, x prof) any { return id(x) }},
				{name: "name", get: func(_ *seen, x prof) any { return x.Name }},
				{name: "provider_name", get: func(_ *seen, x prof) any { return x.Provider }},
				{name: data, get: func(_ *seen, x prof) any { return x.Text }},
			},
		},
		adminReads: true,
		rows:       (*store.State).FlavorProfiles,
		find:       func(st *store.State, id string) (prof, bool) { return st.FlavorProfile(model.FlavorProfileID(id)) },
		arg:        "flavor_profile_", created: store.FlavorProfileCreate, updated: store.FlavorProfileUpdate, removed: store.FlavorProfileDelete,
		create: func(o *object, n prof) (string, error) {
			name, provider, text := profileFields(o, data)
			*n = model.FlavorProfile{ID: model.FlavorProfileID(newID()), Name: needText(o, "name", name), Provider: need(o, "provider_name", provider)}
			need(o, data, text)
			if err := o.done(); err != nil {
				return "", err
			}
			var err error
			n.FlavorData, err = flavorData(n.Provider, text.V, data)
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
			p := &store.FlavorProfilePatch{ID: model.FlavorProfileID(id), Name: name.Patch(""), Provider: provider.Patch("")}
			d, err := flavorData(provider.Or(model.DefaultProvider), text.Or("{}"), data)
			if text.Set {
				p.Data = &d
			}
			return p, err
		},
		remove: func(id string) any { return &store.FlavorProfileRef{ID: model.FlavorProfileID(id)} },
	}
}
