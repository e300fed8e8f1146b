package model

import "net/netip"

// LoadBalancer is one service address (or several) with the listeners below it.
type LoadBalancer struct {
	ID LoadBalancerID `json:"id"`
	Base

	VIP VIP `json:"vip"`
	// AdditionalVIPs are further addresses on the same network.
	AdditionalVIPs []VIP `json:"additional_vips,omitempty"`

	// OwnGroups says that the security groups of the VIP port were given as
	// vip_sg_ids: they are shown as such, and limit who may connect even on a
	// port that the client brought along (decision 0030).
	OwnGroups bool `json:"own_groups,omitempty"`

	// Provider is the name asked for: lbd, octavia or amphora, all served alike.
	Provider         string   `json:"provider"`
	Flavor           FlavorID `json:"flavor,omitempty"`
	AvailabilityZone ZoneName `json:"availability_zone,omitempty"`
	QoSPolicy        string   `json:"qos_policy,omitempty"`
}

// VIP is one service address and where it came from.
type VIP struct {
	Address netip.Addr `json:"address"`
	// Text is the address as the client sent it ("FE80::0001"); the API
	// returns it verbatim. Empty when the address was allocated.
	Text    string    `json:"text,omitempty"`
	Port    PortID    `json:"port"`
	Subnet  SubnetID  `json:"subnet"`
	Network NetworkID `json:"network"`
}

// String is the address as the API shows it.
func (v VIP) String() string { return addrText(v.Address, v.Text) }

func addrText(a netip.Addr, text string) string {
	if text != "" {
		return text
	}
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
