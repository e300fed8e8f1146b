package network

import (
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

const (
	defaultMTU         = 1500
	leastMTU, mostMTU  = 68, 65535
	mostSegment        = 1<<24 - 1 // VXLAN's; a VLAN's is smaller
	defaultNetworkType = "flat"    // what a subnet on a node's own interface is
)

func networkResource() *resource[model.Network] {
	return &resource[model.Network]{
		one: "network", many: "networks", noun: "Network", typ: "Network",
		all:     func(st *store.State) []*model.Network { return st.Networks() },
		get:     func(st *store.State, id string) (*model.Network, bool) { return st.Network(model.NetworkID(id)) },
		visible: func(_ *store.State, c *auth.Caller, n *model.Network) bool { return networkVisible(c, n) },
		view:    networkView,
		record:  func(x *model.Network) *model.Record { return &x.Record },
		create:  newNetwork,
		update:  changedNetwork,
		retag: func(x *model.Network, r store.RecordPatch) change {
			return change{store.NetworkUpdate, &store.NetworkPatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.Network) change {
			return change{store.NetworkDelete, &store.NetworkRef{ID: x.ID}, string(x.ID)}
		},
	}
}

func networkVisible(c *auth.Caller, n *model.Network) bool {
	return owns(c, n.Project) || n.Shared || n.External
}

func networkView(st *store.State, c *auth.Caller, n *model.Network) map[string]any {
	v := recordView(string(n.ID), &n.Record)
	subnets := []string{}
	for _, sn := range st.SubnetsOf(n.ID) {
		subnets = append(subnets, string(sn.ID))
	}
	v["subnets"] = subnets
	v["admin_state_up"] = n.AdminStateUp
	v["status"] = status(n.AdminStateUp)
	v["shared"] = n.Shared
	v["router:external"] = n.External
	v["is_default"] = n.IsDefault
	v["dns_domain"], v["vlan_transparent"], v["l2_adjacency"] = n.DNSDomain, nil, true
	v["mtu"] = orDefault(n.MTU, defaultMTU)
	v["port_security_enabled"] = !n.PortSecurityOff
	v["availability_zones"] = []string{defaultZone}
	v["availability_zone_hints"] = []string{}
	v["ipv4_address_scope"], v["ipv6_address_scope"], v["qos_policy_id"] = nil, nil, nil
	if c.IsCloudAdmin() {
		v["provider:network_type"] = orDefault(n.ProviderType, defaultNetworkType)
		v["provider:physical_network"] = orNil(n.PhysicalNetwork)
		v["provider:segmentation_id"] = nil
		if n.SegmentationID != 0 {
			v["provider:segmentation_id"] = n.SegmentationID
		}
	}
	return v
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func newNetwork(_ *Part, c echo.Context, b *body) (change, error) {
	n := &model.Network{
		ID: model.NetworkID(uuid.NewString()), Record: networkResource().born(c, b),
		AdminStateUp: or(b.boolean("admin_state_up"), true),
	}
	b.onlyAdmin(c, "router:external", "shared", "is_default", "provider:network_type", "provider:physical_network", "provider:segmentation_id")
	n.External = or(b.boolean("router:external"), false)
	n.Shared = or(b.boolean("shared"), false)
	n.ProviderType = or(b.text("provider:network_type"), "")
	n.PhysicalNetwork = or(b.text("provider:physical_network"), "")
	n.SegmentationID = or(b.integer("provider:segmentation_id", 0, mostSegment), 0)
	n.MTU = or(b.mtu(), 0)
	n.IsDefault = or(b.boolean("is_default"), false)
	n.DNSDomain = or(b.text("dns_domain"), "")
	n.PortSecurityOff = !or(b.boolean("port_security_enabled"), true)
	networkTruths(b)
	return change{store.NetworkCreate, n, string(n.ID)}, b.done()
}

func changedNetwork(_ *Part, c echo.Context, b *body, n *model.Network) (change, error) {
	b.onlyAdmin(c, "router:external", "shared", "is_default")
	patch := &store.NetworkPatch{
		ID: n.ID, RecordPatch: networkResource().revised(c, b), AdminStateUp: b.boolean("admin_state_up"),
		External: b.boolean("router:external"), Shared: b.boolean("shared"), IsDefault: b.boolean("is_default"),
		MTU: b.mtu(), DNSDomain: b.text("dns_domain"), PortSecurityOff: not(b.boolean("port_security_enabled")),
	}
	networkTruths(b)
	return change{store.NetworkUpdate, patch, string(n.ID)}, b.done()
}

// networkTruths takes what a client may say of a network although lbd has no
// choice about it.
func networkTruths(b *body) {
	b.only("vlan_transparent", "false")
	b.zones("availability_zone_hints")
	b.notThere("qos_policy_id", "QoS policy", "QosPolicy")
	b.only("segments", "[]")
}

// mtu is 0, for the default, or what a link can have.
func (b *body) mtu() *int {
	n := b.integer("mtu", 0, mostMTU)
	if n != nil && *n != 0 && *n < leastMTU {
		b.fail(badInput("mtu", "'%d' is not a number from %d to %d.", *n, leastMTU, mostMTU))
	}
	return n
}

// defaultZone is the availability zone that everything is in.
const defaultZone = "nova"

// zones takes the one zone there is.
func (b *body) zones(key string) {
	for _, z := range or(b.texts(key), nil) {
		if z != defaultZone {
			b.fail(missing("AvailabilityZone", "AvailabilityZone", z))
		}
	}
}

// onlyAdmin refuses attributes that others than an admin may not set, unless
// their value changes nothing.
func (b *body) onlyAdmin(c echo.Context, keys ...string) {
	if caller(c).IsCloudAdmin() {
		return
	}
	for _, key := range keys {
		if v, ok := b.m[key]; ok && !isNull(v) && string(v) != "false" {
			b.fail(forbidden("Policy does not allow this caller to set %s.", key))
		}
	}
}
