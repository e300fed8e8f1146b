package network

import (
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
			fixed = fixedIPsView(port.FixedIPs)
		}
		v["external_gateway_info"] = map[string]any{"network_id": string(r.External), "external_fixed_ips": fixed, "enable_snat": false}
	}
	v["routes"] = routesView(r.Routes)
	v["ha"], v["distributed"] = false, false
	v["availability_zones"], v["availability_zone_hints"] = []string{defaultZone}, []string{}
	v["flavor_id"] = nil
	return v
}

func newRouter(p *Part, c echo.Context, b *body) (change, error) {
	payload := &store.RouterCreatePayload{
		Router: model.Router{
			ID: model.RouterID(uuid.NewString()), Record: routerResource().born(c, b),
			AdminStateUp: or(b.boolean("admin_state_up"), true),
		},
		GatewayPort: newIdentity(),
	}
	payload.Router.External = or(b.gateway("external_gateway_info", &payload.GatewayPort), "")
	routerTruths(b)
	if err := b.done(); err != nil {
		return change{}, err
	}
	return change{store.RouterCreate, payload, string(payload.Router.ID)}, p.gatewayVisible(c, &payload.Router.External)
}

func changedRouter(p *Part, c echo.Context, b *body, x *model.Router) (change, error) {
	patch := &store.RouterPatch{
		ID: x.ID, RecordPatch: routerResource().revised(c, b), AdminStateUp: b.boolean("admin_state_up"),
		GatewayPort: newIdentity(), Routes: b.routes("routes"),
	}
	patch.External = b.gateway("external_gateway_info", &patch.GatewayPort)
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
	b.only("ha", "false")
	b.only("distributed", "false")
	b.zones("availability_zone_hints")
	b.notThere("flavor_id", "Flavor", "Flavor")
	b.only("enable_ndp_proxy", "false")
}

// gateway is the network of {"network_id": N, "external_fixed_ips": [...]},
// whose addresses it writes to port; null and {} clear it.
func (b *body) gateway(key string, port *model.Port) *model.NetworkID {
	o, none := sketched(), model.NetworkID("")
	b.note(key, o.sketch)
	v, ok := b.take(key)
	switch {
	case b.sketch != nil:
	case !ok:
		return nil
	case isNull(v):
		return &none
	default:
		m, err := object(v)
		if err != nil {
			b.fail(badInput(key, "'%s' is not an object.", v))
			return nil
		}
		o = &body{m: m}
	}
	out := or(id[model.NetworkID](o, "network_id"), none)
	port.FixedIPs = or(o.fixedIPs("external_fixed_ips"), nil)
	// Nothing is translated for servers that call out.
	o.only("enable_snat", "false")
	o.notThere("qos_policy_id", "QoS policy", "QosPolicy")
	if out == none && len(port.FixedIPs) > 0 {
		o.fail(badInput(key, "external_fixed_ips need a network_id."))
	}
	if err := o.done(); err != nil {
		b.fail(err)
	}
	return &out
}
