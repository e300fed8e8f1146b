package network

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

func routerResource() *resource[model.Router] {
	return &resource[model.Router]{
		one: "router", many: "routers", noun: "Router", typ: "Router",
		all:     func(st *store.State) []*model.Router { return st.Routers() },
		get:     func(st *store.State, id string) (*model.Router, bool) { return st.Router(model.RouterID(id)) },
		visible: func(_ *store.State, c *auth.Caller, r *model.Router) bool { return owns(c, r.Project) },
		view:    routerView,
		record:  func(x *model.Router) *model.Record { return &x.Record },
		create:  newRouter,
		update:  changedRouter,
		retag: func(x *model.Router, r store.RecordPatch) change {
			return change{store.RouterUpdate, &store.RouterPatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.Router) change {
			return change{store.RouterDelete, &store.RouterRef{ID: x.ID}, string(x.ID)}
		},
	}
}

func routerView(st *store.State, _ *auth.Caller, r *model.Router) map[string]any {
	v := recordView(string(r.ID), &r.Record)
	v["admin_state_up"] = r.AdminStateUp
	v["status"] = status(r.AdminStateUp)
	v["external_gateway_info"] = nil
	if r.External != "" {
		fixed := []map[string]any{}
		if port, ok := st.Port(r.GatewayPort); ok {
			for _, f := range port.FixedIPs {
				fixed = append(fixed, map[string]any{"subnet_id": string(f.Subnet), "ip_address": f.Address.String()})
			}
		}
		v["external_gateway_info"] = map[string]any{"network_id": string(r.External), "external_fixed_ips": fixed}
	}
	v["routes"] = []any{}
	v["ha"], v["distributed"] = false, false
	v["availability_zones"], v["availability_zone_hints"] = []string{}, []string{}
	v["flavor_id"] = nil
	return v
}

func newRouter(p *Part, c echo.Context, b *body) (change, error) {
	payload := &store.RouterCreatePayload{
		Router: model.Router{
			ID: model.RouterID(uuid.NewString()), Record: routerResource().born(c, b),
			AdminStateUp: or(b.boolean("admin_state_up"), true), External: or(b.gateway("external_gateway_info"), ""),
		},
		GatewayPort: newIdentity(),
	}
	routerTruths(b)
	if err := b.done(); err != nil {
		return change{}, err
	}
	return change{store.RouterCreate, payload, string(payload.Router.ID)}, p.gatewayVisible(c, &payload.Router.External)
}

func changedRouter(p *Part, c echo.Context, b *body, x *model.Router) (change, error) {
	patch := &store.RouterPatch{
		ID: x.ID, RecordPatch: routerResource().revised(c, b), AdminStateUp: b.boolean("admin_state_up"),
		External: b.gateway("external_gateway_info"), GatewayPort: newIdentity(),
	}
	routerTruths(b)
	if err := b.done(); err != nil {
		return change{}, err
	}
	return change{store.RouterUpdate, patch, string(x.ID)}, p.gatewayVisible(c, patch.External)
}

func (p *Part) gatewayVisible(c echo.Context, external *model.NetworkID) error {
	if external == nil || *external == "" {
		return nil
	}
	_, err := networkResource().find(c, p, string(*external))
	return err
}

func routerTruths(b *body) {
	b.only("routes", "[]")
	b.only("ha", "false")
	b.only("distributed", "false")
	b.only("availability_zone_hints", "[]")
	b.only("flavor_id")
	b.only("enable_ndp_proxy", "false")
}

// gateway is the network of {"network_id": N}; null and {} clear it.
func (b *body) gateway(key string) *model.NetworkID {
	v, ok := b.take(key)
	if !ok {
		return nil
	}
	none := model.NetworkID("")
	if isNull(v) {
		return &none
	}
	m, err := object(v)
	if err != nil {
		b.fail(badInput(key, "'%s' is not an object.", v))
		return nil
	}
	o := &body{m: m}
	out := or(id[model.NetworkID](o, "network_id"), none)
	// Nothing is translated for servers that call out.
	o.only("enable_snat", "false")
	o.only("external_fixed_ips", "[]")
	o.only("qos_policy_id")
	if err := o.done(); err != nil {
		b.fail(err)
	}
	return &out
}

// attach is PUT add_router_interface.
func (p *Part) attach(c echo.Context) error {
	r, subnet, port, err := p.interfaceBody(c)
	if err != nil {
		return err
	}
	if port != "" {
		return unsupported("A router interface is made for a subnet: name subnet_id instead of port_id.")
	}
	if _, err := subnetResource().find(c, p, string(subnet)); err != nil {
		return err
	}
	payload := &store.RouterAttachPayload{Router: r.ID, Subnet: subnet, Port: newIdentity()}
	if err := p.apply(c, store.RouterAttach, payload); err != nil {
		return err
	}
	return p.answerInterface(c, r, &payload.Port, subnet)
}

// detach is PUT remove_router_interface.
func (p *Part) detach(c echo.Context) error {
	r, subnet, port, err := p.interfaceBody(c)
	if err != nil {
		return err
	}
	var old model.Port
	p.read.Read(func(st *store.State) {
		for _, x := range st.PortsOf(string(r.ID)) {
			if x.DeviceOwner == model.OwnerRouterInterface && (port == x.ID || port == "" && x.FixedIPs[0].Subnet == subnet) {
				old = *x
			}
		}
	})
	if err := p.apply(c, store.RouterDetach, &store.RouterDetachPayload{Router: r.ID, Subnet: subnet, Port: port}); err != nil {
		return err
	}
	if subnet == "" && len(old.FixedIPs) > 0 {
		subnet = old.FixedIPs[0].Subnet
	}
	return p.answerInterface(c, r, &old, subnet)
}

// interfaceBody reads {"subnet_id"} or {"port_id"}, without a wrapper.
func (p *Part) interfaceBody(c echo.Context) (*model.Router, model.SubnetID, model.PortID, error) {
	r, err := routerResource().writable(c, p, c.Param("id"))
	if err != nil {
		return nil, "", "", err
	}
	b, err := readObject(c)
	if err != nil {
		return nil, "", "", err
	}
	subnet, port := or(id[model.SubnetID](b, "subnet_id"), ""), or(id[model.PortID](b, "port_id"), "")
	if err := b.done(); err != nil {
		return nil, "", "", err
	}
	if subnet == "" && port == "" {
		return nil, "", "", badRequest("Bad router request: Either subnet_id or port_id must be specified.")
	}
	return r, subnet, port, nil
}

func (p *Part) answerInterface(c echo.Context, r *model.Router, port *model.Port, subnet model.SubnetID) error {
	network := port.Network
	p.read.Read(func(st *store.State) {
		if s, ok := st.Subnet(subnet); ok {
			network = s.Network
		}
	})
	return c.JSON(http.StatusOK, map[string]any{
		"id": r.ID, "tenant_id": r.Project, "project_id": r.Project, "port_id": port.ID, "network_id": network,
		"subnet_id": subnet, "subnet_ids": []model.SubnetID{subnet}, "tags": []string{},
	})
}
