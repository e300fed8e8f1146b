package network_test

import (
	"slices"
	"strings"
	"testing"
)

// TestDescription: /v1/openapi.json says what requests may have and answers have.
func TestDescription(t *testing.T) {
	w := newWorld(t)
	status, d := w.call("", "GET", "/v1/openapi.json", "")
	if status != 200 {
		t.Fatalf("%d %v", status, d)
	}
	follow := func(s any) obj {
		o, _ := s.(obj)
		if name, ok := strings.CutPrefix(str(o["$ref"]), "#/components/schemas/"); ok {
			return d["components"].(obj)["schemas"].(obj)[name].(obj)
		}
		return o
	}
	media := func(of any) obj {
		o, _ := of.(obj)
		content, _ := o["content"].(obj)
		json, _ := content["application/json"].(obj)
		return follow(json["schema"])
	}
	bodies := map[string]bool{"post": true, "put": true}
	asked, answered := 0, 0
	for path, ops := range d["paths"].(obj) {
		if !strings.HasPrefix(path, "/networking/v2.0/") {
			continue
		}
		collection, rest, _ := strings.Cut(strings.TrimPrefix(path, "/networking/v2.0/"), "/")
		known := slices.Contains([]string{"networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules"}, collection)
		for method, op := range ops.(obj) {
			if known && bodies[method] && !strings.HasSuffix(path, "/{tag}") && !strings.Contains(path, "port_forwardings") {
				asked++
				if props, _ := media(op.(obj)["requestBody"])["properties"].(obj); len(props) == 0 {
					t.Errorf("%s %s: no request", method, path)
				}
			}
			if known && method != "delete" && (rest == "" || rest == "{id}") {
				answered++
				if props, _ := media(op.(obj)["responses"].(obj)["2XX"])["properties"].(obj); len(props) == 0 {
					t.Errorf("%s %s: no answer", method, path)
				}
			}
		}
	}
	if asked != 7*3+2 || answered != 7*4 {
		t.Errorf("%d requests and %d answers", asked, answered)
	}

	props := func(method, path, key string) obj {
		t.Helper()
		op := d["paths"].(obj)["/networking/v2.0/"+path].(obj)[method].(obj)
		return media(op["requestBody"])["properties"].(obj)[key].(obj)
	}
	port := props("post", "ports", "port")
	if fixed := port["properties"].(obj)["fixed_ips"].(obj)["items"].(obj)["properties"].(obj); fixed["ip_address"] == nil || fixed["subnet_id"] == nil {
		t.Errorf("fixed_ips: %v", fixed)
	}
	if need, _ := port["required"].([]any); !slices.Equal(need, []any{"network_id"}) {
		t.Errorf("a port needs %v", need)
	}
	rule := props("post", "security-group-rules", "security_group_rule")["properties"].(obj)
	if words := rule["direction"].(obj)["enum"].([]any); !slices.Equal(words, []any{"egress", "ingress"}) {
		t.Errorf("direction: %v", words)
	}
	subnet := props("put", "subnets/{id}", "subnet")["properties"].(obj)
	if subnet["cidr"] != nil || subnet["allocation_pools"].(obj)["items"].(obj)["properties"].(obj)["start"] == nil {
		t.Errorf("a subnet's update: %v", subnet)
	}
	if gw := props("put", "routers/{id}", "router")["properties"].(obj)["external_gateway_info"].(obj)["properties"].(obj); gw["network_id"] == nil {
		t.Errorf("external_gateway_info: %v", gw)
	}
	if got := w.list("admin", "/networking/v2.0/networks", "networks", "id"); len(got) != 0 {
		t.Errorf("describing made %v", got)
	}
}

func str(v any) string { s, _ := v.(string); return s }
