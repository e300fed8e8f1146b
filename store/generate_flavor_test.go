package store_test

import (
	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// flavorGenerators are the verbs of flavors and availability zones.
var flavorGenerators = map[store.CommandKind]func(*rapid.T) any{
	store.FlavorCreate: func(t *rapid.T) any {
		return &model.Flavor{
			ID: model.FlavorID(id(t, "flavor")), Name: id(t, "name"), Enabled: rapid.Bool().Draw(t, "enabled"),
			Profile: model.FlavorProfileID(maybe(t, "profile")),
		}
	},
	store.FlavorUpdate: func(t *rapid.T) any {
		return &store.FlavorPatch{
			ID: model.FlavorID(id(t, "flavor")), Name: ptr(id(t, "name")), Enabled: ptr(rapid.Bool().Draw(t, "enabled")),
		}
	},
	store.FlavorDelete: func(t *rapid.T) any { return &store.FlavorRef{ID: model.FlavorID(id(t, "flavor"))} },
	store.FlavorProfileCreate: func(t *rapid.T) any {
		return &model.FlavorProfile{ID: model.FlavorProfileID(id(t, "profile")), Provider: rapid.SampledFrom([]string{"lbd", "octavia"}).Draw(t, "provider")}
	},
	store.FlavorProfileUpdate: func(t *rapid.T) any {
		p := &store.FlavorProfilePatch{ID: model.FlavorProfileID(id(t, "profile")), Name: ptr("n")}
		if rapid.Bool().Draw(t, "data") {
			p.Data = &model.FlavorData{Text: "{}", Topology: model.TopologySingle}
		}
		return p
	},
	store.FlavorProfileDelete: func(t *rapid.T) any {
		return &store.FlavorProfileRef{ID: model.FlavorProfileID(id(t, "profile"))}
	},
	store.ZoneCreate: func(t *rapid.T) any {
		return &model.AvailabilityZone{
			Name: model.ZoneName(maybe(t, "zone")), Enabled: rapid.Bool().Draw(t, "enabled"), Profile: model.ZoneProfileID(maybe(t, "profile")),
		}
	},
	store.ZoneUpdate: func(t *rapid.T) any {
		return &store.ZonePatch{Name: model.ZoneName(id(t, "zone")), Enabled: ptr(rapid.Bool().Draw(t, "enabled"))}
	},
	store.ZoneDelete: func(t *rapid.T) any { return &store.ZoneRef{Name: model.ZoneName(id(t, "zone"))} },
	store.ZoneProfileCreate: func(t *rapid.T) any {
		return &model.ZoneProfile{ID: model.ZoneProfileID(id(t, "profile")), Provider: "lbd", ZoneData: model.ZoneData{Text: "{}"}}
	},
	store.ZoneProfileUpdate: func(t *rapid.T) any {
		return &store.ZoneProfilePatch{
			ID:   model.ZoneProfileID(id(t, "profile")),
			Data: &model.ZoneData{Text: "{}", VIPNetworks: []model.NetworkID{model.NetworkID(id(t, "network"))}},
		}
	},
	store.ZoneProfileDelete: func(t *rapid.T) any { return &store.ZoneProfileRef{ID: model.ZoneProfileID(id(t, "profile"))} },
}
