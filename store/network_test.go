package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func TestNetwork(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.NetworkUpdate, &store.NetworkPatch{ID: "net", Shared: ptr(true), RecordPatch: store.RecordPatch{Name: ptr("private")}})
	c.read(func(st *store.State) {
		n, _ := st.Network("net")
		if n.Name != "private" || !n.Shared || n.Updated != at(c.index) || n.Revision != c.index || n.Created == n.Updated {
			t.Errorf("updated %+v", n)
		}
	})
	c.refused(store.NetworkUpdate, &store.NetworkPatch{ID: "ext", External: ptr(false)}, store.Conflict,
		"External network ext cannot be updated to be made non-external, since it has existing gateway ports.")
	c.refused(store.NetworkDelete, &store.NetworkRef{ID: "net"}, store.Conflict,
		"Unable to complete operation on network net. There are one or more ports still in use on the network.")
	c.refused(store.NetworkDelete, &store.NetworkRef{ID: "x"}, store.NotFound, "Network x could not be found.")
	c.refused(store.NetworkCreate, &model.Network{ID: "net"}, store.Conflict, "Already an entity with that specified id.")

	c.ok(store.NetworkCreate, &model.Network{ID: "out", External: true})
	c.ok(store.SubnetCreate, subnet("outsub", "out", "198.51.100.0/24", ""))
	c.ok(store.FloatingIPCreate, &store.FloatingIPCreatePayload{FloatingIP: model.FloatingIP{ID: "fip", Network: "out"}})
	c.ok(store.NetworkDelete, &store.NetworkRef{ID: "out"})
	c.read(func(st *store.State) {
		if _, ok := st.FloatingIP("fip"); ok {
			t.Error("a floating IP that led nowhere outlived its network")
		}
	})
	c.refused(store.NetworkDelete, &store.NetworkRef{ID: "ext"}, store.Conflict,
		"Unable to complete operation on network ext. There are one or more ports still in use on the network.")

	c.ok(store.RouterDetach, &store.RouterDetachPayload{Router: "router", Subnet: "sub"})
	c.ok(store.NetworkDelete, &store.NetworkRef{ID: "net"})
	c.read(func(st *store.State) {
		if _, ok := st.Subnet("sub"); ok {
			t.Error("the subnet outlived its network")
		}
	})
}

func TestSubnetPools(t *testing.T) {
	rng := func(a, b string) model.AddressRange { return model.AddressRange{Start: addr(a), End: addr(b)} }
	tests := []struct {
		cidr, gateway string
		want          []model.AddressRange
	}{
		{"10.0.0.0/24", "10.0.0.1", []model.AddressRange{rng("10.0.0.2", "10.0.0.254")}},
		{"10.0.0.7/24", "10.0.0.254", []model.AddressRange{rng("10.0.0.1", "10.0.0.253")}},
		{"10.0.0.0/24", "10.0.0.9", []model.AddressRange{rng("10.0.0.1", "10.0.0.8"), rng("10.0.0.10", "10.0.0.254")}},
		{"10.0.0.0/24", "", []model.AddressRange{rng("10.0.0.1", "10.0.0.254")}},
		{"10.0.0.0/31", "", []model.AddressRange{rng("10.0.0.0", "10.0.0.1")}},
		{"10.0.0.0/32", "10.0.0.0", nil},
		{"2001:db8::/64", "2001:db8::1", []model.AddressRange{rng("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff")}},
		{"0.0.0.0/0", "", []model.AddressRange{rng("0.0.0.1", "255.255.255.254")}},
	}
	for _, tt := range tests {
		t.Run(tt.cidr+" gateway "+tt.gateway, func(t *testing.T) {
			c := newCluster(t)
			c.ok(store.NetworkCreate, &model.Network{ID: "net"})
			c.ok(store.SubnetCreate, subnet("s", "net", tt.cidr, tt.gateway))
			c.read(func(st *store.State) {
				sn, _ := st.Subnet("s")
				if d := cmp.Diff(tt.want, sn.Pools, byValue); d != "" {
					t.Error(d)
				}
				if sn.CIDR != sn.CIDR.Masked() {
					t.Errorf("cidr %s", sn.CIDR)
				}
			})
		})
	}
}

func TestSubnetRefusals(t *testing.T) {
	c := newCluster(t)
	c.networks()
	with := func(cidr, gateway string, pools ...string) *model.Subnet {
		sn := subnet("s", "net", cidr, gateway)
		for i := 0; i < len(pools); i += 2 {
			sn.Pools = append(sn.Pools, model.AddressRange{Start: addr(pools[i]), End: addr(pools[i+1])})
		}
		return sn
	}
	tests := []struct {
		name string
		kind store.CommandKind
		in   any
		as   store.Kind
		want string
	}{
		{"no network", store.SubnetCreate, subnet("s", "x", "10.9.0.0/24", ""), store.NotFound, "Network x could not be found."},
		{
			"no cidr", store.SubnetCreate, &model.Subnet{ID: "s", Network: "net"}, store.Invalid,
			"Invalid input for operation: 'invalid Prefix' is not a valid cidr.",
		},
		{
			"mapped cidr", store.SubnetCreate, with("::ffff:10.9.0.0/120", ""), store.Invalid,
			"Invalid input for operation: '::ffff:10.9.0.0/120' is not a valid cidr.",
		},
		{
			"overlap", store.SubnetCreate, with("10.0.0.128/25", ""), store.Invalid,
			"Invalid input for operation: Requested subnet with cidr: 10.0.0.128/25 for network: net overlaps with another subnet.",
		},
		{
			"gateway outside", store.SubnetCreate, with("10.9.0.0/24", "10.8.0.1"), store.Invalid,
			"Invalid input for operation: Gateway is not valid on subnet.",
		},
		{
			"gateway is the network", store.SubnetCreate, with("10.9.0.0/24", "10.9.0.0"), store.Invalid,
			"Invalid input for operation: Gateway is not valid on subnet.",
		},
		{
			"gateway in pool", store.SubnetCreate, with("10.9.0.0/24", "10.9.0.5", "10.9.0.2", "10.9.0.9"), store.Conflict,
			"Gateway ip 10.9.0.5 conflicts with allocation pool 10.9.0.2-10.9.0.9.",
		},
		{
			"pool outside", store.SubnetCreate, with("10.9.0.0/24", "", "10.9.0.2", "10.9.1.9"), store.Invalid,
			"The allocation pool 10.9.0.2-10.9.1.9 spans beyond the subnet cidr 10.9.0.0/24.",
		},
		{
			"pool backwards", store.SubnetCreate, with("10.9.0.0/24", "", "10.9.0.9", "10.9.0.2"), store.Invalid,
			"The start of allocation pool 10.9.0.9-10.9.0.2 is after its end.",
		},
		{
			"pools overlap", store.SubnetCreate, with("10.9.0.0/24", "", "10.9.0.5", "10.9.0.9", "10.9.0.2", "10.9.0.5"), store.Conflict,
			"Found overlapping allocation pools: 10.9.0.2-10.9.0.5, 10.9.0.5-10.9.0.9 for subnet 10.9.0.0/24.",
		},
		{"update unknown", store.SubnetUpdate, &store.SubnetPatch{ID: "x"}, store.NotFound, "Subnet x could not be found."},
		{
			"gateway used by router", store.SubnetUpdate, &store.SubnetPatch{ID: "sub", Gateway: ptr(addr("10.0.0.1").Prev())}, store.Invalid,
			"Invalid input for operation: Gateway is not valid on subnet.",
		},
		{
			"in use", store.SubnetDelete, &store.SubnetRef{ID: "sub"}, store.Conflict,
			"Unable to complete operation on subnet sub: One or more ports have an IP allocation from this subnet.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { c.refused(tt.kind, tt.in, tt.as, tt.want) })
	}

	c.ok(store.SubnetCreate, with("10.9.0.0/24", "10.9.0.1", "10.9.0.100", "10.9.0.110"))
	c.ok(store.SubnetUpdate, &store.SubnetPatch{ID: "s", Gateway: ptr(addr("10.9.0.254")), RecordPatch: store.RecordPatch{Name: ptr("n")}})
	c.read(func(st *store.State) {
		if sn, _ := st.Subnet("s"); sn.Gateway != addr("10.9.0.254") || sn.Name != "n" {
			t.Errorf("updated %+v", sn)
		}
	})
	c.ok(store.RouterAttach, &store.RouterAttachPayload{Router: "router", Subnet: "s", Port: model.Port{ID: "if-s"}})
	c.refused(store.SubnetUpdate, &store.SubnetPatch{ID: "s", Gateway: ptr(addr("10.9.0.1"))}, store.Conflict,
		"Current gateway ip 10.9.0.254 already in use by port if-s. Unable to update.")
}

func TestSubnetOfMembersStays(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	c.ok(store.SubnetCreate, subnet("back", "net", "10.9.0.0/24", ""))
	m := member("m3", "pool1", "10.9.0.9")
	m.Subnet = "back"
	c.ok(store.MemberCreate, m)
	c.refused(store.SubnetDelete, &store.SubnetRef{ID: "back"}, store.Conflict,
		"Unable to complete operation on subnet back: One or more load balancer members are in this subnet.")
	c.ok(store.MemberDelete, &store.MemberRef{ID: "m3", Pool: "pool1"})
	c.settle()
	c.ok(store.SubnetDelete, &store.SubnetRef{ID: "back"})
}

func TestPort(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.NetworkCreate, &model.Network{ID: "empty"})
	fixed := func(subnet, address string) model.FixedIP {
		f := model.FixedIP{Subnet: model.SubnetID(subnet)}
		if address != "" {
			f.Address = addr(address)
		}
		return f
	}
	tests := []struct {
		name    string
		network model.NetworkID
		in      []model.FixedIP
		want    []model.FixedIP
	}{
		{"none", "net", nil, []model.FixedIP{fixed("sub", "10.0.0.254")}},
		{"none to have", "empty", nil, nil},
		{"subnet", "net", []model.FixedIP{fixed("sub", "")}, []model.FixedIP{fixed("sub", "10.0.0.253")}},
		{"address", "net", []model.FixedIP{fixed("", "10.0.0.9")}, []model.FixedIP{fixed("sub", "10.0.0.9")}},
		{
			"two of one subnet", "net",
			[]model.FixedIP{fixed("sub", ""), fixed("sub", "")},
			[]model.FixedIP{fixed("sub", "10.0.0.252"), fixed("sub", "10.0.0.251")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := model.PortID(tt.name)
			c.ok(store.PortCreate, &model.Port{ID: id, Network: tt.network, FixedIPs: tt.in, DeviceID: "vm"})
			c.read(func(st *store.State) {
				got, _ := st.Port(id)
				if d := cmp.Diff(tt.want, got.FixedIPs, byValue); d != "" {
					t.Error(d)
				}
			})
		})
	}
	c.ok(store.PortUpdate, &store.PortPatch{ID: "none", AdminStateUp: ptr(true), RecordPatch: store.RecordPatch{Name: ptr("n")}})
	c.read(func(st *store.State) {
		if p, _ := st.Port("none"); p.Name != "n" || !p.AdminStateUp {
			t.Errorf("updated %+v", p)
		}
	})

	for _, tt := range []struct {
		name string
		in   *model.Port
		as   store.Kind
		want string
	}{
		{"no network", &model.Port{ID: "q", Network: "x"}, store.NotFound, "Network x could not be found."},
		{"no subnet", &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{fixed("x", "")}}, store.NotFound, "Subnet x could not be found."},
		{
			"subnet elsewhere", &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{fixed("pub", "")}}, store.Invalid,
			"Invalid input for operation: Failed to create port on network net, because fixed_ips included invalid subnet pub.",
		},
		{
			"address in no subnet", &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{fixed("", "9.9.9.9")}}, store.Invalid,
			"IP address 9.9.9.9 is not a valid IP for any of the subnets on the specified network.",
		},
		{
			"address outside", &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{fixed("sub", "9.9.9.9")}}, store.Invalid,
			"IP address 9.9.9.9 is not a valid IP for the specified subnet.",
		},
		{
			"taken", &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{fixed("", "10.0.0.9")}}, store.Conflict,
			"IP address 10.0.0.9 already allocated in subnet sub",
		},
		{
			"twice", &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{fixed("", "10.0.0.8"), fixed("", "10.0.0.8")}}, store.Invalid,
			"Invalid input for fixed_ips. Reason: Duplicate IP address '10.0.0.8'.",
		},
		{
			"reserved owner", &model.Port{ID: "q", Network: "net", DeviceOwner: model.OwnerRouterInterface}, store.Invalid,
			"Invalid input for device_owner: network:router_interface is reserved for ports that a router makes.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) { c.refused(store.PortCreate, tt.in, tt.as, tt.want) })
	}
	c.refused(store.PortDelete, &store.PortRef{ID: "if"}, store.Conflict,
		"Port if cannot be deleted directly via the port API: has device owner network:router_interface.")
	c.refused(store.PortDelete, &store.PortRef{ID: "x"}, store.NotFound, "Port x could not be found.")
	c.ok(store.PortDelete, &store.PortRef{ID: "none"})
	c.ok(store.PortCreate, &model.Port{ID: "next", Network: "net"})
	c.read(func(st *store.State) {
		if p, _ := st.Port("next"); p.FixedIPs[0].Address != addr("10.0.0.254") {
			t.Errorf("a freed address is not given again: %v", p.FixedIPs)
		}
	})
}
