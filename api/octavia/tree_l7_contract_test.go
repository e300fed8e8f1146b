package octavia_test

import (
	"fmt"
	"net/http"
	"testing"
)

// A tree with policies and rules: all in one entry, positions dense, rules whole
// in the answer, and the same objects afterwards.
func TestContractTreeWithPolicies(t *testing.T) {
	w := newContractWorld(t)
	made := w.make("loadbalancers", "loadbalancer", `{"vip_subnet_id":"`+theSubnet+`","listeners":[
		{"name":"l1","protocol":"HTTP","protocol_port":80,"default_pool":{"name":"p1"},"l7policies":[
			{"name":"last","action":"REDIRECT_TO_POOL","redirect_pool":{"name":"p2","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN",
				"members":[{"address":"198.51.100.9","protocol_port":80}]},
				"rules":[{"type":"PATH","compare_type":"STARTS_WITH","value":"/x"},{"type":"HEADER","compare_type":"EQUAL_TO","key":"a","value":"b","invert":true}]},
			{"name":"first","action":"REDIRECT_TO_URL","redirect_url":"http://example.com/","position":1},
			{"name":"same","action":"REDIRECT_TO_POOL","redirect_pool":{"name":"p1"}}]}],
		"pools":[{"name":"p1","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}]}`)
	listener := made["listeners"].([]any)[0].(object)
	policies := listener["l7policies"].([]any)
	if len(policies) != 3 {
		t.Fatalf("policies are %v", policies)
	}
	pool := map[string]string{}
	for _, p := range made["pools"].([]any) {
		pool[p.(object)["name"].(string)] = idOf(p.(object))
	}
	for i, want := range []string{
		`{"name":"first","position":1,"action":"REDIRECT_TO_URL","redirect_url":"http://example.com/","redirect_http_code":302}`,
		`{"name":"last","position":2,"action":"REDIRECT_TO_POOL","redirect_pool_id":"` + pool["p2"] + `"}`,
		`{"name":"same","position":3,"redirect_pool_id":"` + pool["p1"] + `","rules":[]}`,
	} {
		shows(t, policies[i].(object), want)
	}
	rules := policies[1].(object)["rules"].([]any)
	if len(rules) != 2 {
		t.Fatalf("rules are %v", rules)
	}
	if rules[0].(object)["type"] != "PATH" { // made at the same instant: in any order
		rules[0], rules[1] = rules[1], rules[0]
	}
	shows(t, rules[0].(object), `{"type":"PATH","compare_type":"STARTS_WITH","value":"/x","invert":false}`)
	shows(t, rules[1].(object), `{"type":"HEADER","key":"a","value":"b","invert":true}`)
	policy := idOf(policies[1].(object))
	alone := w.does(http.StatusOK, "GET", "l7policies/"+policy, "l7policy", "")
	if n := len(alone["rules"].([]any)); n != 2 {
		t.Errorf("the policy alone has %d rules", n)
	}
	w.does(http.StatusOK, "GET", "l7policies/"+policy+"/rules/"+idOf(rules[1].(object)), "rule", "")
}

func TestContractTreeRefusesPolicies(t *testing.T) {
	w := newContractWorld(t)
	at := "Unknown attribute for argument load_balancer.loadbalancer.listeners.l7policies"
	for _, tc := range []struct {
		protocol, policy string
		status           int
		text             string
	}{
		{"HTTP", `{"action":"REDIRECT_TO_POOL"}`, 400, "Invalid L7 Policy arguments: redirect_pool_id or redirect_pool must not be None"},
		{"HTTP", `{"action":"REDIRECT_TO_POOL","redirect_pool":{"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, 400, invalidly + "Pools must be named when creating a fully populated loadbalancer."},
		{"HTTP", `{"action":"REDIRECT_TO_POOL","redirect_pool":{"name":"b"}}`, 400, invalidly + "Pool 'b' was referenced but no full definition was found."},
		{"HTTP", `{"action":"REDIRECT_TO_POOL","redirect_pool":{"name":"p","protocol":"TCP","lb_algorithm":"ROUND_ROBIN"}}`, 400, invalidly + "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'."},
		{"HTTP", `{"action":"REDIRECT_TO_POOL","redirect_pool_id":"` + nobody + `"}`, 400, at + ": redirect_pool_id"},
		{"HTTP", `{"action":"REDIRECT_TO_URL"}`, 400, "Invalid L7 Policy arguments: redirect_url must not be None"},
		{"HTTP", `{"redirect_url":"http://a/"}`, 400, inputText("action", "None", mandatory)},
		{"HTTP", `{"action":"REJECT","listener_id":"` + nobody + `"}`, 400, at + ": listener_id"},
		{"HTTP", `{"action":"REJECT","rules":[{"type":"PATH","compare_type":"REGEX","value":"("}]}`, 400, ""},
		{"HTTP", `{"action":"REJECT","rules":[{"type":"PATH","compare_type":"EQUAL_TO"}]}`, 400, inputText("value", "None", mandatory)},
		{"HTTP", `{"action":"REJECT","rules":[{"type":"PATH","compare_type":"EQUAL_TO","value":"/","colour":1}]}`, 400, at + ".rules: colour"},
		{"HTTP", `{"action":"REJECT","rules":7}`, 400, ""},
		{"TCP", `{"action":"REJECT"}`, 501, "Provider 'lbd' does not support a requested option: TCP protocol listeners do not support L7 policies"},
	} {
		body := fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":"%s","listeners":[{"protocol":"%s","protocol_port":80,"l7policies":[%s]}]}}`, theSubnet, tc.protocol, tc.policy)
		status, out := w.ask("admin", "POST", base+"loadbalancers", body)
		if status != tc.status || tc.text != "" && out["faultstring"] != tc.text {
			t.Errorf("%s:\n got %d %v\nwant %d %s", body, status, out, tc.status, tc.text)
		}
	}
	for _, many := range []string{"loadbalancers", "listeners", "pools", "l7policies"} {
		if _, out := w.ask("admin", "GET", base+many, ""); len(out[many].([]any)) != 0 {
			t.Errorf("%s are left: %v", many, out)
		}
	}
}
