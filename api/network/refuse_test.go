package network_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestRefusalsAreShort: of what a request holds a refusal repeats no more than a glance.
func TestRefusalsAreShort(t *testing.T) {
	w := newWorld(t)
	much := `[` + strings.Repeat(`"x",`, 5000) + `"x"]`
	for _, body := range []string{
		`{"network":{"name":` + much + `}}`, `{"network":{"admin_state_up":` + much + `}}`, `{"network":{"mtu":` + much + `}}`,
		`{"network":{"admin_state_up":"` + strings.Repeat("x", 9000) + `"}}`, `{"network":{"` + strings.Repeat("x", 9000) + `":1}}`,
	} {
		status, out := w.call("admin", "POST", net2+"networks", body)
		fault, _ := out["NeutronError"].(obj)
		if text, _ := fault["message"].(string); status != 400 || text == "" || len(text) > 400 {
			t.Errorf("POST %.60s: %d, %d bytes: %.200s", body, status, len(text), text)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	fip := w.make("floatingip", "floatingips", fmt.Sprintf(`{"floating_network_id":%q,"port_id":%q}`, ids["public"], ids["port"]))
	lonely := id(w.make("network", "networks", `{"name":"lonely"}`))
	w.make("subnet", "subnets", fmt.Sprintf(`{"network_id":%q,"cidr":"10.9.0.0/24"}`, lonely))
	far := id(w.make("port", "ports", fmt.Sprintf(`{"network_id":%q,"fixed_ips":[{"ip_address":"10.9.0.7"}]}`, lonely)))
	farSubnet := w.list("admin", net2+"subnets?network_id="+lonely, "subnets", "id")[0]

	for _, tc := range []struct {
		method, path, body string
		status             int
		typ, message       string
	}{
		{"GET", "networks/private", "", 404, "NetworkNotFound", "Network private could not be found."},
		{"GET", "floatingips/x", "", 404, "FloatingIPNotFound", "Floating IP x could not be found."},
		{"DELETE", "routers/x", "", 404, "RouterNotFound", "Router x could not be found."},
		{"PUT", "ports/x", `{"port":{}}`, 404, "PortNotFound", "Port x could not be found."},
		{"POST", "networks", `{"net":{}}`, 400, "HTTPBadRequest", "Unable to find 'network' in request body"},
		{"POST", "networks", ``, 400, "HTTPBadRequest", "The request body is not valid JSON."},
		{"POST", "networks", `[]`, 400, "HTTPBadRequest", "A JSON object is expected."},
		{"POST", "networks", `{"network":{"name":"a","name":"b"}}`, 400, "HTTPBadRequest", "Attribute 'name' comes twice."},
		{"POST", "networks", `{"network":{"nam":"a","z":1}}`, 400, "HTTPBadRequest", "Unrecognized attribute(s) 'nam, z'"},
		{"POST", "networks", `{"network":{"name":5}}`, 400, "HTTPBadRequest", "Invalid input for name. Reason: '5' is not a valid string."},
		{"POST", "networks", `{"network":{"admin_state_up":"maybe"}}`, 400, "HTTPBadRequest", "Invalid input for admin_state_up. Reason: '\"maybe\"' is not a valid boolean."},
		{"POST", "networks", `{"network":{"mtu":12}}`, 400, "HTTPBadRequest", "Invalid input for mtu. Reason: '12' is not a number from 68 to 65535."},
		{"POST", "networks", `{"network":{"name":"` + strings.Repeat("x", 256) + `"}}`, 400, "HTTPBadRequest", "Invalid input for name. Reason: 256 characters are more than 255."},
		{"POST", "networks", `{"network":{"qos_policy_id":"q"}}`, 404, "QosPolicyNotFound", "QoS policy q could not be found."},
		{"POST", "networks", `{"network":{"vlan_transparent":true}}`, 400, "HTTPBadRequest", "Invalid input for vlan_transparent. Reason: 'true' is not supported, only null or false."},
		{"POST", "networks", `{"network":{"availability_zone_hints":["x"]}}`, 404, "AvailabilityZoneNotFound", "AvailabilityZone x could not be found."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","subnetpool_id":"x","ip_version":4}}`, 404, "SubnetPoolNotFound", "Subnet pool x could not be found."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"10.1.0.0/24","ipv6_ra_mode":"slaac"}}`, 400, "InvalidInput", "Invalid input for operation: ipv6_ra_mode and ipv6_address_mode cannot be set for an IPv4 subnet."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"2001:db8::/64","ipv6_ra_mode":"slaac","ipv6_address_mode":"dhcpv6-stateful"}}`, 400, "InvalidInput", "Invalid input for operation: ipv6_ra_mode set to 'slaac' with ipv6_address_mode set to 'dhcpv6-stateful' is not valid. If both attributes are set, they must be the same value."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"2001:db8::/80","ipv6_ra_mode":"slaac"}}`, 400, "InvalidInput", "Invalid input for operation: Invalid CIDR 2001:db8::/80 for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64."},
		{"PUT", "subnets/" + ids["private-subnet"], `{"subnet":{"allocation_pools":[{"start":"10.0.0.1","end":"10.0.0.9"}]}}`, 409, "GatewayConflictWithAllocationPools", "Gateway ip 10.0.0.1 conflicts with allocation pool 10.0.0.1-10.0.0.9."},
		{"POST", "subnets", `{"subnet":{"cidr":"10.1.0.0/24"}}`, 400, "HTTPBadRequest", "Failed to parse request. Required attribute 'network_id' not specified"},
		{"POST", "subnets", `{"subnet":{"network_id":"x","cidr":"10.1.0.0/24"}}`, 404, "NetworkNotFound", "Network x could not be found."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"10.1.0.0/33"}}`, 400, "HTTPBadRequest", `Invalid input for cidr. Reason: "10.1.0.0/33" is not a valid IP subnet.`},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"10.9.0.0/25"}}`, 400, "InvalidInput", "Invalid input for operation: Requested subnet with cidr: 10.9.0.0/25 for network: " + lonely + " overlaps with another subnet."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"10.1.0.0/24","ip_version":6}}`, 400, "HTTPBadRequest", "Invalid input for operation: cidr '10.1.0.0/24' does not match the ip_version '6'."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.9","end":"10.1.0.2"}]}}`, 400, "InvalidAllocationPool", "The start of allocation pool 10.1.0.9-10.1.0.2 is after its end."},
		{"POST", "subnets", `{"subnet":{"network_id":"` + lonely + `","cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.9"}]}}`, 400, "HTTPBadRequest", "Invalid input for allocation_pools. Reason: an allocation pool needs a start and an end."},
		{"PUT", "subnets/" + ids["private-subnet"], `{"subnet":{"cidr":"10.0.0.0/23"}}`, 400, "HTTPBadRequest", "Cannot update read-only attribute cidr"},
		{"DELETE", "subnets/" + ids["private-subnet"], "", 409, "SubnetInUse", "Unable to complete operation on subnet " + ids["private-subnet"] + ": One or more ports have an IP allocation from this subnet."},
		{"DELETE", "networks/" + ids["private"], "", 409, "NetworkInUse", "Unable to complete operation on network " + ids["private"] + ". There are one or more ports still in use on the network."},
		{"POST", "ports", `{"port":{"network_id":"` + ids["private"] + `","fixed_ips":[{"ip_address":"10.0.0.9"}]}}`, 409, "IpAddressAlreadyAllocated", "IP address 10.0.0.9 already allocated in subnet " + ids["private-subnet"]},
		{"POST", "ports", `{"port":{"network_id":"` + ids["private"] + `","fixed_ips":[{}]}}`, 400, "HTTPBadRequest", "Invalid input for fixed_ips. Reason: an entry needs a subnet_id or an ip_address."},
		{"POST", "ports", `{"port":{"network_id":"` + ids["private"] + `","mac_address":"01:00:5e:00:00:01"}}`, 400, "HTTPBadRequest", "Invalid input for mac_address. Reason: '01:00:5e:00:00:01' is not a valid MAC address."},
		{"PUT", "ports/" + ids["port"], `{"port":{"fixed_ips":[{"ip_address":"10.9.0.10"}]}}`, 400, "InvalidIpForSubnet", "IP address 10.9.0.10 is not a valid IP for any of the subnets on the specified network."},
		{"PUT", "ports/" + ids["interface"], `{"port":{"device_id":""}}`, 409, "PortInUse", "Unable to complete operation on port " + ids["interface"] + " for network " + ids["private"] + ". Port already has an attached device " + ids["router"] + "."},
		{"DELETE", "ports/" + ids["interface"], ``, 409, "ServicePortInUse", "Port " + ids["interface"] + " cannot be deleted directly via the port API: has device owner network:router_interface."},
		{"PUT", "ports/" + ids["port"], `{"port":{"port_security_enabled":false}}`, 409, "PortSecurityAndIPRequiredForSecurityGroups", "Port Security must be enabled and port must have an IP address in order to use security groups."},
		{"PUT", "ports/" + ids["port"], `{"port":{"allowed_address_pairs":[{"ip_address":"x"}]}}`, 400, "HTTPBadRequest", "Invalid input for allowed_address_pairs. Reason: 'x' is not a valid IP address or subnet."},
		{"PUT", "ports/" + ids["port"], `{"port":{"binding:profile":[]}}`, 400, "HTTPBadRequest", "Invalid input for binding:profile. Reason: '[]' is not a dictionary of at most 4095 bytes."},
		{"PUT", "ports/" + ids["port"], `{"port":{"security_groups":["x"]}}`, 404, "SecurityGroupNotFound", "Security group x does not exist"},
		{"POST", "routers", `{"router":{"external_gateway_info":{"network_id":"` + ids["private"] + `"}}}`, 400, "BadRequest", "Bad router request: Network " + ids["private"] + " is not an external network."},
		{"POST", "routers", `{"router":{"external_gateway_info":{"network_id":"` + ids["public"] + `","enable_snat":true}}}`, 400, "HTTPBadRequest", "Invalid input for enable_snat. Reason: 'true' is not supported, only null or false."},
		{"PUT", "routers/" + ids["router"], `{"router":{"routes":[{"destination":"10.8.0.0/24","nexthop":"10.9.0.1"}]}}`, 400, "InvalidRoutes", "Invalid format for routes: the nexthop 10.9.0.1 is not connected with router"},
		{"PUT", "routers/" + ids["router"] + "/add_router_interface", `{"port_id":"` + ids["interface"] + `"}`, 409, "PortInUse", "Unable to complete operation on port " + ids["interface"] + " for network " + ids["private"] + ". Port already has an attached device " + ids["router"] + "."},
		{"PUT", "routers/" + ids["router"] + "/add_router_interface", `{}`, 400, "HTTPBadRequest", "Bad router request: Either subnet_id or port_id must be specified."},
		{"PUT", "routers/" + ids["router"] + "/add_router_interface", `{"subnet_id":"x"}`, 404, "SubnetNotFound", "Subnet x could not be found."},
		{"PUT", "routers/" + ids["router"] + "/remove_router_interface", `{"subnet_id":"` + farSubnet + `"}`, 404, "RouterInterfaceNotFoundForSubnet", "Router " + ids["router"] + " has no interface on subnet " + farSubnet},
		{"PUT", "routers/" + ids["router"] + "/remove_router_interface", `{"subnet_id":"` + ids["private-subnet"] + `"}`, 409, "RouterInterfaceInUseByFloatingIP", "Router interface for subnet " + ids["private-subnet"] + " on router " + ids["router"] + " cannot be deleted, as it is required by one or more floating IPs."},
		{"PUT", "routers/" + ids["router"], `{"router":{"external_gateway_info":null}}`, 409, "RouterExternalGatewayInUseByFloatingIp", "Gateway cannot be updated for router " + ids["router"] + ", since a gateway to external network " + ids["public"] + " is required by one or more floating IPs."},
		{"DELETE", "routers/" + ids["router"], "", 409, "RouterInUse", "Router " + ids["router"] + " still has ports"},
		{"POST", "floatingips", `{"floatingip":{}}`, 400, "HTTPBadRequest", "Failed to parse request. Required attribute 'floating_network_id' not specified"},
		{"POST", "floatingips", `{"floatingip":{"floating_network_id":"` + ids["private"] + `"}}`, 400, "BadRequest", "Bad floatingip request: Network " + ids["private"] + " is not a valid external network."},
		{"PUT", "floatingips/" + id(fip), `{"floatingip":{"port_id":"` + far + `"}}`, 404, "ExternalGatewayForFloatingIPNotFound", "External network " + ids["public"] + " is not reachable from subnet " + farSubnet + ". Therefore, cannot associate Port " + far + " with a Floating IP."},
		{"PUT", "floatingips/" + id(fip), `{"floatingip":{"port_id":"x"}}`, 404, "PortNotFound", "Port x could not be found."},
		{"PUT", "floatingips/" + id(fip), `{"floatingip":{"port_id":null,"fixed_ip_address":"10.0.0.9"}}`, 400, "HTTPBadRequest", "Bad floatingip request: fixed_ip_address cannot be specified without a port_id."},
		{"POST", "floatingips", `{"floatingip":{"floating_network_id":"` + ids["public"] + `","floating_ip_address":"fe80::1%eth0"}}`, 400, "HTTPBadRequest", `Invalid input for floating_ip_address. Reason: '"fe80::1%eth0"' is not a valid IP address.`},
	} {
		before := w.st.Index()
		w.refused("admin", tc.method, net2+tc.path, tc.body, tc.status, tc.typ, tc.message)
		if tc.typ == "HTTPBadRequest" && w.st.Index() != before {
			t.Errorf("%s %s %s reached the store", tc.method, tc.path, tc.body)
		}
	}
}

// TestProjectsAreApart: what belongs to another project is not there; what is
// shared can be used, not changed.
func TestProjectsAreApart(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	mine := id(w.makeAs("p1:member", "network", "networks", `{"name":"mine"}`))
	sub := id(w.makeAs("p1:member", "subnet", "subnets", `{"network_id":"`+mine+`","cidr":"10.1.0.0/24"}`))
	port := id(w.makeAs("p1:member", "port", "ports", `{"network_id":"`+mine+`"}`))
	router := id(w.makeAs("p1:member", "router", "routers", `{"external_gateway_info":{"network_id":"`+ids["public"]+`"}}`))
	if status, out := w.call("p1:member", "PUT", net2+"routers/"+router+"/add_router_interface", `{"subnet_id":"`+sub+`"}`); status != 200 {
		t.Fatalf("attach: %d %v", status, out)
	}
	fip := w.makeAs("p1:member", "floatingip", "floatingips", `{"floating_network_id":"`+ids["public"]+`","port_id":"`+port+`"}`)
	if fip["project_id"] != "p1" || fip["status"] != "ACTIVE" {
		t.Errorf("floating IP: %v", fip)
	}

	if got := w.list("p1:reader", net2+"networks", "networks", "name"); !slices.Equal(got, []string{"public", "mine"}) {
		t.Errorf("p1 sees networks %v", got)
	}
	if got := w.list("p2:reader", net2+"networks", "networks", "name"); !slices.Equal(got, []string{"public"}) {
		t.Errorf("p2 sees networks %v", got)
	}
	if got := w.list("p2:reader", net2+"ports", "ports", "id"); len(got) != 0 {
		t.Errorf("p2 sees ports %v", got)
	}
	for _, path := range []string{"networks/" + mine, "subnets/" + sub, "ports/" + port, "routers/" + router, "floatingips/" + id(fip)} {
		one := strings.TrimSuffix(strings.Split(path, "/")[0], "s")
		if status, _ := w.call("p2:member", "GET", net2+path, ""); status != 404 {
			t.Errorf("p2 gets %s: %d", path, status)
		}
		if status, _ := w.call("p2:member", "PUT", net2+path, `{"`+one+`":{}}`); status != 404 {
			t.Errorf("p2 changes %s: %d", path, status)
		}
		if status, _ := w.call("p2:member", "DELETE", net2+path, ""); status != 404 {
			t.Errorf("p2 deletes %s: %d", path, status)
		}
		if status, _ := w.call("p1:reader", "DELETE", net2+path, ""); status != 403 {
			t.Errorf("a reader deletes %s: %d", path, status)
		}
		if status, out := w.call("admin", "GET", net2+path, ""); status != 200 || out[one].(obj)["project_id"] != "p1" {
			t.Errorf("admin gets %s: %d %v", path, status, out)
		}
	}
	for _, tc := range []struct{ method, path, body string }{
		{"PUT", "networks/" + ids["public"], `{"network":{"name":"x"}}`},
		{"POST", "subnets", `{"subnet":{"network_id":"` + ids["public"] + `","cidr":"10.3.0.0/24"}}`},
		{"POST", "ports", `{"port":{"network_id":"` + ids["public"] + `"}}`},
		{"POST", "networks", `{"network":{"router:external":true}}`},
		{"POST", "networks", `{"network":{"project_id":"p2"}}`},
		{"PUT", "networks/" + mine, `{"network":{"shared":true}}`},
	} {
		if status, out := w.call("p1:member", tc.method, net2+tc.path, tc.body); status != 403 {
			t.Errorf("p1: %s %s %s: %d %v", tc.method, tc.path, tc.body, status, out)
		}
	}
	_, out := w.call("p1:member", "GET", net2+"networks/"+mine, "")
	if _, ok := out["network"].(obj)["provider:network_type"]; ok {
		t.Error("provider attributes are shown to a member")
	}
	if n := w.make("network", "networks", `{"tenant_id":"p2","name":"given"}`); n["project_id"] != "p2" {
		t.Errorf("made for p2: %v", n)
	}
}

func TestLoopbackSubnetHasNoGateway(t *testing.T) {
	w := newWorld(t)
	n := id(w.make("network", "networks", `{"name":"local"}`))
	for cidr, want := range map[string]any{"127.0.77.0/24": nil, "192.0.2.4/32": nil, "192.0.2.16/29": "192.0.2.17", "2001:db8::/64": "2001:db8::1"} {
		if s := w.make("subnet", "subnets", `{"network_id":"`+n+`","cidr":"`+cidr+`"}`); s["gateway_ip"] != want {
			t.Errorf("%s: gateway %v, want %v", cidr, s["gateway_ip"], want)
		}
	}
	s := w.make("subnet", "subnets", `{"network_id":"`+n+`","cidr":"10.7.0.0/24","gateway_ip":null,"dns_nameservers":["192.0.2.53"]}`)
	if s["gateway_ip"] != nil {
		t.Errorf("gateway null: %v", s["gateway_ip"])
	}
}

// FuzzCreate: whatever is sent, the answer is no 5xx and the state only
// changes with a 201.
func FuzzCreate(f *testing.F) {
	for _, s := range []string{
		`{"network":{"name":"a","admin_state_up":"True"}}`, `{"subnet":{"network_id":"n","cidr":"10.0.0.0/24","allocation_pools":[{"start":"10.0.0.2","end":"10.0.0.9"}]}}`,
		`{"port":{"network_id":"n","fixed_ips":[{"subnet_id":"s","ip_address":"::ffff:10.0.0.1"}]}}`, `{"router":{"external_gateway_info":{}}}`,
		`{"floatingip":{"floating_network_id":"n","port_id":null}}`, `{"network":{"name":"\ud800"}}`, `{"a":1} x`, "{\"network\":{\"name\":\"\xff\"}}",
	} {
		f.Add(uint8(len(s)), s)
	}
	paths := []string{"networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules"}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		w := newWorld(t)
		status, out := w.call("admin", "POST", net2+paths[int(which)%len(paths)], body)
		if status >= 500 || status == 200 {
			t.Errorf("%q: %d %v", body, status, out)
		}
		if (status == 201) != (w.st.Index() == 1) && status < 400 {
			t.Errorf("%q: %d at index %d", body, status, w.st.Index())
		}
	})
}
