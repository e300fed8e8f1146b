package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func TestRouter(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.read(func(st *store.State) {
		r, _ := st.Router("router")
		gw, _ := st.Port("gw")
		in, _ := st.Port("if")
		if r.External != "ext" || r.GatewayPort != "gw" || gw.DeviceOwner != model.OwnerRouterGateway || gw.DeviceID != "router" {
			t.Errorf("router %+v with gateway %+v", r, gw)
		}
		if !cmp.Equal(gw.FixedIPs, []model.FixedIP{{Subnet: "pub", Address: addr("192.0.2.254")}}, byValue) {
			t.Errorf("gateway at %v", gw.FixedIPs)
		}
		if !cmp.Equal(in.FixedIPs, []model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.1")}}, byValue) || in.DeviceOwner != model.OwnerRouterInterface {
			t.Errorf("interface %+v", in)
		}
		if got := st.RouterSubnets("router"); !cmp.Equal(got, []model.SubnetID{"sub"}) {
			t.Errorf("subnets %v", got)
		}
	})

	c.ok(store.SubnetCreate, subnet("bare", "net", "10.5.0.0/24", ""))
	c.ok(store.NetworkCreate, &model.Network{ID: "twin"})
	c.ok(store.SubnetCreate, subnet("twinsub", "twin", "10.0.0.0/24", "10.0.0.1"))
	attach := func(router, subnet, port string) *store.RouterAttachPayload {
		return &store.RouterAttachPayload{Router: model.RouterID(router), Subnet: model.SubnetID(subnet), Port: model.Port{ID: model.PortID(port)}}
	}
	create := func(id, external, port string) *store.RouterCreatePayload {
		return &store.RouterCreatePayload{
			Router:      model.Router{ID: model.RouterID(id), External: model.NetworkID(external)},
			GatewayPort: model.Port{ID: model.PortID(port)},
		}
	}
	for _, tt := range []struct {
		name string
		kind store.CommandKind
		in   any
		as   store.Kind
		want string
	}{
		{"id", store.RouterCreate, create("router", "", ""), store.Conflict, "Already an entity with that specified id."},
		{"no network", store.RouterCreate, create("r", "x", "p"), store.NotFound, "Network x could not be found."},
		{
			"not external", store.RouterCreate, create("r", "net", "p"), store.Invalid,
			"Bad router request: Network net is not an external network.",
		},
		{"no port id", store.RouterCreate, create("r", "ext", ""), store.Invalid, "Validation failure: the object has no id."},
		{
			"twice", store.RouterAttach, attach("router", "sub", "p"), store.Invalid,
			"Bad router request: Router already has a port on subnet sub.",
		},
		{
			"overlap", store.RouterAttach, attach("router", "twinsub", "p"), store.Invalid,
			"Bad router request: Cidr 10.0.0.0/24 of subnet twinsub overlaps with cidr 10.0.0.0/24 of subnet sub.",
		},
		{
			"no gateway", store.RouterAttach, attach("router", "bare", "p"), store.Invalid,
			"Bad router request: Subnet for router interface must have a gateway IP.",
		},
		{"no router", store.RouterAttach, attach("x", "sub", "p"), store.NotFound, "Router x could not be found."},
		{"no subnet", store.RouterAttach, attach("router", "x", "p"), store.NotFound, "Subnet x could not be found."},
		{
			"detach elsewhere", store.RouterDetach, &store.RouterDetachPayload{Router: "router", Subnet: "bare"}, store.NotFound,
			"Router router has no interface on subnet bare",
		},
		{
			"detach other port", store.RouterDetach, &store.RouterDetachPayload{Router: "router", Port: "gw"}, store.NotFound,
			"Router router does not have an interface with id gw",
		},
		{
			"detach nothing", store.RouterDetach, &store.RouterDetachPayload{Router: "router"}, store.NotFound,
			"Router router has no interface on subnet ",
		},
		{"delete with interfaces", store.RouterDelete, &store.RouterRef{ID: "router"}, store.Conflict, "Router router still has ports"},
		{"update nothing", store.RouterUpdate, &store.RouterPatch{ID: "x"}, store.NotFound, "Router x could not be found."},
	} {
		t.Run(tt.name, func(t *testing.T) { c.refused(tt.kind, tt.in, tt.as, tt.want) })
	}
	c.ok(store.RouterCreate, create("r2", "", ""))
	c.refused(store.RouterAttach, attach("r2", "sub", "p"), store.Conflict, "IP address 10.0.0.1 already allocated in subnet sub")
	c.ok(store.RouterAttach, attach("r2", "twinsub", "if2"))
	c.ok(store.RouterDetach, &store.RouterDetachPayload{Router: "r2", Port: "if2"})
	c.ok(store.RouterDelete, &store.RouterRef{ID: "r2"})

	c.ok(store.RouterUpdate, &store.RouterPatch{ID: "router", External: ptr(model.NetworkID("")), RecordPatch: store.RecordPatch{Name: ptr("n")}})
	c.read(func(st *store.State) {
		r, _ := st.Router("router")
		if _, ok := st.Port("gw"); ok || r.External != "" || r.GatewayPort != "" || r.Name != "n" {
			t.Errorf("after clearing the gateway: %+v", r)
		}
	})
	c.ok(store.RouterUpdate, &store.RouterPatch{ID: "router", External: ptr(model.NetworkID("ext")), GatewayPort: model.Port{ID: "gw2"}})
	c.ok(store.RouterDetach, &store.RouterDetachPayload{Router: "router", Subnet: "sub"})
	c.ok(store.RouterDelete, &store.RouterRef{ID: "router"})
	c.read(func(st *store.State) {
		if ports := st.Ports(); len(ports) != 0 {
			t.Errorf("ports left: %v", ports)
		}
	})
}

func TestFloatingIP(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	create := func(id, port, address string) *store.FloatingIPCreatePayload {
		f := model.FloatingIP{ID: model.FloatingIPID(id), Network: "ext", Port: model.PortID(port)}
		if address != "" {
			f.Address = addr(address)
		}
		return &store.FloatingIPCreatePayload{FloatingIP: f}
	}
	addresses := func() []string {
		var out []string
		for _, a := range c.s.Config().Services[0].Addresses {
			out = append(out, a.String())
		}
		return out
	}
	c.ok(store.FloatingIPCreate, create("free", "", ""))
	c.ok(store.FloatingIPCreate, create("fip", "vip-lb1", "192.0.2.50"))
	c.read(func(st *store.State) {
		free, _ := st.FloatingIP("free")
		if free.Address != addr("192.0.2.253") || free.Subnet != "pub" || free.Port != "" || free.Router != "" {
			t.Errorf("free: %+v", free)
		}
		got, ok := st.FloatingIPOf("vip-lb1")
		if !ok || got.ID != "fip" || got.Fixed != addr("10.0.0.254") || got.Router != "router" || got.Address != addr("192.0.2.50") {
			t.Errorf("bound: %+v", got)
		}
	})
	if d := cmp.Diff([]string{"10.0.0.254", "192.0.2.50"}, addresses()); d != "" {
		t.Error(d)
	}

	c.ok(store.SubnetCreate, subnet("island", "net", "10.7.0.0/24", ""))
	c.ok(store.PortCreate, &model.Port{ID: "far", Network: "net", FixedIPs: []model.FixedIP{{Subnet: "island"}}})
	c.ok(store.NetworkCreate, &model.Network{ID: "empty"})
	c.ok(store.PortCreate, &model.Port{ID: "none", Network: "empty"})
	wrong := create("q", "vip-lb1", "")
	wrong.FloatingIP.Fixed = addr("10.0.0.5")
	inside := create("q", "", "")
	inside.FloatingIP.Network = "net"
	other := create("q", "", "")
	other.FloatingIP.Subnet = "sub"
	for _, tt := range []struct {
		name string
		kind store.CommandKind
		in   any
		as   store.Kind
		want string
	}{
		{"not external", store.FloatingIPCreate, inside, store.Invalid, "Bad floatingip request: Network net is not a valid external network."},
		{"subnet elsewhere", store.FloatingIPCreate, other, store.NotFound, "Subnet sub could not be found."},
		{
			"address elsewhere", store.FloatingIPCreate, create("q", "", "9.9.9.9"), store.Invalid,
			"IP address 9.9.9.9 is not a valid IP for any of the subnets on the specified network.",
		},
		{"address taken", store.FloatingIPCreate, create("q", "", "192.0.2.50"), store.Conflict, "IP address 192.0.2.50 already allocated in subnet pub"},
		{"no port", store.FloatingIPCreate, create("q", "x", ""), store.NotFound, "Port x could not be found."},
		{"no such address", store.FloatingIPCreate, wrong, store.Invalid, "Bad floatingip request: Port vip-lb1 does not have fixed ip 10.0.0.5."},
		{
			"port without address", store.FloatingIPCreate, create("q", "none", ""), store.Invalid,
			"Bad floatingip request: Cannot add floating IP to port none that has no fixed IPv4 addresses.",
		},
		{
			"no router", store.FloatingIPCreate, create("q", "far", ""), store.NotFound,
			"External network ext is not reachable from subnet island. Therefore, cannot associate Port far with a Floating IP.",
		},
		{
			"bound already", store.FloatingIPUpdate, &store.FloatingIPPatch{ID: "free", Port: ptr(model.PortID("vip-lb1"))}, store.Conflict,
			"Cannot associate floating IP 192.0.2.253 (free) with port vip-lb1 using fixed IP 10.0.0.254, as that fixed IP already has a floating IP on external network ext.",
		},
		{
			"router needs gateway", store.RouterUpdate, &store.RouterPatch{ID: "router", External: ptr(model.NetworkID(""))}, store.Conflict,
			"Gateway cannot be updated for router router, since a gateway to external network ext is required by one or more floating IPs.",
		},
		{
			"router needs interface", store.RouterDetach, &store.RouterDetachPayload{Router: "router", Subnet: "sub"}, store.Conflict,
			"Router interface for subnet sub on router router cannot be deleted, as it is required by one or more floating IPs.",
		},
		{
			"subnet in use", store.SubnetDelete, &store.SubnetRef{ID: "pub"}, store.Conflict,
			"Unable to complete operation on subnet pub: One or more ports have an IP allocation from this subnet.",
		},
		{"unknown", store.FloatingIPUpdate, &store.FloatingIPPatch{ID: "x"}, store.NotFound, "Floating IP x could not be found"},
		{"delete unknown", store.FloatingIPDelete, &store.FloatingIPRef{ID: "x"}, store.NotFound, "Floating IP x could not be found"},
	} {
		t.Run(tt.name, func(t *testing.T) { c.refused(tt.kind, tt.in, tt.as, tt.want) })
	}

	c.ok(store.FloatingIPUpdate, &store.FloatingIPPatch{ID: "fip", RecordPatch: store.RecordPatch{Description: ptr("d")}})
	if len(addresses()) != 2 {
		t.Error("describing a floating IP freed it")
	}
	c.ok(store.FloatingIPUpdate, &store.FloatingIPPatch{ID: "fip", Port: ptr(model.PortID(""))})
	if d := cmp.Diff([]string{"10.0.0.254"}, addresses()); d != "" {
		t.Error(d)
	}
	c.ok(store.FloatingIPUpdate, &store.FloatingIPPatch{ID: "free", Port: ptr(model.PortID("vip-lb1"))})
	if d := cmp.Diff([]string{"10.0.0.254", "192.0.2.253"}, addresses()); d != "" {
		t.Error(d)
	}
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true})
	c.settle()
	c.read(func(st *store.State) {
		f, _ := st.FloatingIP("free")
		if f.Port != "" || f.Fixed.IsValid() || f.Router != "" || f.Address != addr("192.0.2.253") {
			t.Errorf("after its port went: %+v", f)
		}
	})
	c.ok(store.FloatingIPDelete, &store.FloatingIPRef{ID: "free"})
	c.ok(store.FloatingIPCreate, create("next", "", ""))
	c.read(func(st *store.State) {
		if f, _ := st.FloatingIP("next"); f.Address != addr("192.0.2.253") {
			t.Errorf("a freed address is not given again: %s", f.Address)
		}
	})
}
