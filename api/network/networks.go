package network

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
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

func networkKind() *kind[model.Network] {
	return &kind[model.Network]{
		one: "network", many: "networks", noun: "Network", typ: "Network",
		all:     func(st *store.State) []*model.Network { return st.Networks() },
		get:     func(st *store.State, id string) (*model.Network, bool) { return st.Network(model.NetworkID(id)) },
		visible: func(_ *store.State, c *auth.Caller, n *model.Network) bool { return networkVisible(c, n) },
		view:    networkView,
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
	v["is_default"] = false
	v["mtu"] = orDefault(n.MTU, defaultMTU)
	v["port_security_enabled"] = false
	v["availability_zones"] = []string{}
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

func (p *Part) mountNetworks(r *api.Router, base string) {
	k := networkKind()
	project := func(n *model.Network) model.ProjectID { return n.Project }
	mountTags(r, p, base, k, project, func(n *model.Network, tags []string) (store.CommandKind, any) {
		return store.NetworkUpdate, &store.NetworkPatch{ID: n.ID, Tags: &tags}
	})
	handle(r, "GET", base+"/networks", k.list(p))
	handle(r, "GET", base+"/networks/:id", k.show(p))
	handle(r, "POST", base+"/networks", func(c echo.Context) error {
		n, err := newNetwork(c)
		if err != nil {
			return err
		}
		if err := p.apply(c, store.NetworkCreate, n); err != nil {
			return err
		}
		return k.answer(c, p, http.StatusCreated, string(n.ID))
	})
	handle(r, "PUT", base+"/networks/:id", func(c echo.Context) error {
		n, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		patch, err := networkPatch(c, n)
		if err != nil {
			return err
		}
		if err := p.apply(c, store.NetworkUpdate, patch); err != nil {
			return err
		}
		return k.answer(c, p, http.StatusOK, string(n.ID))
	})
	handle(r, "DELETE", base+"/networks/:id", func(c echo.Context) error {
		n, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		if err := p.apply(c, store.NetworkDelete, &store.NetworkRef{ID: n.ID}); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

func newNetwork(c echo.Context) (*model.Network, error) {
	b, err := readBody(c, "network")
	if err != nil {
		return nil, err
	}
	n := &model.Network{
		ID: model.NetworkID(uuid.NewString()),
		Record: model.Record{
			Name: or(b.text("name"), ""), Description: or(b.text("description"), ""), Tags: or(b.texts("tags"), nil), Project: b.project(c),
		},
		AdminStateUp: or(b.boolean("admin_state_up"), true),
	}
	b.onlyAdmin(c, "router:external", "shared", "provider:network_type", "provider:physical_network", "provider:segmentation_id")
	n.External = or(b.boolean("router:external"), false)
	n.Shared = or(b.boolean("shared"), false)
	n.ProviderType = or(b.text("provider:network_type"), "")
	n.PhysicalNetwork = or(b.text("provider:physical_network"), "")
	n.SegmentationID = or(b.integer("provider:segmentation_id", 0, mostSegment), 0)
	n.MTU = or(b.integer("mtu", leastMTU, mostMTU), 0)
	networkTruths(b)
	if err := b.done(); err != nil {
		return nil, err
	}
	return n, mayCreate(c, "network", n.Project)
}

func networkPatch(c echo.Context, n *model.Network) (*store.NetworkPatch, error) {
	b, err := readBody(c, "network")
	if err != nil {
		return nil, err
	}
	b.onlyAdmin(c, "router:external", "shared")
	patch := &store.NetworkPatch{
		ID: n.ID, Name: b.text("name"), Description: b.text("description"), AdminStateUp: b.boolean("admin_state_up"),
		External: b.boolean("router:external"), Shared: b.boolean("shared"), Tags: b.texts("tags"),
	}
	if mtu := b.integer("mtu", leastMTU, mostMTU); mtu != nil && *mtu != orDefault(n.MTU, defaultMTU) {
		b.fail(unsupported("The mtu of a network cannot be changed."))
	}
	networkTruths(b)
	return patch, b.done()
}

// networkTruths takes what a client may say of a network although lbd has no
// choice about it.
func networkTruths(b *body) {
	b.only("port_security_enabled", "false")
	b.only("is_default", "false")
	b.only("vlan_transparent", "false")
	b.only("availability_zone_hints", "[]")
	b.only("dns_domain", `""`)
	b.only("qos_policy_id")
	b.only("segments", "[]")
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
