package network

import (
	"bytes"
	"encoding/json"
	"net/netip"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

func subnetResource() *resource[model.Subnet] {
	return &resource[model.Subnet]{
		one: "subnet", many: "subnets", noun: "Subnet", typ: "Subnet",
		all: func(st *store.State) []*model.Subnet { return st.Subnets() },
		get: func(st *store.State, id string) (*model.Subnet, bool) { return st.Subnet(model.SubnetID(id)) },
		visible: func(st *store.State, c *auth.Caller, s *model.Subnet) bool {
			n, ok := st.Network(s.Network)
			return owns(c, s.Project) || ok && networkVisible(c, n)
		},
		view:   subnetView,
		record: func(x *model.Subnet) *model.Record { return &x.Record },
		create: newSubnet,
		update: changedSubnet,
		retag: func(x *model.Subnet, r store.RecordPatch) change {
			return change{store.SubnetUpdate, &store.SubnetPatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.Subnet) change {
			return change{store.SubnetDelete, &store.SubnetRef{ID: x.ID}, string(x.ID)}
		},
	}
}

func subnetView(_ *store.State, _ *auth.Caller, s *model.Subnet) map[string]any {
	v := recordView(string(s.ID), &s.Record)
	v["network_id"] = string(s.Network)
	v["ip_version"] = version(s.CIDR.Addr())
	v["cidr"] = s.CIDR.String()
	v["gateway_ip"] = addrText(s.Gateway)
	v["enable_dhcp"] = s.EnableDHCP
	pools := []map[string]string{}
	for _, r := range s.Pools {
		pools = append(pools, map[string]string{"start": r.Start.String(), "end": r.End.String()})
	}
	v["allocation_pools"] = pools
	dns := []string{}
	for _, a := range s.DNSNameservers {
		dns = append(dns, a.String())
	}
	v["dns_nameservers"] = dns
	v["host_routes"], v["service_types"] = routesView(s.HostRoutes), orEmpty(s.ServiceTypes)
	v["ipv6_ra_mode"], v["ipv6_address_mode"] = orNil(s.IPv6RAMode), orNil(s.IPv6AddressMode)
	v["subnetpool_id"], v["segment_id"], v["dns_publish_fixed_ip"] = nil, nil, s.DNSPublish
	return v
}

func version(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

func addrText(a netip.Addr) any {
	if !a.IsValid() {
		return nil
	}
	return a.String()
}

func newSubnet(p *Part, c echo.Context, b *body) (change, error) {
	// Before the CIDR, which is missing where a pool is to give one.
	b.notThere("subnetpool_id", "Subnet pool", "SubnetPool")
	s := &model.Subnet{
		ID: model.SubnetID(uuid.NewString()), Record: subnetResource().born(c, b),
		Network: or(id[model.NetworkID](b, "network_id"), ""), EnableDHCP: or(b.boolean("enable_dhcp"), true),
		CIDR: b.cidr("cidr"), Pools: b.pools("allocation_pools"), DNSNameservers: or(b.addrs("dns_nameservers"), nil),
	}
	if v := b.integer("ip_version", 4, 6); v != nil && s.CIDR.IsValid() && *v != version(s.CIDR.Addr()) {
		b.fail(badRequest("Invalid input for operation: cidr '%s' does not match the ip_version '%d'.", s.CIDR, *v))
	}
	if g := b.addr("gateway_ip"); g != nil {
		s.Gateway = *g
	} else if s.CIDR.IsValid() {
		s.Gateway = defaultGateway(s.CIDR)
	}
	s.HostRoutes, s.ServiceTypes = or(b.routes("host_routes"), nil), or(b.texts("service_types"), nil)
	s.DNSPublish = or(b.boolean("dns_publish_fixed_ip"), false)
	readIPv6Modes(b, s)
	if or(b.boolean("use_default_subnetpool"), false) {
		b.fail(&fault{store.Errorf(store.NotFound, "No default subnetpool is defined."), "NoDefaultSubnetPoolDefined"})
	}
	b.only("prefixlen")
	b.only("segment_id")
	if s.Network == "" {
		b.need("network_id")
	}
	if err := b.done(); err != nil {
		return change{}, err
	}
	// Only the owner of a network adds to it.
	_, err := networkResource().writable(c, p, string(s.Network))
	return change{store.SubnetCreate, s, string(s.ID)}, err
}

func changedSubnet(_ *Part, c echo.Context, b *body, s *model.Subnet) (change, error) {
	patch := &store.SubnetPatch{
		ID: s.ID, RecordPatch: subnetResource().revised(c, b), Gateway: b.addr("gateway_ip"),
		EnableDHCP: b.boolean("enable_dhcp"), DNSNameservers: b.addrs("dns_nameservers"),
	}
	patch.HostRoutes, patch.ServiceTypes, patch.DNSPublish = b.routes("host_routes"), b.texts("service_types"), b.boolean("dns_publish_fixed_ip")
	if b.has("allocation_pools") {
		pools := b.pools("allocation_pools")
		patch.Pools = &pools
	}
	for _, key := range []string{"cidr", "ip_version", "network_id", "ipv6_ra_mode", "ipv6_address_mode", "subnetpool_id", "segment_id"} {
		if _, ok := b.m[key]; ok {
			b.take(key)
			b.fail(badRequest("Cannot update read-only attribute %s", key))
		}
	}
	return change{store.SubnetUpdate, patch, string(s.ID)}, b.done()
}

// readIPv6Modes takes how hosts of an IPv6 subnet learn their addresses.
func readIPv6Modes(b *body, s *model.Subnet) {
	modes := []string{"dhcpv6-stateful", "dhcpv6-stateless", "slaac"}
	s.IPv6RAMode, s.IPv6AddressMode = b.mode("ipv6_ra_mode", modes), b.mode("ipv6_address_mode", modes)
	if s.IPv6RAMode == "" && s.IPv6AddressMode == "" || !s.CIDR.IsValid() {
		return
	}
	operation := func(format string, args ...any) {
		b.fail(&fault{store.Errorf(store.Invalid, "Invalid input for operation: "+format, args...), "InvalidInput"})
	}
	switch {
	case s.CIDR.Addr().Is4():
		operation("ipv6_ra_mode and ipv6_address_mode cannot be set for an IPv4 subnet.")
	case !s.EnableDHCP:
		operation("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.")
	case s.IPv6RAMode != "" && s.IPv6AddressMode != "" && s.IPv6RAMode != s.IPv6AddressMode:
		operation("ipv6_ra_mode set to '%s' with ipv6_address_mode set to '%s' is not valid. If both attributes are set, they must be the same value.", s.IPv6RAMode, s.IPv6AddressMode)
	case s.CIDR.Bits() != 64 && (s.IPv6RAMode+s.IPv6AddressMode != "dhcpv6-stateful" && s.IPv6RAMode != "dhcpv6-stateful"):
		operation("Invalid CIDR %s for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64.", s.CIDR)
	}
}

func (b *body) mode(key string, modes []string) string {
	if b.sketch == nil && (b.m[key] == nil || isNull(b.m[key])) {
		b.take(key)
		return ""
	}
	return b.oneOf(key, "slaac", modes...)
}

// defaultGateway is the first address of a subnet, as Neutron has it. A network
// of one address and the loopback network have no router.
func defaultGateway(cidr netip.Prefix) netip.Addr {
	first := cidr.Masked().Addr()
	gateway := first.Next()
	if first.IsLoopback() || !cidr.Contains(gateway) {
		return netip.Addr{}
	}
	return gateway
}

// cidr is a network; host bits are dropped as Neutron drops them.
func (b *body) cidr(key string) netip.Prefix {
	b.note(key, openapi.Format("cidr"))
	v, ok := b.take(key)
	var s string
	if !ok {
		b.need(key)
		return netip.Prefix{}
	}
	if json.Unmarshal(v, &s) == nil {
		if p, err := netip.ParsePrefix(s); err == nil {
			return p.Masked()
		}
	}
	b.fail(badInput(key, "%s is not a valid IP subnet.", bytes.TrimSpace(v)))
	return netip.Prefix{}
}

// pools are ranges {"start", "end"}; none means that the store picks them.
func (b *body) pools(key string) (out []model.AddressRange) {
	b.list(key, func(o *body) {
		start, end := o.addr("start"), o.addr("end")
		if start == nil || end == nil || !start.IsValid() || !end.IsValid() {
			o.fail(badInput(key, "an allocation pool needs a start and an end."))
			return
		}
		out = append(out, model.AddressRange{Start: *start, End: *end})
	})
	return out
}

func (b *body) addrs(key string) *[]netip.Addr {
	texts := b.texts(key)
	if texts == nil {
		return nil
	}
	out := []netip.Addr{}
	for _, s := range *texts {
		a, err := parseAddr(s)
		if err != nil {
			b.fail(badInput(key, "'%s' is not a valid IP address.", s))
			return nil
		}
		out = append(out, a)
	}
	return &out
}
