package model

import (
	"net/netip"
	"time"
)

// Record is what every network and identity object carries.
type Record struct {
	Project     ProjectID `json:"project,omitempty"`
	Name        string    `json:"name,omitempty"`
	Description string    `json:"description,omitempty"`
	Tags        []string  `json:"tags,omitempty"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
	Revision    uint64    `json:"revision"`
}

// Network groups subnets of one layer 2.
type Network struct {
	ID NetworkID `json:"id"`
	Record
	AdminStateUp    bool   `json:"admin_state_up"`
	External        bool   `json:"external,omitempty"` // router:external: floating IPs come from it
	Shared          bool   `json:"shared,omitempty"`
	ProviderType    string `json:"provider_type,omitempty"`
	PhysicalNetwork string `json:"physical_network,omitempty"` // interface name on the nodes, where given
	SegmentationID  int    `json:"segmentation_id,omitempty"`
	MTU             int    `json:"mtu,omitempty"`
	IsDefault       bool   `json:"is_default,omitempty"`
	DNSDomain       string `json:"dns_domain,omitempty"`
	// PortSecurityOff is what new ports of the network begin with.
	PortSecurityOff bool `json:"port_security_off,omitempty"`
}

// Subnet is an address range of a network. It is real: nodes serve its VIPs on
// the interface that has an address in CIDR.
type Subnet struct {
	ID SubnetID `json:"id"`
	Record
	Network        NetworkID      `json:"network"`
	CIDR           netip.Prefix   `json:"cidr"`
	Gateway        netip.Addr     `json:"gateway,omitzero"`
	EnableDHCP     bool           `json:"enable_dhcp"`
	Pools          []AddressRange `json:"pools,omitempty"`
	DNSNameservers []netip.Addr   `json:"dns_nameservers,omitempty"`
	// What lbd stores for servers that others configure:
	HostRoutes      []Route  `json:"host_routes,omitempty"`
	ServiceTypes    []string `json:"service_types,omitempty"`
	IPv6RAMode      string   `json:"ipv6_ra_mode,omitempty"`
	IPv6AddressMode string   `json:"ipv6_address_mode,omitempty"`
	DNSPublish      bool     `json:"dns_publish,omitempty"`
}

// Route is a destination and where to send it.
type Route struct {
	Destination netip.Prefix `json:"destination"`
	NextHop     netip.Addr   `json:"nexthop"`
}

// AddressRange is inclusive at both ends.
type AddressRange struct {
	Start netip.Addr `json:"start"`
	End   netip.Addr `json:"end"`
}

// Port is an address in use: a VIP, a router interface, a gateway, a floating IP.
type Port struct {
	ID PortID `json:"id"`
	Record
	Network      NetworkID `json:"network"`
	AdminStateUp bool      `json:"admin_state_up"`
	MAC          string    `json:"mac,omitempty"`
	FixedIPs     []FixedIP `json:"fixed_ips,omitempty"`
	DeviceID     string    `json:"device_id,omitempty"`
	DeviceOwner  string    `json:"device_owner,omitempty"`

	SecurityGroups  []SecurityGroupID `json:"security_groups,omitempty"`
	AddressPairs    []AddressPair     `json:"address_pairs,omitempty"`
	PortSecurityOff bool              `json:"port_security_off,omitempty"`
	DNSName         string            `json:"dns_name,omitempty"`
	DNSDomain       string            `json:"dns_domain,omitempty"`
	HostID          string            `json:"host_id,omitempty"`
	VNICType        string            `json:"vnic_type,omitempty"` // "" for normal
	// Profile is a JSON object that clients store with a port.
	Profile string `json:"profile,omitempty"`
}

// AddressPair is a further address that a port may use. MAC is empty for the
// port's own.
type AddressPair struct {
	Address netip.Prefix `json:"address"`
	Text    string       `json:"text"` // as the client wrote it
	MAC     string       `json:"mac,omitempty"`
}

// Device owners lbd itself writes.
const (
	OwnerVIP             = "Octavia"
	OwnerRouterInterface = "network:router_interface"
	OwnerRouterGateway   = "network:router_gateway"
	OwnerFloatingIP      = "network:floatingip"
)

// FixedIP is one address of a port.
type FixedIP struct {
	Subnet  SubnetID   `json:"subnet"`
	Address netip.Addr `json:"address"`
}

// Router says which subnets a floating IP can reach. Its subnet interfaces are
// the ports whose DeviceID is the router's id.
type Router struct {
	ID RouterID `json:"id"`
	Record
	AdminStateUp bool      `json:"admin_state_up"`
	External     NetworkID `json:"external,omitempty"`     // gateway network
	GatewayPort  PortID    `json:"gateway_port,omitempty"` // on External
	Routes       []Route   `json:"routes,omitempty"`
}

// FloatingIP is a public address the active node answers for.
type FloatingIP struct {
	ID FloatingIPID `json:"id"`
	Record
	Network NetworkID  `json:"network"` // external
	Subnet  SubnetID   `json:"subnet"`
	Address netip.Addr `json:"address"`
	Port    PortID     `json:"port,omitempty"`   // the bound port, "" when free
	Fixed   netip.Addr `json:"fixed,omitzero"`   // the bound port's address
	Router  RouterID   `json:"router,omitempty"` // connects Network with the port's subnet

	DNSName   string `json:"dns_name,omitempty"`
	DNSDomain string `json:"dns_domain,omitempty"`
}
