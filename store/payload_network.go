package store

import (
	"net/netip"

	"lbd/store/model"
)

// RecordPatch changes what all network objects have. It is part of their
// patches.
type RecordPatch struct {
	Name        *string   `json:"name,omitempty"`
	Description *string   `json:"description,omitempty"`
	Tags        *[]string `json:"tags,omitempty"`
	// AddTag and DropTag change one tag and leave the others to other callers.
	AddTag  string `json:"add_tag,omitempty"`
	DropTag string `json:"drop_tag,omitempty"`
	// Match is the revision that the caller has seen; 0 for any.
	Match uint64 `json:"match,omitempty"`
}

// NetworkPatch changes a network.
type NetworkPatch struct {
	ID model.NetworkID `json:"id"`
	RecordPatch
	AdminStateUp *bool `json:"admin_state_up,omitempty"`
	External     *bool `json:"external,omitempty"`
	Shared       *bool `json:"shared,omitempty"`
}

// SubnetPatch changes a subnet.
type SubnetPatch struct {
	ID model.SubnetID `json:"id"`
	RecordPatch
	Gateway        *netip.Addr   `json:"gateway,omitempty"`
	EnableDHCP     *bool         `json:"enable_dhcp,omitempty"`
	DNSNameservers *[]netip.Addr `json:"dns_nameservers,omitempty"`
}

// PortPatch changes a port.
type PortPatch struct {
	ID model.PortID `json:"id"`
	RecordPatch
	AdminStateUp *bool `json:"admin_state_up,omitempty"`
}

// RouterCreatePayload makes a router; with Router.External set, GatewayPort is
// the identity of the port to make there and apply allocates its address.
type RouterCreatePayload struct {
	Router      model.Router `json:"router"`
	GatewayPort model.Port   `json:"gateway_port"`
}

// RouterPatch changes a router. External replaces the gateway network ("" clears
// it); GatewayPort is the identity of the port to make on the new one.
type RouterPatch struct {
	ID model.RouterID `json:"id"`
	RecordPatch
	AdminStateUp *bool            `json:"admin_state_up,omitempty"`
	External     *model.NetworkID `json:"external,omitempty"`
	GatewayPort  model.Port       `json:"gateway_port"`
}

// RouterAttachPayload gives a router an interface in Subnet. Port is the
// identity of the port to make; apply gives it the subnet's gateway address.
type RouterAttachPayload struct {
	Router model.RouterID `json:"router"`
	Subnet model.SubnetID `json:"subnet"`
	Port   model.Port     `json:"port"`
}

// RouterDetachPayload removes the interface in Subnet (or the one that is Port).
type RouterDetachPayload struct {
	Router model.RouterID `json:"router"`
	Subnet model.SubnetID `json:"subnet,omitempty"`
	Port   model.PortID   `json:"port,omitempty"`
}

// FloatingIPCreatePayload makes a floating IP: apply allocates Address from
// Network (Subnet of it when set) where none was given, and binds it when
// FloatingIP.Port is set (FloatingIP.Fixed may pick one of its addresses).
type FloatingIPCreatePayload struct {
	FloatingIP model.FloatingIP `json:"floating_ip"`
}

// FloatingIPPatch binds (Port), frees (Port pointing to ""), or describes.
type FloatingIPPatch struct {
	ID model.FloatingIPID `json:"id"`
	RecordPatch
	Port  *model.PortID `json:"port,omitempty"`
	Fixed netip.Addr    `json:"fixed,omitzero"`
}

// References for deletes.
type (
	NetworkRef struct {
		ID model.NetworkID `json:"id"`
	}
	SubnetRef struct {
		ID model.SubnetID `json:"id"`
	}
	PortRef struct {
		ID model.PortID `json:"id"`
	}
	RouterRef struct {
		ID model.RouterID `json:"id"`
	}
	FloatingIPRef struct {
		ID model.FloatingIPID `json:"id"`
	}
)
