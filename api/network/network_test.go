package network_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const net2 = "/networking/v2.0/"

// walkthrough makes the networks of the walkthrough and returns their ids.
func walkthrough(w *world) map[string]string {
	w.t.Helper()
	ids := map[string]string{}
	ids["private"] = id(w.make("network", "networks", `{"name":"private","admin_state_up":true}`))
	ids["private-subnet"] = id(w.make("subnet", "subnets", fmt.Sprintf(`{"name":"private-subnet","network_id":%q,"ip_version":4,"cidr":"10.0.0.0/24"}`, ids["private"])))
	ids["public"] = id(w.make("network", "networks", `{"name":"public","router:external":true,"provider:network_type":"vxlan"}`))
	ids["public-subnet"] = id(w.make("subnet", "subnets", fmt.Sprintf(`{"name":"public-subnet","network_id":%q,"ip_version":"4","cidr":"203.0.113.0/24","enable_dhcp":"False"}`, ids["public"])))
	ids["router"] = id(w.make("router", "routers", `{"name":"router1"}`))
	if status, out := w.call("admin", "PUT", net2+"routers/"+ids["router"], fmt.Sprintf(`{"router":{"external_gateway_info":{"network_id":%q}}}`, ids["public"])); status != 200 {
		w.t.Fatalf("set gateway: %d %v", status, out)
	}
	status, out := w.call("admin", "PUT", net2+"routers/"+ids["router"]+"/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, ids["private-subnet"]))
	if status != 200 || out["id"] != ids["router"] || out["subnet_id"] != ids["private-subnet"] || out["tenant_id"] != "p0" {
		w.t.Fatalf("add interface: %d %v", status, out)
	}
	ids["interface"] = out["port_id"].(string)
	ids["port"] = id(w.make("port", "ports", fmt.Sprintf(`{"name":"vip","network_id":%q,"fixed_ips":[{"ip_address":"10.0.0.9"}]}`, ids["private"])))
	return ids
}

func TestWalkthroughOfNetworks(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)

	fip := w.make("floatingip", "floatingips", fmt.Sprintf(`{"floating_network_id":%q}`, ids["public"]))
	if fip["status"] != "DOWN" || fip["port_id"] != nil || fip["router_id"] != nil {
		t.Errorf("a free floating IP: %v", fip)
	}
	status, out := w.call("admin", "PUT", net2+"floatingips/"+id(fip), fmt.Sprintf(`{"floatingip":{"port_id":%q}}`, ids["port"]))
	bound := out["floatingip"].(obj)
	if status != 200 || bound["status"] != "ACTIVE" || bound["fixed_ip_address"] != "10.0.0.9" || bound["router_id"] != ids["router"] {
		t.Errorf("bound: %d %v", status, bound)
	}
	if d := bound["port_details"].(obj); d["name"] != "vip" || d["network_id"] != ids["private"] {
		t.Errorf("port_details: %v", d)
	}
	if got := w.list("admin", net2+"floatingips?port_id="+ids["port"], "floatingips", "id"); !slices.Equal(got, []string{id(fip)}) {
		t.Errorf("by port: %v", got)
	}
	status, out = w.call("admin", "PUT", net2+"floatingips/"+id(fip), `{"floatingip":{"port_id":null}}`)
	if free := out["floatingip"].(obj); status != 200 || free["status"] != "DOWN" || free["fixed_ip_address"] != nil || free["port_details"] != nil {
		t.Errorf("freed: %d %v", status, free)
	}

	r := net2 + "routers/" + ids["router"]
	if status, out := w.call("admin", "PUT", r+"/remove_router_interface", fmt.Sprintf(`{"port_id":%q}`, ids["interface"])); status != 200 || out["subnet_id"] != ids["private-subnet"] || out["port_id"] != ids["interface"] {
		t.Errorf("remove interface: %d %v", status, out)
	}
	if status, out := w.call("admin", "PUT", r, `{"router":{"external_gateway_info":{}}}`); status != 200 || out["router"].(obj)["external_gateway_info"] != nil {
		t.Errorf("clear gateway: %d %v", status, out)
	}
	for _, path := range []string{"routers/" + ids["router"], "floatingips/" + id(fip), "ports/" + ids["port"], "subnets/" + ids["private-subnet"], "networks/" + ids["private"], "networks/" + ids["public"]} {
		if status, out := w.call("admin", "DELETE", net2+path, ""); status != 204 || len(out) != 0 {
			t.Errorf("DELETE %s: %d %v", path, status, out)
		}
	}
}

func TestAnswersHaveTheKeysClientsRead(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	fip := w.make("floatingip", "floatingips", fmt.Sprintf(`{"floating_network_id":%q,"port_id":%q,"description":"d"}`, ids["public"], ids["port"]))
	times := " tenant_id project_id description tags created_at updated_at revision_number"
	for path, keys := range map[string]string{
		"networks/" + ids["private"]:       "id name admin_state_up status subnets shared router:external mtu port_security_enabled provider:network_type provider:physical_network provider:segmentation_id availability_zones availability_zone_hints",
		"subnets/" + ids["private-subnet"]: "id name network_id ip_version cidr gateway_ip enable_dhcp allocation_pools dns_nameservers host_routes ipv6_ra_mode ipv6_address_mode subnetpool_id service_types",
		"ports/" + ids["port"]:             "id name network_id admin_state_up status mac_address fixed_ips device_id device_owner security_groups allowed_address_pairs port_security_enabled binding:vnic_type binding:host_id",
		"routers/" + ids["router"]:         "id name status admin_state_up external_gateway_info routes ha distributed",
		"floatingips/" + id(fip):           "id floating_ip_address floating_network_id fixed_ip_address port_id router_id status port_details dns_name dns_domain",
	} {
		_, out := w.call("admin", "GET", net2+path, "")
		for _, o := range out {
			for _, k := range strings.Fields(keys + times) {
				if _, ok := o.(obj)[k]; !ok {
					t.Errorf("GET %s has no %s", path, k)
				}
			}
		}
		if len(out) != 1 {
			t.Errorf("GET %s: %v", path, out)
		}
	}
	if _, ok := fip["name"]; ok {
		t.Error("a floating IP has a name")
	}
	_, out := w.call("admin", "GET", net2+"subnets/"+ids["private-subnet"], "")
	got := out["subnet"].(obj)
	want := obj{"gateway_ip": "10.0.0.1", "ip_version": 4.0, "allocation_pools": []any{obj{"start": "10.0.0.2", "end": "10.0.0.254"}}, "enable_dhcp": true}
	for k, v := range want {
		if diff := cmp.Diff(v, got[k]); diff != "" {
			t.Errorf("subnet %s: %s", k, diff)
		}
	}
}

func TestListsFilterAsNeutronDoes(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	w.make("network", "networks", `{"name":"private","admin_state_up":false,"tags":["a","b"]}`)
	for query, want := range map[string][]string{
		"":                                   {"private", "public", "private"},
		"?name=private":                      {"private", "private"},
		"?name=public&name=nobody":           {"public"},
		"?name=private&id=" + ids["private"]: {"private"},
		"?name=public&id=" + ids["private"]:  {},
		"?id=" + ids["private"] + "&id=" + ids["public"]:     {"private", "public"},
		"?router:external=True":                              {"public"},
		"?router%3Aexternal=false&admin_state_up=1":          {"private"},
		"?unknown=x&include_names=True":                      {"private", "public", "private"},
		"?subnets=" + ids["public-subnet"]:                   {"public"},
		"?tags=a,b":                                          {"private"},
		"?tags=a,c":                                          {},
		"?tags-any=a,c":                                      {"private"},
		"?not-tags-any=a":                                    {"private", "public"},
		"?sort_key=name&sort_dir=desc":                       {"public", "private", "private"},
		"?limit=2":                                           {"private", "public"},
		"?limit=2&marker=" + ids["public"]:                   {"private"},
		"?limit=1&page_reverse=True&marker=" + ids["public"]: {"private"},
	} {
		if got := w.list("admin", net2+"networks"+query, "networks", "name"); !slices.Equal(got, want) {
			t.Errorf("networks%s: %v, want %v", query, got, want)
		}
	}
	_, out := w.call("admin", "GET", net2+"networks?limit=1&name=private", "")
	if links, _ := out["networks_links"].([]any); len(links) != 1 || links[0].(obj)["rel"] != "next" ||
		links[0].(obj)["href"] != "http://lbd.example:9876/networking/v2.0/networks?limit=1&marker="+ids["private"]+"&name=private" {
		t.Errorf("links of a page: %v", out["networks_links"])
	}
	_, out = w.call("admin", "GET", net2+"subnets?fields=id&fields=cidr&id="+ids["private-subnet"], "")
	if diff := cmp.Diff(obj{"subnets": []any{obj{"id": ids["private-subnet"], "cidr": "10.0.0.0/24"}}}, out); diff != "" {
		t.Errorf("fields: %s", diff)
	}
	for query, want := range map[string][]string{
		"fixed_ips=ip_address%3D10.0.0.9":                                               {"vip"},
		"fixed_ips=ip_address%3D10.0.0.9&fixed_ips=subnet_id%3D" + ids["public-subnet"]: {},
		"fixed_ips=subnet_id%3D" + ids["private-subnet"] + "&device_owner=":             {"vip"},
		"fixed_ips=ip_address%3D10.0.0.8":                                               {},
		"device_id=" + ids["router"] + "&network_id=" + ids["private"]:                  {""},
	} {
		if got := w.list("admin", net2+"ports?"+query, "ports", "name"); !slices.Equal(got, want) {
			t.Errorf("ports?%s: %v, want %v", query, got, want)
		}
	}
}

func TestTheSameUnderEveryPrefix(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	for _, path := range []string{"/v2.0/subnets", "/load-balancer/v2.0/subnets", "/networking/v2.0/subnets/", "/networking/v2.0/subnets.json"} {
		if got := w.list("admin", path+"?name=private-subnet", "subnets", "id"); !slices.Equal(got, []string{ids["private-subnet"]}) {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, path := range []string{"/networking", "/networking/", "/networking/v2.0", "/networking/v2.0/"} {
		if status, _ := w.call("", "GET", path, ""); status != 200 {
			t.Errorf("GET %s without a token: %d", path, status)
		}
	}
	_, out := w.call("", "GET", "/networking/", "")
	want := obj{"versions": []any{obj{"id": "v2.0", "status": "CURRENT", "links": []any{obj{"rel": "self", "href": "http://lbd.example:9876/networking/v2.0/"}}}}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if status, _ := w.call("", "GET", "/networking/v2.0/networks", ""); status != 401 {
		t.Errorf("networks without a token: %d", status)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	n := net2 + "networks/" + id(w.make("network", "networks", `{"name":"n"}`)) + "/tags"
	for _, step := range []struct {
		method, path, body string
		status             int
		want               []any
	}{
		{"PUT", n, `{"tags":["b","a","b"]}`, 200, []any{"a", "b"}},
		{"HEAD", n + "/a", "", 204, []any{"a", "b"}},
		{"HEAD", n + "/x", "", 404, []any{"a", "b"}},
		{"PUT", n + "/c", "", 201, []any{"a", "b", "c"}},
		{"PUT", n + "/c", "", 201, []any{"a", "b", "c"}},
		{"GET", n + "/c", "", 204, []any{"a", "b", "c"}},
		{"DELETE", n + "/a", "", 204, []any{"b", "c"}},
		{"DELETE", n + "/a", "", 404, []any{"b", "c"}},
		{"DELETE", n, "", 204, []any{}},
	} {
		status, out := w.call("admin", step.method, step.path, step.body)
		_, have := w.call("admin", "GET", n, "")
		if diff := cmp.Diff(step.want, have["tags"]); status != step.status || diff != "" {
			t.Errorf("%s %s: %d %v, then %v", step.method, step.path, status, out, have)
		}
	}
}

// Tags of every sort of object change alike, one at a time and by many at once.
func TestTagsOfAllObjects(t *testing.T) {
	w := newWorld(t)
	ids := walkthrough(w)
	fip := id(w.make("floatingip", "floatingips", fmt.Sprintf(`{"floating_network_id":%q,"tags":["z"]}`, ids["public"])))
	for _, path := range []string{"networks/" + ids["private"], "subnets/" + ids["private-subnet"], "ports/" + ids["port"], "routers/" + ids["router"], "floatingips/" + fip} {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if status, out := w.call("admin", "PUT", fmt.Sprintf("%s%s/tags/t%02d", net2, path, i), ""); status != 201 {
					t.Errorf("%s: add tag %d: %d %v", path, i, status, out)
				}
			})
		}
		wg.Wait()
		w.call("admin", "DELETE", net2+path+"/tags/z", "")
		_, out := w.call("admin", "GET", net2+path+"/tags", "")
		if tags := out["tags"].([]any); len(tags) != 20 || tags[0] != "t00" || tags[19] != "t19" {
			t.Errorf("%s: tags %v", path, tags)
		}
	}
	n := net2 + "networks/" + ids["private"] + "/tags/"
	w.refused("admin", "PUT", n+strings.Repeat("x", 256), "", 400, "HTTPBadRequest", "Invalid input for tags. Reason: '"+strings.Repeat("x", 256)+"' is no tag of 1 to 255 characters.")
	w.refused("admin", "DELETE", n+"none", "", 404, "TagNotFound", "Tag none could not be found.")
	many := `"` + strings.Join(strings.Fields(strings.Repeat("x ", 50)), `0","`)
	for i := range 50 {
		many = strings.Replace(many, "x0", fmt.Sprintf("y%d", i), 1)
	}
	w.refused("admin", "PUT", strings.TrimSuffix(n, "/"), `{"tags":[`+many+`","last"]}`, 400, "InvalidInput", "Invalid input for tags. Reason: 51 tags are more than 50.")
}

func TestRevisionsGuardChanges(t *testing.T) {
	w := newWorld(t)
	n := w.make("network", "networks", `{"name":"n"}`)
	for _, step := range []struct {
		match  string
		status int
	}{
		{fmt.Sprintf("revision_number=%v", n["revision_number"]), 200},
		{fmt.Sprintf("revision_number=%v", n["revision_number"]), 412},
		{"revision_number=x", 400},
		{"", 200},
	} {
		r := httptest.NewRequest("PUT", net2+"networks/"+id(n), strings.NewReader(`{"network":{"name":"m"}}`))
		r.Header.Set("X-Auth-Token", "admin")
		r.Header.Set("If-Match", step.match)
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, r)
		if rec.Code != step.status {
			t.Errorf("If-Match %q: %d %s, want %d", step.match, rec.Code, rec.Body, step.status)
		}
	}
}

func TestExtensionsQuotasAndEmptyCollections(t *testing.T) {
	w := newWorld(t)
	aliases := w.list("admin", net2+"extensions", "extensions", "alias")
	for _, want := range strings.Fields("router external-net security-group provider port-security allowed-address-pairs standard-attr-tag quotas net-mtu lbaasv2 l7") {
		if !slices.Contains(aliases, want) {
			t.Errorf("no extension %s", want)
		}
		if status, _ := w.call("admin", "GET", net2+"extensions/"+want, ""); status != 200 {
			t.Errorf("extension %s: %d", want, status)
		}
	}
	w.refused("admin", "GET", net2+"extensions/tag-ports-during-bulk-creation", "", 404, "ExtensionNotFound", "Extension tag-ports-during-bulk-creation could not be found.")
	_, out := w.call("admin", "GET", net2+"quotas/p1", "")
	if q := out["quota"].(obj); q["network"] != -1.0 || q["floatingip"] != -1.0 {
		t.Errorf("quota: %v", q)
	}
	if status, _ := w.call("p2:member", "GET", net2+"quotas/p1", ""); status != 403 {
		t.Errorf("another project's quota: %d", status)
	}
	w.make("network", "networks", `{}`)
	_, out = w.call("admin", "GET", net2+"quotas/p0/details", "")
	if n := out["quota"].(obj)["network"].(obj); n["used"] != 1.0 || n["limit"] != -1.0 {
		t.Errorf("details: %v", n)
	}
	for path, many := range map[string]string{
		"agents": "agents", "qos/policies": "policies", "subnetpools": "subnetpools", "rbac-policies": "rbac_policies",
		"flavors": "flavors", "address-scopes": "address_scopes", "trunks": "trunks",
	} {
		if got := w.list("admin", net2+path, many, "id"); len(got) != 0 {
			t.Errorf("%s: %v", path, got)
		}
		if status, _ := w.call("admin", "POST", net2+path, `{}`); status != 404 {
			t.Errorf("POST %s: %d", path, status)
		}
	}
	w.refused("admin", "GET", net2+"qos/policies/x", "", 404, "QosPolicyNotFound", "QoS policy x could not be found.")
	if got := w.list("admin", net2+"availability_zones?resource=router", "availability_zones", "name"); !slices.Equal(got, []string{"nova"}) {
		t.Errorf("zones: %v", got)
	}
}
