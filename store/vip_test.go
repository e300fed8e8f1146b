package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// vipWorld has, beside the walkthrough's networks: six, an IPv6 subnet of net;
// empty, a network without subnets; port, one with an address in sub; double,
// one with two; used, one with a device.
func vipWorld(t *testing.T) *cluster {
	c := newCluster(t)
	c.networks()
	c.ok(store.SubnetCreate, subnet("six", "net", "2001:db8::/64", ""))
	c.ok(store.NetworkCreate, &model.Network{ID: "empty"})
	c.ok(store.PortCreate, &model.Port{ID: "port", Network: "net", FixedIPs: []model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.77")}}})
	c.ok(store.PortCreate, &model.Port{ID: "double", Network: "net", FixedIPs: []model.FixedIP{
		{Subnet: "sub", Address: addr("10.0.0.78")}, {Subnet: "six", Address: addr("2001:db8::78")},
	}})
	c.ok(store.PortCreate, &model.Port{ID: "used", Network: "net", DeviceID: "vm1", FixedIPs: []model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.79")}}})
	c.ok(store.NodePut, &model.Node{ID: "n1", Name: "n1", Addresses: prefixes("10.0.0.253/24")})
	return c
}

func TestVIPResolution(t *testing.T) {
	tests := []struct {
		name string
		vip  model.VIP
		want model.VIP
	}{
		{
			"subnet",
			model.VIP{Subnet: "sub"},
			model.VIP{Address: addr("10.0.0.254"), Port: "vip-lb1", Subnet: "sub", Network: "net"},
		},
		{
			"subnet and address",
			model.VIP{Subnet: "sub", Address: addr("10.0.0.9"), Text: "10.0.0.9"},
			model.VIP{Address: addr("10.0.0.9"), Text: "10.0.0.9", Port: "vip-lb1", Subnet: "sub", Network: "net"},
		},
		{
			"text kept as sent",
			model.VIP{Subnet: "six", Address: addr("2001:db8::9"), Text: "2001:DB8::0009"},
			model.VIP{Address: addr("2001:db8::9"), Text: "2001:DB8::0009", Port: "vip-lb1", Subnet: "six", Network: "net"},
		},
		{
			"network",
			model.VIP{Network: "net"},
			model.VIP{Address: addr("10.0.0.254"), Port: "vip-lb1", Subnet: "sub", Network: "net"},
		},
		{
			"network and subnet",
			model.VIP{Network: "net", Subnet: "six"},
			model.VIP{Address: addr("2001:db8::ffff:ffff:ffff:ffff"), Port: "vip-lb1", Subnet: "six", Network: "net"},
		},
		{
			"network and address",
			model.VIP{Network: "net", Address: addr("2001:db8::5"), Text: "2001:db8::5"},
			model.VIP{Address: addr("2001:db8::5"), Text: "2001:db8::5", Port: "vip-lb1", Subnet: "six", Network: "net"},
		},
		{
			"port",
			model.VIP{Port: "port"},
			model.VIP{Address: addr("10.0.0.77"), Port: "port", Subnet: "sub", Network: "net"},
		},
		{
			"port before network",
			model.VIP{Port: "port", Network: "ext"},
			model.VIP{Address: addr("10.0.0.77"), Port: "port", Subnet: "sub", Network: "net"},
		},
		{
			"port and subnet",
			model.VIP{Port: "double", Subnet: "six"},
			model.VIP{Address: addr("2001:db8::78"), Port: "double", Subnet: "six", Network: "net"},
		},
		{
			"port and address",
			model.VIP{Port: "double", Address: addr("10.0.0.78"), Text: "10.0.0.78"},
			model.VIP{Address: addr("10.0.0.78"), Text: "10.0.0.78", Port: "double", Subnet: "sub", Network: "net"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := vipWorld(t)
			p := lb("lb1")
			p.LoadBalancer.VIP = tt.vip
			c.ok(store.LoadBalancerCreate, p)
			c.read(func(st *store.State) {
				got, _ := st.LoadBalancer("lb1")
				if d := cmp.Diff(tt.want, got.VIP, byValue); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestVIPRefusals(t *testing.T) {
	tests := []struct {
		name string
		vip  model.VIP
		kind store.Kind
		want string
	}{
		{
			"nothing",
			model.VIP{Address: addr("10.0.0.9")},
			store.Invalid,
			"Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.",
		},
		{"unknown subnet", model.VIP{Subnet: "x"}, store.Invalid, "Subnet x not found."},
		{"unknown network", model.VIP{Network: "x"}, store.Invalid, "Network x not found."},
		{"subnet of another network", model.VIP{Network: "net", Subnet: "pub"}, store.Invalid, "Subnet pub not found."},
		{
			"network without subnet",
			model.VIP{Network: "empty"},
			store.Invalid,
			"Validation failure: Supplied network does not contain a subnet.",
		},
		{
			"address in no subnet",
			model.VIP{Network: "net", Address: addr("10.1.0.1")},
			store.Invalid,
			"Validation failure: Supplied network does not contain a subnet for VIP address specified.",
		},
		{
			"address outside the subnet",
			model.VIP{Subnet: "sub", Address: addr("10.1.0.1")},
			store.Invalid,
			"Validation failure: IP address 10.1.0.1 is not a valid IP for the specified subnet.",
		},
		{
			"broadcast address",
			model.VIP{Subnet: "sub", Address: addr("10.0.0.255")},
			store.Invalid,
			"Validation failure: IP address 10.0.0.255 is not a valid IP for the specified subnet.",
		},
		{
			"taken by a port",
			model.VIP{Subnet: "sub", Address: addr("10.0.0.77")},
			store.Conflict,
			"The VIP IP address is already in use: IP address 10.0.0.77 already allocated in subnet sub",
		},
		{
			"the router's",
			model.VIP{Subnet: "sub", Address: addr("10.0.0.1")},
			store.Conflict,
			"The VIP IP address is already in use: IP address 10.0.0.1 already allocated in subnet sub",
		},
		{
			"a node's",
			model.VIP{Subnet: "sub", Address: addr("10.0.0.253")},
			store.Conflict,
			"The VIP IP address is already in use: IP address 10.0.0.253 is a node's own address",
		},
		{"unknown port", model.VIP{Port: "x"}, store.Invalid, "Port x not found."},
		{"used port", model.VIP{Port: "used"}, store.Invalid, "Validation failure: Port used is already used by device vm1 "},
		{
			"port with two addresses",
			model.VIP{Port: "double"},
			store.Invalid,
			"Validation failure: VIP port's subnet could not be determined. Please specify either a VIP subnet or address.",
		},
		{"port and unknown subnet", model.VIP{Port: "port", Subnet: "x"}, store.Invalid, "Subnet x not found."},
		{
			"port not in subnet",
			model.VIP{Port: "port", Subnet: "six"},
			store.Invalid,
			"Validation failure: No VIP address found on the specified VIP port within the specified subnet.",
		},
		{
			"port without address",
			model.VIP{Port: "port", Address: addr("10.0.0.9")},
			store.Invalid,
			"Validation failure: Specified VIP address not found on the specified VIP port.",
		},
	}
	c := vipWorld(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := lb("lb1")
			p.LoadBalancer.VIP = tt.vip
			c.refused(store.LoadBalancerCreate, p, tt.kind, tt.want)
		})
	}

	p := lb("lb1")
	p.NewPort.ID = ""
	c.refused(store.LoadBalancerCreate, p, store.Invalid, "Validation failure: the object has no id.")
	p.NewPort.ID = "port"
	c.refused(store.LoadBalancerCreate, p, store.Conflict, "Already an entity with that specified id.")
}

func TestVIPSubnetFull(t *testing.T) {
	c := newCluster(t)
	c.ok(store.NetworkCreate, &model.Network{ID: "net"})
	c.ok(store.SubnetCreate, subnet("sub", "net", "10.0.0.0/30", "10.0.0.1"))
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	if got := vipOf(c, "lb1"); got != "10.0.0.2" {
		t.Errorf("VIP %s", got)
	}
	full := "Validation failure: Subnet(s) in the supplied network do not contain enough available IPs."
	c.refused(store.LoadBalancerCreate, lb("lb2"), store.Conflict, "The VIP IP address is already in use: No more IP addresses available on network net.")
	p := lb("lb2")
	p.LoadBalancer.VIP = model.VIP{Network: "net"}
	c.refused(store.LoadBalancerCreate, p, store.Invalid, full)
	c.ok(store.SubnetCreate, subnet("next", "net", "10.0.1.0/30", ""))
	c.ok(store.LoadBalancerCreate, p)
	if got := vipOf(c, "lb2"); got != "10.0.1.2" {
		t.Errorf("VIP %s", got)
	}
}

func TestAdditionalVIPs(t *testing.T) {
	c := vipWorld(t)
	p := lb("lb1")
	p.LoadBalancer.AdditionalVIPs = []model.VIP{{Subnet: "six", Address: addr("2001:db8::7"), Text: "2001:db8::7"}}
	c.ok(store.LoadBalancerCreate, p)
	c.read(func(st *store.State) {
		got, _ := st.LoadBalancer("lb1")
		want := []model.VIP{{Address: addr("2001:db8::7"), Text: "2001:db8::7", Port: "vip-lb1", Subnet: "six", Network: "net"}}
		if d := cmp.Diff(want, got.AdditionalVIPs, byValue); d != "" {
			t.Error(d)
		}
		port, _ := st.Port("vip-lb1")
		if len(port.FixedIPs) != 2 {
			t.Errorf("fixed IPs %v", port.FixedIPs)
		}
	})
	if got := c.s.Config().Services[0].Addresses; !cmp.Equal(got, addrs("10.0.0.254", "2001:db8::7"), byValue) {
		t.Errorf("addresses %v", got)
	}

	for _, tt := range []struct {
		more []model.VIP
		want string
	}{
		{[]model.VIP{{Subnet: "sub"}}, "Validation failure: Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet."},
		{[]model.VIP{{Subnet: "six"}, {Subnet: "six"}}, "Validation failure: Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet."},
		{[]model.VIP{{Subnet: "pub"}}, "Validation failure: All VIP subnets must belong to the same network."},
		{[]model.VIP{{Subnet: "x"}}, "Subnet x not found."},
		{[]model.VIP{{Subnet: "six", Port: "port"}}, "Validation failure: An additional VIP can name a port only together with vip_port_id."},
	} {
		p := lb("lb2")
		p.LoadBalancer.AdditionalVIPs = tt.more
		c.refused(store.LoadBalancerCreate, p, store.Invalid, tt.want)
	}

	p = lb("lb2")
	p.LoadBalancer.VIP = model.VIP{Port: "double", Subnet: "sub"}
	p.LoadBalancer.AdditionalVIPs = []model.VIP{{Subnet: "six"}}
	c.ok(store.LoadBalancerCreate, p)
	if got := c.s.Config().Services[1].Addresses; !cmp.Equal(got, addrs("10.0.0.78", "2001:db8::78"), byValue) {
		t.Errorf("addresses %v", got)
	}
}

func TestAdoptedPortStays(t *testing.T) {
	c := vipWorld(t)
	p := lb("lb1")
	p.LoadBalancer.VIP = model.VIP{Port: "port"}
	c.ok(store.LoadBalancerCreate, p)
	again := lb("lb2")
	again.LoadBalancer.VIP = model.VIP{Port: "port"}
	c.refused(store.LoadBalancerCreate, again, store.Invalid, "Validation failure: Port port is already used by device lb-lb1 ")
	c.refused(store.PortDelete, &store.PortRef{ID: "port"}, store.Conflict,
		"Port port cannot be deleted directly via the port API: is the VIP port of load balancer lb1.")
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1"})
	c.settle()
	c.read(func(st *store.State) {
		got, ok := st.Port("port")
		if !ok || got.DeviceID != "" {
			t.Errorf("port after delete: %+v", got)
		}
	})
	c.ok(store.LoadBalancerCreate, again)
}

// One address may be on ports of two networks, but lbd can answer for it once.
func TestServiceAddressIsUniqueAcrossNetworks(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.NetworkCreate, &model.Network{ID: "twin"})
	c.ok(store.SubnetCreate, subnet("twinsub", "twin", "10.0.0.0/24", "10.0.0.1"))
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	p := lb("lb2")
	p.LoadBalancer.VIP = model.VIP{Subnet: "twinsub", Address: addr("10.0.0.254")}
	c.refused(store.LoadBalancerCreate, p, store.Conflict,
		"The VIP IP address is already in use: IP address 10.0.0.254 already allocated in subnet twinsub")
	p.LoadBalancer.VIP.Address = addr("10.0.0.253")
	c.ok(store.LoadBalancerCreate, p)
}
