package network_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update sends a body to one object and expects the same attributes back, from
// the answer and from a GET.
func (w *world) update(path, one, body string, want obj) {
	w.t.Helper()
	status, out := w.call("admin", "PUT", net2+path, fmt.Sprintf(`{%q:%s}`, one, body))
	if status != 200 {
		w.t.Errorf("PUT %s %s: %d %v", path, body, status, out)
		return
	}
	_, read := w.call("admin", "GET", net2+path, "")
	for key, v := range want {
		for _, o := range []obj{out, read} {
			if d := cmp.Diff(v, o[one].(obj)[key]); d != "" {
				w.t.Errorf("PUT %s %s: %s: %s", path, body, key, d)
			}
		}
	}
}

func TestUpdates(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	w.update("networks/"+ids["private"], "network", `{"mtu":1400,"dns_domain":"example.org.","port_security_enabled":false,"is_default":true}`,
		obj{"mtu": 1400.0, "dns_domain": "example.org.", "port_security_enabled": false, "is_default": true})
	w.update("subnets/"+ids["private-subnet"], "subnet", `{"allocation_pools":[{"start":"10.0.0.100","end":"10.0.0.200"}],"host_routes":[{"destination":"10.8.0.0/16","nexthop":"10.0.0.2"}],"dns_nameservers":["192.0.2.53"],"service_types":["a"],"dns_publish_fixed_ip":true}`,
		obj{
			"allocation_pools": []any{obj{"start": "10.0.0.100", "end": "10.0.0.200"}}, "host_routes": []any{obj{"destination": "10.8.0.0/16", "nexthop": "10.0.0.2"}},
			"dns_nameservers": []any{"192.0.2.53"}, "service_types": []any{"a"}, "dns_publish_fixed_ip": true,
		})
	w.update("ports/"+ids["port"], "port", `{"fixed_ips":[{"ip_address":"10.0.0.9"},{"subnet_id":"`+ids["private-subnet"]+`","ip_address":"10.0.0.10"}],"allowed_address_pairs":[{"ip_address":"10.0.0.0/25"}],"device_id":"vm","device_owner":"compute:nova","binding:host_id":"h","binding:profile":{"a":1},"binding:vnic_type":"direct","dns_name":"n","mac_address":"FA:16:3E:00:00:01"}`,
		obj{
			"fixed_ips": []any{obj{"subnet_id": ids["private-subnet"], "ip_address": "10.0.0.9"}, obj{"subnet_id": ids["private-subnet"], "ip_address": "10.0.0.10"}},
			"device_id": "vm", "device_owner": "compute:nova", "binding:host_id": "h", "binding:profile": obj{"a": 1.0}, "binding:vnic_type": "direct", "dns_name": "n",
			"mac_address": "fa:16:3e:00:00:01", "allowed_address_pairs": []any{obj{"ip_address": "10.0.0.0/25", "mac_address": "fa:16:3e:00:00:01"}},
		})
	w.update("routers/"+ids["router"], "router", `{"routes":[{"destination":"10.8.0.0/16","nexthop":"10.0.0.7"}]}`, obj{"routes": []any{obj{"destination": "10.8.0.0/16", "nexthop": "10.0.0.7"}}})
	w.refused("admin", "PUT", net2+"routers/"+ids["router"]+"/remove_router_interface", `{"subnet_id":"`+ids["private-subnet"]+`"}`, 409, "RouterInterfaceInUseByRoute",
		"Router interface for subnet "+ids["private-subnet"]+" on router "+ids["router"]+" cannot be deleted, as it is required by one or more routes.")
	w.update("routers/"+ids["router"], "router", `{"external_gateway_info":{"network_id":"`+ids["public"]+`","external_fixed_ips":[{"ip_address":"203.0.113.77"}]}}`,
		obj{"external_gateway_info": obj{"network_id": ids["public"], "enable_snat": false, "external_fixed_ips": []any{obj{"subnet_id": ids["public-subnet"], "ip_address": "203.0.113.77"}}}})
	fip := id(w.make("floatingip", "floatingips", fmt.Sprintf(`{"floating_network_id":%q,"port_id":%q,"dns_name":"a","dns_domain":"example.org."}`, ids["public"], ids["port"])))
	w.update("floatingips/"+fip, "floatingip", `{"dns_name":"b","description":"d"}`, obj{"dns_name": "b", "dns_domain": "example.org.", "description": "d", "fixed_ip_address": "10.0.0.9"})
	w.update("floatingips/"+fip, "floatingip", `{"port_id":"`+ids["port"]+`","fixed_ip_address":"10.0.0.10"}`, obj{"fixed_ip_address": "10.0.0.10"})
	// The floating IP goes free with the address it leads to.
	w.update("ports/"+ids["port"], "port", `{"fixed_ips":[{"ip_address":"10.0.0.9"}]}`, nil)
	if _, out := w.call("admin", "GET", net2+"floatingips/"+fip, ""); out["floatingip"].(obj)["port_id"] != nil || out["floatingip"].(obj)["status"] != "DOWN" {
		t.Errorf("floating IP: %v", out)
	}
	w.update("ports/"+ids["port"], "port", `{"fixed_ips":[]}`, obj{"fixed_ips": []any{}})
}

func TestIPv6Subnets(t *testing.T) {
	w := newWorld(t)
	n := id(w.make("network", "networks", `{}`))
	for i, mode := range []string{"slaac", "dhcpv6-stateless", "dhcpv6-stateful"} {
		s := w.make("subnet", "subnets", fmt.Sprintf(`{"network_id":%q,"ip_version":6,"cidr":"2001:db8:%d::/64","ipv6_ra_mode":%q,"ipv6_address_mode":%q}`, n, i+1, mode, mode))
		if s["ipv6_ra_mode"] != mode || s["ipv6_address_mode"] != mode || s["ip_version"] != 6.0 || s["gateway_ip"] != fmt.Sprintf("2001:db8:%d::1", i+1) {
			t.Errorf("%s: %v", mode, s)
		}
	}
}

func TestRouterInterfaceByPort(t *testing.T) {
	w := newWorld(t)
	n := id(w.make("network", "networks", `{}`))
	sub := id(w.make("subnet", "subnets", fmt.Sprintf(`{"network_id":%q,"cidr":"10.3.0.0/24"}`, n)))
	port := id(w.make("port", "ports", fmt.Sprintf(`{"network_id":%q,"fixed_ips":[{"ip_address":"10.3.0.9"}]}`, n)))
	router := net2 + "routers/" + id(w.make("router", "routers", `{}`))
	status, out := w.call("admin", "PUT", router+"/add_router_interface", `{"port_id":"`+port+`"}`)
	if status != 200 || out["port_id"] != port || out["subnet_id"] != sub {
		t.Fatalf("attach: %d %v", status, out)
	}
	if _, out := w.call("admin", "GET", net2+"ports/"+port, ""); out["port"].(obj)["device_owner"] != "network:router_interface" || out["port"].(obj)["status"] != "ACTIVE" {
		t.Errorf("port: %v", out)
	}
	if status, out := w.call("admin", "PUT", router+"/remove_router_interface", `{"port_id":"`+port+`"}`); status != 200 {
		t.Errorf("detach: %d %v", status, out)
	}
	if status, _ := w.call("admin", "GET", net2+"ports/"+port, ""); status != 404 {
		t.Errorf("the port after: %d", status)
	}
}

// A hundred clients at once get a hundred addresses, and the subnet's last one is
// given once.
func TestAddressesAreGivenOnce(t *testing.T) {
	w := newWorld(t)
	n := id(w.make("network", "networks", `{}`))
	w.make("subnet", "subnets", fmt.Sprintf(`{"network_id":%q,"cidr":"10.3.0.0/24","allocation_pools":[{"start":"10.3.0.10","end":"10.3.0.99"}]}`, n))
	var mu sync.Mutex
	seen, refused := map[any]int{}, 0
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			status, out := w.call("admin", "POST", net2+"ports", fmt.Sprintf(`{"port":{"network_id":%q,"security_groups":[]}}`, n))
			mu.Lock()
			defer mu.Unlock()
			if status == 409 && out["NeutronError"].(obj)["type"] == "IpAddressGenerationFailure" {
				refused++
				return
			}
			seen[out["port"].(obj)["fixed_ips"].([]any)[0].(obj)["ip_address"]]++
		})
	}
	wg.Wait()
	if len(seen) != 90 || refused != 10 {
		t.Errorf("%d addresses given, %d refused: %v", len(seen), refused, seen)
	}
}
