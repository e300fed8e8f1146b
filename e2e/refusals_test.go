package e2e

import (
	"fmt"
	"strings"
	"testing"

	"lbd/e2e/harness"
)

// TestBadRequestsAreRefusedInOctaviasWords sends what a client should not, to a
// real node: each gets Octavia's status and fault body, and changes nothing.
func TestBadRequestsAreRefusedInOctaviasWords(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	id := func(out map[string]any, key string) string {
		t.Helper()
		o, ok := out[key].(map[string]any)
		if !ok {
			t.Fatalf("no %s in %v", key, out)
		}
		return o["id"].(string)
	}
	make := func(path, key, body string) string {
		t.Helper()
		status, out := n.admin(t, "POST", path, body)
		if status != 201 {
			t.Fatalf("POST %s: %d %v", path, status, out)
		}
		return id(out, key)
	}
	network := make(harness.Networking+"networks", "network", `{"network":{"name":"n"}}`)
	subnet := make(harness.Networking+"subnets", "subnet", fmt.Sprintf(`{"subnet":{"network_id":%q,"ip_version":4,"cidr":"127.0.99.0/24"}}`, network))
	lb := make(harness.Octavia+"loadbalancers", "loadbalancer", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q,"vip_address":"127.0.99.1"}}`, subnet))
	listener := make(harness.Octavia+"listeners", "listener", fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"HTTP","protocol_port":18999}}`, lb))
	pool := make(harness.Octavia+"pools", "pool", fmt.Sprintf(`{"pool":{"listener_id":%q,"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, listener))
	member := make(harness.Octavia+"pools/"+pool+"/members", "member", `{"member":{"address":"127.0.0.1","protocol_port":1}}`)
	monitor := make(harness.Octavia+"healthmonitors", "healthmonitor", fmt.Sprintf(`{"healthmonitor":{"pool_id":%q,"type":"HTTP","delay":5,"timeout":3,"max_retries":3}}`, pool))
	const nobody = "00000000-0000-4000-8000-000000000000"
	fill := strings.NewReplacer("$lb", lb, "$listener", listener, "$pool", pool, "$member", member, "$monitor", monitor, "$subnet", subnet, "$nobody", nobody)

	before := n.everything(t)
	for _, tc := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		// Not the right JSON.
		{"POST", "loadbalancers", ``, 400, `Missing argument: "load_balancer"`},
		{"POST", "loadbalancers", `{`, 400, "not in valid JSON"},
		{"POST", "loadbalancers", `[]`, 400, ""},
		{"POST", "loadbalancers", `{}`, 400, ""},
		{"POST", "loadbalancers", `{"loadbalancer":[]}`, 400, ""},
		{"POST", "loadbalancers", `{"loadbalancer":null}`, 400, ""},
		{"POST", "loadbalancers", `{"loadbalancer":{"name":"a","name":"b","vip_subnet_id":"$subnet"}}`, 400, ""},
		{"POST", "loadbalancers", `{"loadbalancer":` + strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat(`}`, 60) + `}`, 400, ""},
		{"POST", "loadbalancers", "{\"loadbalancer\":{\"name\":\"\xff\"}}", 400, ""},
		// Load balancers.
		{"POST", "loadbalancers", `{"loadbalancer":{"name":"x"}}`, 400, "VIP must contain one of"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"nope"}}`, 400, "vip_subnet_id"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$nobody"}}`, 400, "Subnet $nobody not found."},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","topology":"SINGLE"}}`, 400, "Unknown attribute for argument load_balancer.loadbalancer: topology"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","name":7}}`, 400, "name"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","name":"` + strings.Repeat("x", 256) + `"}}`, 400, "255"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","admin_state_up":"maybe"}}`, 400, "maybe"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","vip_address":"127.0.99.1"}}`, 409, "already in use"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","vip_address":"300.1.1.1"}}`, 400, "vip_address"},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","vip_address":"10.9.9.9"}}`, 400, ""},
		{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","provider":"f5"}}`, 400, "Provider 'f5' is not enabled."},
		{"PUT", "loadbalancers/$lb", `{"loadbalancer":{"vip_address":"127.0.99.2"}}`, 400, "Unknown attribute"},
		{"PUT", "loadbalancers/$nobody", `{"loadbalancer":{"name":"x"}}`, 404, "Load Balancer $nobody not found."},
		{"GET", "loadbalancers/nonsense", ``, 404, "not found"},
		{"DELETE", "loadbalancers/$lb", ``, 400, "Cannot delete Load Balancer $lb - it has children"},
		{"DELETE", "loadbalancers/$nobody", ``, 404, "not found"},
		{"GET", "loadbalancers?nonsense=1", ``, 400, "duplicate or invalid"},
		{"GET", "loadbalancers?sort=nonsense", ``, 400, "nonsense"},
		{"GET", "loadbalancers?limit=x", ``, 400, ""},
		{"GET", "loadbalancers?marker=$nobody", ``, 400, "marker"},
		// Listeners.
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":18999}}`, 409, "already using protocol HTTP and protocol_port 18999"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"TCP","protocol_port":18999}}`, 409, "already using"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$nobody","protocol":"HTTP","protocol_port":80}}`, 404, "Load Balancer $nobody not found."},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"FTP","protocol_port":80}}`, 400, "protocol"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP"}}`, 400, "Mandatory field missing"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":0}}`, 400, "greater or equal to 1"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":65536}}`, 400, "lower or equal to 65535"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":"http"}}`, 400, "invalid literal for int()"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":80,"allowed_cidrs":["nonsense"]}}`, 400, "allowed_cidrs"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":80,"insert_headers":{"X-Evil":"true"}}}`, 400, "insert_headers"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":80,"connection_limit":-2}}`, 400, "connection_limit"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"SCTP","protocol_port":80}}`, 501, "does not support a requested option"},
		{"PUT", "listeners/$listener", `{"listener":{"protocol_port":81}}`, 400, "Unknown attribute for argument listener_.listener: protocol_port"},
		{"PUT", "listeners/$listener", `{"listener":{"default_pool_id":"$nobody"}}`, 404, "Pool $nobody not found."},
		// Pools.
		{"POST", "pools", `{"pool":{"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, 400, "Must provide at least one of"},
		{"POST", "pools", `{"pool":{"listener_id":"$listener","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, 409, "already has a default pool"},
		{"POST", "pools", `{"pool":{"listener_id":"$nobody","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, 404, "Listener $nobody not found."},
		{"POST", "pools", `{"pool":{"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"RANDOM"}}`, 400, "lb_algorithm"},
		{"PUT", "pools/$pool", `{"pool":{"lb_algorithm":null}}`, 400, ""},
		// Members.
		{"POST", "pools/$nobody/members", `{"member":{"address":"127.0.0.1","protocol_port":1}}`, 404, ""},
		{"POST", "pools/$pool/members", `{"member":{"address":"127.0.0.1","protocol_port":1}}`, 409, "already using ip 127.0.0.1 on protocol_port 1"},
		{"POST", "pools/$pool/members", `{"member":{"address":"nonsense","protocol_port":1}}`, 400, "IPv4 or IPv6"},
		{"POST", "pools/$pool/members", `{"member":{"address":"010.0.0.1","protocol_port":1}}`, 400, "address"},
		{"POST", "pools/$pool/members", `{"member":{"address":"169.254.169.254","protocol_port":1}}`, 400, "not a valid option for member address"},
		{"POST", "pools/$pool/members", `{"member":{"address":"127.0.0.2","protocol_port":1,"weight":257}}`, 400, "weight"},
		{"PUT", "pools/$pool/members/$member", `{"member":{"address":"127.0.0.2"}}`, 400, "Unknown attribute"},
		{"GET", "pools/$pool/members/$nobody", ``, 404, "Member $nobody not found."},
		// Health monitors.
		{"POST", "healthmonitors", `{"healthmonitor":{"pool_id":"$pool","type":"TCP","delay":5,"timeout":3,"max_retries":3}}`, 409, "already has a health monitor"},
		{"POST", "healthmonitors", `{"healthmonitor":{"pool_id":"$pool","type":"HTTP","delay":5,"timeout":3,"max_retries":11}}`, 400, "max_retries"},
		{"POST", "healthmonitors", `{"healthmonitor":{"pool_id":"$pool","type":"HTTP","delay":5,"timeout":3,"max_retries":3,"expected_codes":"2xx"}}`, 400, "expected_codes"},
		{"POST", "healthmonitors", `{"healthmonitor":{"pool_id":"$pool","type":"HTTP","delay":5,"timeout":3,"max_retries":3,"url_path":"no-slash"}}`, 400, "url_path"},
		{"PUT", "healthmonitors/$monitor", `{"healthmonitor":{"delay":null}}`, 400, "delay"},
		{"PUT", "healthmonitors/$monitor", `{"healthmonitor":{"type":"TCP"}}`, 400, "Unknown attribute"},
		{"DELETE", "healthmonitors/$nobody", ``, 404, "Health Monitor $nobody not found."},
		// Routes.
		{"POST", "nonsense", `{}`, 404, ""},
		{"PATCH", "loadbalancers/$lb", `{}`, 405, ""},
	} {
		name := tc.method + " " + tc.path + " " + tc.body[:min(len(tc.body), 90)]
		status, out := n.admin(t, tc.method, harness.Octavia+fill.Replace(tc.path), bodyOrNil(fill.Replace(tc.body)))
		if status != tc.status {
			t.Errorf("%s: %d %v, want %d", name, status, out, tc.status)
			continue
		}
		text := fmt.Sprint(out["faultstring"], out["description"])
		if !strings.Contains(text, fill.Replace(tc.says)) {
			t.Errorf("%s: says %q, want %q in it", name, text, fill.Replace(tc.says))
		}
		if _, isFault := out["faultstring"]; isFault && out["faultcode"] != map[bool]string{true: "Client", false: "Server"}[status < 500] {
			t.Errorf("%s: faultcode %v with status %d", name, out["faultcode"], status)
		}
	}
	if after := n.everything(t); after != before {
		t.Errorf("the refused requests changed something:\nbefore %s\nafter  %s", before, after)
	}
}

func bodyOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// everything is all load-balancing objects, without what only time changes.
func (n *loopbackNode) everything(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, c := range []string{"loadbalancers", "listeners", "pools", "healthmonitors"} {
		_, out := n.admin(t, "GET", harness.Octavia+c+"?fields=id&fields=name&fields=admin_state_up&fields=provisioning_status&fields=updated_at&fields=members&fields=default_pool_id", nil)
		fmt.Fprintln(&b, c, out[c])
	}
	return b.String()
}
