package model

import "slices"

// DefaultProvider serves load balancers whose creator named no provider and no
// flavor.
const DefaultProvider = "lbd"

// Topologies a flavor may ask for: what it expects at least. Every load
// balancer has a standby wherever the cluster has a second data node.
const (
	TopologySingle        = "SINGLE"
	TopologyActiveStandby = "ACTIVE_STANDBY"
)

// Flavor is a named choice of what a load balancer offers (contract 3.10).
// Names are unique.
type Flavor struct {
	ID          FlavorID        `json:"id"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Enabled     bool            `json:"enabled,omitempty"`
	Profile     FlavorProfileID `json:"profile"`
}

// FlavorProfile says what a flavor means to its provider.
type FlavorProfile struct {
	ID       FlavorProfileID `json:"id"`
	Name     string          `json:"name"`
	Provider string          `json:"provider"`
	FlavorData
}

// FlavorData is a profile's content: the JSON text as it came, and what this
// version read in it.
type FlavorData struct {
	Text     string `json:"text"`
	Topology string `json:"topology,omitempty"` // "" when the text has none
}

// AvailabilityZone is a named choice of where a load balancer is; the name is
// its key.
type AvailabilityZone struct {
	Name        ZoneName      `json:"name"`
	Description string        `json:"description,omitempty"`
	Enabled     bool          `json:"enabled,omitempty"`
	Profile     ZoneProfileID `json:"profile"`
}

// ZoneProfile says what an availability zone means to its provider.
type ZoneProfile struct {
	ID       ZoneProfileID `json:"id"`
	Name     string        `json:"name"`
	Provider string        `json:"provider"`
	ZoneData
}

// ZoneData is a profile's content, as FlavorData is.
type ZoneData struct {
	Text string `json:"text"`
	// VIPNetworks are those that load balancers of the zone may have VIPs on;
	// empty: all.
	VIPNetworks []NetworkID `json:"vip_networks,omitempty"`
}

// Admits reports whether load balancers of the zone may have VIPs on a network.
func (d *ZoneData) Admits(network NetworkID) bool {
	return len(d.VIPNetworks) == 0 || slices.Contains(d.VIPNetworks, network)
}
