package network

import (
	"net/netip"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

func floatingIPResource() *resource[model.FloatingIP] {
	return &resource[model.FloatingIP]{
		unnamed: true,
		one:     "floatingip", many: "floatingips", noun: "Floating IP", typ: "FloatingIP",
		all: func(st *store.State) []*model.FloatingIP { return st.FloatingIPs() },
		get: func(st *store.State, id string) (*model.FloatingIP, bool) {
			return st.FloatingIP(model.FloatingIPID(id))
		},
		visible: func(_ *store.State, c *auth.Caller, f *model.FloatingIP) bool { return owns(c, f.Project) },
		view:    floatingIPView,
		record:  func(x *model.FloatingIP) *model.Record { return &x.Record },
		create:  newFloatingIP,
		update:  changedFloatingIP,
		retag: func(x *model.FloatingIP, r store.RecordPatch) change {
			return change{store.FloatingIPUpdate, &store.FloatingIPPatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.FloatingIP) change {
			return change{store.FloatingIPDelete, &store.FloatingIPRef{ID: x.ID}, string(x.ID)}
		},
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
	v["dns_name"], v["dns_domain"] = f.DNSName, f.DNSDomain
	v["qos_policy_id"] = nil
	v["port_forwardings"] = []any{}
	return v
}

func newFloatingIP(p *Part, c echo.Context, b *body) (change, error) {
	f := model.FloatingIP{
		ID: model.FloatingIPID(uuid.NewString()), Record: floatingIPResource().born(c, b),
		Network: or(id[model.NetworkID](b, "floating_network_id"), ""), Subnet: or(id[model.SubnetID](b, "subnet_id"), ""),
		Port: or(id[model.PortID](b, "port_id"), ""),
	}
	f.Address = or(b.addr("floating_ip_address"), netip.Addr{})
	f.Fixed = or(b.addr("fixed_ip_address"), netip.Addr{})
	f.DNSName, f.DNSDomain = or(b.text("dns_name"), ""), or(b.text("dns_domain"), "")
	floatingIPTruths(b)
	if f.Network == "" {
		b.need("floating_network_id")
	}
	if f.Fixed.IsValid() && f.Port == "" {
		b.fail(errFixedAlone())
	}
	if err := b.done(); err != nil {
		return change{}, err
	}
	if _, err := networkResource().find(c, p, string(f.Network)); err != nil {
		return change{}, err
	}
	return change{store.FloatingIPCreate, &store.FloatingIPCreatePayload{FloatingIP: f}, string(f.ID)}, p.portVisible(c, f.Port)
}

func changedFloatingIP(p *Part, c echo.Context, b *body, f *model.FloatingIP) (change, error) {
	patch := &store.FloatingIPPatch{
		ID: f.ID, RecordPatch: floatingIPResource().revised(c, b),
		Port: id[model.PortID](b, "port_id"), Fixed: or(b.addr("fixed_ip_address"), netip.Addr{}),
		DNSName: b.text("dns_name"), DNSDomain: b.text("dns_domain"),
	}
	floatingIPTruths(b)
	if patch.Fixed.IsValid() && or(patch.Port, f.Port) == "" {
		b.fail(errFixedAlone())
	}
	if err := b.done(); err != nil {
		return change{}, err
	}
	return change{store.FloatingIPUpdate, patch, string(f.ID)}, p.portVisible(c, or(patch.Port, ""))
}

func errFixedAlone() error {
	return badRequest("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
}

// portVisible: nobody binds to a port that is not there for them.
func (p *Part) portVisible(c echo.Context, port model.PortID) error {
	if port == "" {
		return nil
	}
	_, err := portResource().find(c, p, string(port))
	return err
}

func floatingIPTruths(b *body) {
	b.notThere("qos_policy_id", "QoS policy", "QosPolicy")
	b.only("distributed", "false")
}
