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
	AdminStateUp    *bool   `json:"admin_state_up,omitempty"`
	External        *bool   `json:"external,omitempty"`
	Shared          *bool   `json:"shared,omitempty"`
	IsDefault       *bool   `json:"is_default,omitempty"`
	MTU             *int    `json:"mtu,omitempty"`
	DNSDomain       *string `json:"dns_domain,omitempty"`
	PortSecurityOff *bool   `json:"port_security_off,omitempty"`
}

// SubnetPatch changes a subnet.
type SubnetPatch struct {
	ID model.SubnetID `json:"id"`
	RecordPatch
	Gateway        *netip.Addr           `json:"gateway,omitempty"`
	EnableDHCP     *bool                 `json:"enable_dhcp,omitempty"`
	DNSNameservers *[]netip.Addr         `json:"dns_nameservers,omitempty"`
	Pools          *[]model.AddressRange `json:"pools,omitempty"`
	HostRoutes     *[]model.Route        `json:"host_routes,omitempty"`
	ServiceTypes   *[]string             `json:"service_types,omitempty"`
	DNSPublish     *bool                 `json:"dns_publish,omitempty"`
}

// PortPatch changes a port. FixedIPs are placed as at its creation; addresses
// that stay are kept.
type PortPatch struct {
	ID model.PortID `json:"id"`
	RecordPatch
	AdminStateUp    *bool                    `json:"admin_state_up,omitempty"`
	FixedIPs        *[]model.FixedIP         `json:"fixed_ips,omitempty"`
	DeviceID        *string                  `json:"device_id,omitempty"`
	DeviceOwner     *string                  `json:"device_owner,omitempty"`
	MAC             *string                  `json:"mac,omitempty"`
	SecurityGroups  *[]model.SecurityGroupID `json:"security_groups,omitempty"`
	AddressPairs    *[]model.AddressPair     `json:"address_pairs,omitempty"`
	PortSecurityOff *bool                    `json:"port_security_off,omitempty"`
	DNSName         *string                  `json:"dns_name,omitempty"`
	DNSDomain       *string                  `json:"dns_domain,omitempty"`
	HostID          *string                  `json:"host_id,omitempty"`
	VNICType        *string                  `json:"vnic_type,omitempty"`
	Profile         *string                  `json:"profile,omitempty"`
}

// RouterCreatePayload makes a router; with Router.External set, GatewayPort is
// the identity of the port to make there and apply allocates its address: those
// of GatewayPort.FixedIPs where it names any.
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
	Routes       *[]model.Route   `json:"routes,omitempty"`
	GatewayPort  model.Port       `json:"gateway_port"`
}

// RouterAttachPayload gives a router an interface. With Existing set that port
// becomes it. Else Port is the identity of the port to make in Subnet; apply
// gives it the subnet's gateway address.
type RouterAttachPayload struct {
	Router   model.RouterID `json:"router"`
	Subnet   model.SubnetID `json:"subnet"`
	Port     model.Port     `json:"port"`
	Existing model.PortID   `json:"existing,omitempty"`
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
	Port      *model.PortID `json:"port,omitempty"`
	Fixed     netip.Addr    `json:"fixed,omitzero"`
	DNSName   *string       `json:"dns_name,omitempty"`
	DNSDomain *string       `json:"dns_domain,omitempty"`
}

// SecurityGroupCreatePayload makes a group with its first rules. A second
// default group of a project is refused as a conflict.
type SecurityGroupCreatePayload struct {
	Group model.SecurityGroup       `json:"group"`
	Rules []model.SecurityGroupRule `json:"rules,omitempty"`
}

// SecurityGroupPatch changes a group.
type SecurityGroupPatch struct {
	ID model.SecurityGroupID `json:"id"`
	RecordPatch
	Stateless *bool `json:"stateless,omitempty"`
}

// SecurityGroupRulePatch changes what is not what the rule allows.
type SecurityGroupRulePatch struct {
	ID model.SecurityGroupRuleID `json:"id"`
	RecordPatch
}

// References for deletes.
type (
	SecurityGroupRef struct {
		ID model.SecurityGroupID `json:"id"`
	}
	SecurityGroupRuleRef struct {
		ID model.SecurityGroupRuleID `json:"id"`
	}
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
