package store

import "lbd/store/model"

// FlavorPatch changes a flavor; its profile stays.
type FlavorPatch struct {
	ID          model.FlavorID `json:"id"`
	Name        *string        `json:"name,omitempty"`
	Description *string        `json:"description,omitempty"`
	Enabled     *bool          `json:"enabled,omitempty"`
}

// FlavorRef names a flavor.
type FlavorRef struct {
	ID model.FlavorID `json:"id"`
}

// FlavorProfilePatch changes a flavor profile: only the name while a flavor
// uses it.
type FlavorProfilePatch struct {
	ID       model.FlavorProfileID `json:"id"`
	Name     *string               `json:"name,omitempty"`
	Provider *string               `json:"provider,omitempty"`
	Data     *model.FlavorData     `json:"data,omitempty"`
}

// FlavorProfileRef names a flavor profile.
type FlavorProfileRef struct {
	ID model.FlavorProfileID `json:"id"`
}

// ZonePatch changes an availability zone; its name and profile stay.
type ZonePatch struct {
	Name        model.ZoneName `json:"name"`
	Description *string        `json:"description,omitempty"`
	Enabled     *bool          `json:"enabled,omitempty"`
}

// ZoneRef names an availability zone.
type ZoneRef struct {
	Name model.ZoneName `json:"name"`
}

// ZoneProfilePatch changes a profile as FlavorProfilePatch does.
type ZoneProfilePatch struct {
	ID       model.ZoneProfileID `json:"id"`
	Name     *string             `json:"name,omitempty"`
	Provider *string             `json:"provider,omitempty"`
	Data     *model.ZoneData     `json:"data,omitempty"`
}

// ZoneProfileRef names an availability zone profile.
type ZoneProfileRef struct {
	ID model.ZoneProfileID `json:"id"`
}
