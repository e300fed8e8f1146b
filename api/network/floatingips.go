package network

import (
	"net/http"
	"net/netip"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

func floatingIPKind() *kind[model.FloatingIP] {
	return &kind[model.FloatingIP]{
		one: "floatingip", many: "floatingips", noun: "Floating IP", typ: "FloatingIP",
		all: func(st *store.State) []*model.FloatingIP { return st.FloatingIPs() },
		get: func(st *store.State, id string) (*model.FloatingIP, bool) {
			return st.FloatingIP(model.FloatingIPID(id))
		},
		visible: func(_ *store.State, c *auth.Caller, f *model.FloatingIP) bool { return owns(c, f.Project) },
		view:    floatingIPView,
	}
}

func floatingIPView(st *store.State, _ *auth.Caller, f *model.FloatingIP) map[string]any {
	v := recordView(string(f.ID), &f.Record)
	delete(v, "name") // Neutron's have none
	v["floating_network_id"] = string(f.Network)
	v["floating_ip_address"] = f.Address.String()
	v["fixed_ip_address"] = addrText(f.Fixed)
	v["port_id"], v["router_id"] = orNil(f.Port), orNil(f.Router)
	v["status"] = status(f.Port != "")
	v["port_details"] = nil
	if port, ok := st.Port(f.Port); ok {
		v["port_details"] = map[string]any{
			"name": port.Name, "network_id": port.Network, "mac_address": port.MAC, "admin_state_up": port.AdminStateUp,
			"status": portStatus(port), "device_id": port.DeviceID, "device_owner": port.DeviceOwner,
		}
	}
	v["dns_name"], v["dns_domain"] = "", ""
	v["qos_policy_id"] = nil
	v["port_forwardings"] = []any{}
	return v
}

func (p *Part) mountFloatingIPs(r *api.Router, base string) {
	k := floatingIPKind()
	project := func(f *model.FloatingIP) model.ProjectID { return f.Project }
	mountTags(r, p, base, k, project, func(f *model.FloatingIP, tags []string) (store.CommandKind, any) {
		return store.FloatingIPUpdate, &store.FloatingIPPatch{ID: f.ID, Tags: &tags}
	})
	handle(r, "GET", base+"/floatingips", k.list(p))
	handle(r, "GET", base+"/floatingips/:id", k.show(p))
	handle(r, "POST", base+"/floatingips", func(c echo.Context) error {
		payload, err := p.newFloatingIP(c)
		if err != nil {
			return err
		}
		if err := p.apply(c, store.FloatingIPCreate, payload); err != nil {
			return err
		}
		return k.answer(c, p, http.StatusCreated, string(payload.FloatingIP.ID))
	})
	handle(r, "PUT", base+"/floatingips/:id", func(c echo.Context) error {
		f, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		patch, err := p.floatingIPPatch(c, f)
		if err != nil {
			return err
		}
		if err := p.apply(c, store.FloatingIPUpdate, patch); err != nil {
			return err
		}
		return k.answer(c, p, http.StatusOK, string(f.ID))
	})
	handle(r, "DELETE", base+"/floatingips/:id", func(c echo.Context) error {
		f, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		if err := p.apply(c, store.FloatingIPDelete, &store.FloatingIPRef{ID: f.ID}); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

func (p *Part) newFloatingIP(c echo.Context) (*store.FloatingIPCreatePayload, error) {
	b, err := readBody(c, "floatingip")
	if err != nil {
		return nil, err
	}
	f := model.FloatingIP{
		ID: model.FloatingIPID(uuid.NewString()),
		Record: model.Record{
			Description: or(b.text("description"), ""), Tags: or(b.texts("tags"), nil), Project: b.project(c),
		},
		Network: or(id[model.NetworkID](b, "floating_network_id"), ""), Subnet: or(id[model.SubnetID](b, "subnet_id"), ""),
		Port: or(id[model.PortID](b, "port_id"), ""),
	}
	f.Address = or(b.addr("floating_ip_address"), netip.Addr{})
	f.Fixed = or(b.addr("fixed_ip_address"), netip.Addr{})
	floatingIPTruths(b)
	if err := b.done(); err != nil {
		return nil, err
	}
	if f.Network == "" {
		return nil, badRequest("Failed to parse request. Required attribute 'floating_network_id' not specified")
	}
	if f.Fixed.IsValid() && f.Port == "" {
		return nil, badRequest("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
	}
	if err := mayCreate(c, "floatingip", f.Project); err != nil {
		return nil, err
	}
	if _, err := networkKind().find(c, p, string(f.Network)); err != nil {
		return nil, err
	}
	return &store.FloatingIPCreatePayload{FloatingIP: f}, p.portVisible(c, f.Port)
}

func (p *Part) floatingIPPatch(c echo.Context, f *model.FloatingIP) (*store.FloatingIPPatch, error) {
	b, err := readBody(c, "floatingip")
	if err != nil {
		return nil, err
	}
	patch := &store.FloatingIPPatch{
		ID: f.ID, Port: id[model.PortID](b, "port_id"), Fixed: or(b.addr("fixed_ip_address"), netip.Addr{}),
		Description: b.text("description"), Tags: b.texts("tags"),
	}
	floatingIPTruths(b)
	if err := b.done(); err != nil {
		return nil, err
	}
	if patch.Fixed.IsValid() && or(patch.Port, f.Port) == "" {
		return nil, badRequest("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
	}
	return patch, p.portVisible(c, or(patch.Port, ""))
}

// portVisible: nobody binds to a port that is not there for them.
func (p *Part) portVisible(c echo.Context, port model.PortID) error {
	if port == "" {
		return nil
	}
	_, err := portKind().find(c, p, string(port))
	return err
}

func floatingIPTruths(b *body) {
	b.only("dns_name", `""`)
	b.only("dns_domain", `""`)
	b.only("qos_policy_id")
	b.only("distributed", "false")
}
