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
	v["fixed_ips"] = fixedIPsView(p.FixedIPs)
	v["device_id"], v["device_owner"] = p.DeviceID, p.DeviceOwner
	groups := make([]string, 0, len(p.SecurityGroups))
	for _, g := range p.SecurityGroups {
		groups = append(groups, string(g))
	}
	v["security_groups"] = groups
	pairs := []map[string]any{}
	for _, pair := range p.AddressPairs {
		pairs = append(pairs, map[string]any{"ip_address": pair.Text, "mac_address": orDefault(pair.MAC, p.MAC)})
	}
	v["allowed_address_pairs"], v["extra_dhcp_opts"] = pairs, []any{}
	v["port_security_enabled"] = !p.PortSecurityOff
	v["dns_name"], v["dns_domain"], v["dns_assignment"] = p.DNSName, p.DNSDomain, []any{}
	v["qos_policy_id"], v["qos_network_policy_id"], v["resource_request"], v["ip_allocation"] = nil, nil, nil, "immediate"
	v["propagate_uplink_status"], v["numa_affinity_policy"] = false, nil
	v["binding:vnic_type"] = orDefault(p.VNICType, "normal")
	if c.IsCloudAdmin() {
		v["binding:host_id"], v["binding:vif_type"] = p.HostID, "unbound"
		v["binding:profile"], v["binding:vif_details"] = documentView(p.Profile), map[string]any{}
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
	b.onlyAdminBinding(c)
	x.MAC = b.mac("mac_address", x.MAC)
	x.FixedIPs = or(b.fixedIPs("fixed_ips"), nil)
	groups := ids[model.SecurityGroupID](b, "security_groups")
	x.AddressPairs = or(b.addressPairs("allowed_address_pairs"), nil)
	security := b.boolean("port_security_enabled")
	x.DNSName, x.DNSDomain = or(b.text("dns_name"), ""), or(b.text("dns_domain"), "")
	x.HostID, x.Profile = or(b.text("binding:host_id"), ""), or(b.document("binding:profile"), "")
	x.VNICType = or(b.vnic("binding:vnic_type"), "")
	portTruths(b)
	if x.Network == "" {
		b.need("network_id")
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
	x.PortSecurityOff = !or(security, !n.PortSecurityOff)
	switch {
	case groups != nil:
		x.SecurityGroups = *groups
		if err := p.groupsVisible(c, groups); err != nil {
			return change{}, err
		}
	case !x.PortSecurityOff:
		if err := p.ensureDefault(c, x.Project); err != nil {
			return change{}, err
		}
		p.read.Read(func(st *store.State) {
			if g, ok := st.DefaultGroup(x.Project); ok {
				x.SecurityGroups = []model.SecurityGroupID{g.ID}
			}
		})
	}
	if err := secured(x.PortSecurityOff, x.SecurityGroups, x.AddressPairs); err != nil {
		return change{}, err
	}
	return change{store.PortCreate, &x, string(x.ID)}, nil
}

func changedPort(p *Part, c echo.Context, b *body, x *model.Port) (change, error) {
	patch := &store.PortPatch{
		ID: x.ID, RecordPatch: portResource().revised(c, b), AdminStateUp: b.boolean("admin_state_up"),
	}
	b.onlyAdminBinding(c)
	patch.FixedIPs, patch.DeviceID, patch.DeviceOwner = b.fixedIPs("fixed_ips"), b.text("device_id"), b.text("device_owner")
	if mac := b.mac("mac_address", ""); mac != "" && mac != x.MAC {
		if !caller(c).IsCloudAdmin() {
			b.fail(forbidden("Policy does not allow this caller to set mac_address."))
		}
		patch.MAC = &mac
	}
	patch.SecurityGroups, patch.AddressPairs = ids[model.SecurityGroupID](b, "security_groups"), b.addressPairs("allowed_address_pairs")
	patch.PortSecurityOff = not(b.boolean("port_security_enabled"))
	patch.DNSName, patch.DNSDomain = b.text("dns_name"), b.text("dns_domain")
	patch.HostID, patch.Profile, patch.VNICType = b.text("binding:host_id"), b.document("binding:profile"), b.vnic("binding:vnic_type")
	portTruths(b)
	if err := b.done(); err != nil {
		return change{}, err
	}
	if err := p.groupsVisible(c, patch.SecurityGroups); err != nil {
		return change{}, err
	}
	if patch.PortSecurityOff != nil || patch.SecurityGroups != nil || patch.AddressPairs != nil {
		err := secured(or(patch.PortSecurityOff, x.PortSecurityOff), or(patch.SecurityGroups, x.SecurityGroups), or(patch.AddressPairs, x.AddressPairs))
		if err != nil {
			return change{}, err
		}
	}
	return change{store.PortUpdate, patch, string(x.ID)}, nil
}

// groupsVisible: nobody puts a port under groups that are not there for them.
func (p *Part) groupsVisible(c echo.Context, groups *[]model.SecurityGroupID) error {
	for _, g := range or(groups, nil) {
		if _, err := securityGroupResource().find(c, p, string(g)); err != nil {
			return err
		}
	}
	return nil
}

// secured refuses groups and address pairs on a port without port security.
func secured(off bool, groups []model.SecurityGroupID, pairs []model.AddressPair) error {
	switch {
	case off && len(groups) > 0:
		return &fault{store.Errorf(store.Conflict, "Port Security must be enabled and port must have an IP address in order to use security groups."), "PortSecurityAndIPRequiredForSecurityGroups"}
	case off && len(pairs) > 0:
		return &fault{store.Errorf(store.Conflict, "Port Security must be enabled in order to have allowed address pairs on a port."), "AddressPairAndPortSecurityRequired"}
	}
	return nil
}

// onlyAdminBinding refuses what only the service that runs servers may set.
func (b *body) onlyAdminBinding(c echo.Context) {
	if caller(c).IsCloudAdmin() {
		return
	}
	for _, key := range []string{"binding:host_id", "binding:profile"} {
		if v, ok := b.m[key]; ok && !isNull(v) && string(v) != `""` && string(v) != "{}" {
			b.fail(forbidden("Policy does not allow this caller to set %s.", key))
		}
	}
}

// vnic is how a server would reach the port; lbd stores it.
func (b *body) vnic(key string) *string {
	if !b.has(key) {
		return nil
	}
	s := b.oneOf(key, "normal", "normal", "direct", "direct-physical", "macvtap", "baremetal", "virtio-forwarder", "smart-nic", "accelerator-direct", "accelerator-direct-physical", "remote-managed", "vdpa")
	if s == "normal" {
		s = ""
	}
	return &s
}

func portTruths(b *body) {
	b.only("extra_dhcp_opts", "[]")
	b.notThere("qos_policy_id", "QoS policy", "QosPolicy")
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
