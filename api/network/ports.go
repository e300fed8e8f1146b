package network

import (
	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

func portResource() *resource[model.Port] {
	return &resource[model.Port]{
		one: "port", many: "ports", noun: "Port", typ: "Port",
		all: func(st *store.State) []*model.Port { return st.Ports() },
		get: func(st *store.State, id string) (*model.Port, bool) { return st.Port(model.PortID(id)) },
		// The owner of a network sees what is on it.
		visible: func(st *store.State, c *auth.Caller, p *model.Port) bool {
			n, ok := st.Network(p.Network)
			return owns(c, p.Project) || ok && owns(c, n.Project)
		},
		view:   portView,
		record: func(x *model.Port) *model.Record { return &x.Record },
		create: newPort,
		update: changedPort,
		retag: func(x *model.Port, r store.RecordPatch) change {
			return change{store.PortUpdate, &store.PortPatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.Port) change {
			return change{store.PortDelete, &store.PortRef{ID: x.ID}, string(x.ID)}
		},
	}
}

func portView(_ *store.State, c *auth.Caller, p *model.Port) map[string]any {
	v := recordView(string(p.ID), &p.Record)
	v["network_id"] = string(p.Network)
	v["admin_state_up"] = p.AdminStateUp
	v["status"] = portStatus(p)
	v["mac_address"] = p.MAC
	fixed := []map[string]any{}
	for _, f := range p.FixedIPs {
		fixed = append(fixed, map[string]any{"subnet_id": string(f.Subnet), "ip_address": f.Address.String()})
	}
	v["fixed_ips"] = fixed
	v["device_id"], v["device_owner"] = p.DeviceID, p.DeviceOwner
	v["security_groups"], v["allowed_address_pairs"], v["extra_dhcp_opts"] = []string{}, []any{}, []any{}
	v["port_security_enabled"] = false
	v["qos_policy_id"] = nil
	v["binding:vnic_type"] = "normal"
	if c.IsCloudAdmin() {
		v["binding:host_id"], v["binding:vif_type"] = "", "unbound"
		v["binding:profile"], v["binding:vif_details"] = map[string]any{}, map[string]any{}
	}
	return v
}

// portStatus: lbd answers for a port that something of its own uses.
func portStatus(p *model.Port) string { return status(p.AdminStateUp && p.DeviceID != "") }

func newPort(p *Part, c echo.Context, b *body) (change, error) {
	x := newIdentity()
	x.Record = portResource().born(c, b)
	x.Network = or(id[model.NetworkID](b, "network_id"), "")
	x.AdminStateUp = or(b.boolean("admin_state_up"), true)
	x.DeviceID, x.DeviceOwner = or(b.text("device_id"), ""), or(b.text("device_owner"), "")
	x.MAC = b.mac("mac_address", x.MAC)
	b.list("fixed_ips", func(o *body) {
		f := model.FixedIP{Subnet: or(id[model.SubnetID](o, "subnet_id"), "")}
		if a := o.addr("ip_address"); a != nil {
			f.Address = *a
		}
		if f.Subnet == "" && !f.Address.IsValid() {
			o.fail(badInput("fixed_ips", "an entry needs a subnet_id or an ip_address."))
		}
		x.FixedIPs = append(x.FixedIPs, f)
	})
	portTruths(b)
	if x.Network == "" {
		b.fail(required("network_id"))
	}
	if err := b.done(); err != nil {
		return change{}, err
	}
	n, err := networkResource().find(c, p, string(x.Network))
	if err != nil {
		return change{}, err
	}
	if !owns(caller(c), n.Project) && !n.Shared {
		return change{}, forbidden("Policy does not allow this caller to create a port on network %s.", n.ID)
	}
	return change{store.PortCreate, &x, string(x.ID)}, nil
}

func changedPort(_ *Part, c echo.Context, b *body, x *model.Port) (change, error) {
	patch := &store.PortPatch{
		ID: x.ID, RecordPatch: portResource().revised(c, b), AdminStateUp: b.boolean("admin_state_up"),
	}
	for key, is := range map[string]string{"device_id": x.DeviceID, "device_owner": x.DeviceOwner, "mac_address": x.MAC} {
		if v := b.text(key); v != nil && *v != is {
			b.fail(unsupported("The %s of a port cannot be changed.", key))
		}
	}
	b.sameFixedIPs("fixed_ips", x.FixedIPs)
	portTruths(b)
	return change{store.PortUpdate, patch, string(x.ID)}, b.done()
}

// sameFixedIPs takes the addresses that a port has anyway.
func (b *body) sameFixedIPs(key string, have []model.FixedIP) {
	n, same := 0, true
	given := b.list(key, func(o *body) {
		subnet, a := id[model.SubnetID](o, "subnet_id"), o.addr("ip_address")
		same = same && n < len(have) && or(subnet, have[n].Subnet) == have[n].Subnet && or(a, have[n].Address) == have[n].Address
		n++
	})
	if given && (!same || n != len(have)) {
		b.fail(unsupported("The fixed IPs of a port cannot be changed."))
	}
}

func portTruths(b *body) {
	for _, key := range []string{"security_groups", "allowed_address_pairs", "extra_dhcp_opts"} {
		b.only(key, "[]")
	}
	b.only("port_security_enabled", "false")
	b.only("binding:vnic_type", `"normal"`)
	b.only("binding:host_id", `""`)
	b.only("binding:profile", "{}")
	b.only("dns_name", `""`)
	b.only("dns_domain", `""`)
	b.only("qos_policy_id")
	b.only("numa_affinity_policy")
	b.only("propagate_uplink_status", "false")
}

// mac is an Ethernet address in the form aa:bb:cc:dd:ee:ff.
func (b *body) mac(key, otherwise string) string {
	s := b.text(key)
	if s == nil || *s == "" {
		return otherwise
	}
	if m, ok := parseMAC(*s); ok {
		return m
	}
	b.fail(badInput(key, "'%s' is not a valid MAC address.", *s))
	return otherwise
}
