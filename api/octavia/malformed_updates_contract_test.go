package octavia_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// changeable are the attributes of updates by type (see wrong); those that every
// object has of its own are refused as unknown, whatever they are set to.
var changeable = []struct {
	path, one string
	attrs     map[string]string
	fixed     string
}{
	{"loadbalancers/$lb", "loadbalancer", map[string]string{
		"text": "name description", "bool": "admin_state_up", "id": "vip_qos_policy_id", "ids": "vip_sg_ids", "texts": "tags",
	}, "vip_address vip_subnet_id vip_network_id vip_port_id additional_vips provider flavor_id availability_zone vip_vnic_type listeners pools topology"},
	{"listeners/$listener", "listener", map[string]string{
		"text": "name description default_tls_container_ref client_ca_tls_container_ref client_crl_container_ref",
		"bool": "admin_state_up hsts_include_subdomains hsts_preload", "texts": "tags sni_container_refs tls_versions", "map": "insert_headers",
		"int": "connection_limit timeout_client_data timeout_member_connect timeout_member_data timeout_tcp_inspect hsts_max_age",
		"id":  "default_pool_id", "cidrs": "allowed_cidrs", "word": "client_authentication",
	}, "protocol protocol_port loadbalancer_id loadbalancers l7policies default_pool"},
	{"pools/$pool", "pool", map[string]string{
		"text": "name description tls_container_ref ca_tls_container_ref crl_container_ref", "bool": "admin_state_up tls_enabled",
		"word": "lb_algorithm", "object": "session_persistence", "texts": "tags tls_versions",
	}, "protocol loadbalancer_id listener_id members healthmonitor healthmonitor_id"},
	{"pools/$pool/members/$member", "member", map[string]string{
		"text": "name", "bool": "admin_state_up backup", "int": "weight monitor_port", "ip": "monitor_address", "texts": "tags",
	}, "address protocol_port subnet_id request_sriov vnic_type description pool_id"},
	{"healthmonitors/$monitor", "healthmonitor", map[string]string{
		"text": "name", "bool": "admin_state_up", "int": "delay timeout max_retries max_retries_down", "word": "http_method", "path": "url_path",
		"codes": "expected_codes", "version": "http_version", "domain": "domain_name", "texts": "tags",
	}, "type pool_id pools description"},
	{"l7policies/$policy", "l7policy", map[string]string{
		"text": "name description", "bool": "admin_state_up", "word": "action", "id": "redirect_pool_id", "url": "redirect_url redirect_prefix",
		"int": "position redirect_http_code", "texts": "tags",
	}, "listener_id rules redirect_pool"},
	{"l7policies/$policy/rules/$rule", "rule", map[string]string{
		"text": "key value", "bool": "admin_state_up invert", "word": "type compare_type", "texts": "tags",
	}, "name description l7policy_id"},
}

// Updates are judged like creations, and what an object is made with cannot be changed.
func TestContractMalformedUpdates(t *testing.T) {
	w := newMalformer(t)
	for _, r := range changeable {
		for kind, attrs := range r.attrs {
			for _, attr := range strings.Fields(attrs) {
				for _, v := range wrong[kind] {
					w.refused("PUT", r.path, fmt.Sprintf(`{"%s":{"%s":%s}}`, r.one, attr, v), attr)
				}
			}
		}
		for _, attr := range append(strings.Fields(r.fixed), "id", "project_id", "tenant_id", "provisioning_status", "operating_status", "created_at", "updated_at") {
			for _, v := range []string{`null`, `"x"`, `{}`} {
				w.refused("PUT", r.path, fmt.Sprintf(`{"%s":{"%s":%s}}`, r.one, attr, v), attr)
			}
		}
		for _, body := range []string{`null`, `[]`, `{}`, `{"%s":[]}`, `{"%s":null}`, `{"%s":{},"x":1}`, `{"%s":{"name":"a","name":"b"}}`, `{"%s":`, ``} {
			w.refused("PUT", r.path, strings.ReplaceAll(body, "%s", r.one), "")
		}
	}
	w.done(600)
}

// A batch, a tree and a quota are judged as a whole: one wrong thing deep inside
// and nothing happens.
func TestContractMalformedWholes(t *testing.T) {
	w := newMalformer(t)
	for kind, attrs := range map[string]string{
		"text": "name", "bool": "admin_state_up backup request_sriov", "int": "weight monitor_port protocol_port", "id": "subnet_id", "ip": "address monitor_address", "texts": "tags",
	} {
		for _, attr := range strings.Fields(attrs) {
			for _, v := range wrong[kind] {
				item := map[string]string{"address": `"198.51.100.30"`, "protocol_port": `80`}
				item[attr] = v
				var fields []string
				for k, x := range item {
					fields = append(fields, fmt.Sprintf(`"%s":%s`, k, x))
				}
				bad := "{" + strings.Join(fields, ",") + "}"
				w.refused("PUT", "pools/$pool/members", `{"members":[{"address":"198.51.100.31","protocol_port":80},`+bad+`]}`, attr)
				w.refused("PUT", "pools/$pool/members?additive_only=true", `{"members":[`+bad+`]}`, attr)
				w.refused("POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","pools":[{"name":"p","protocol":"HTTP","lb_algorithm":"SOURCE_IP","members":[`+bad+`]}]}}`, attr)
			}
		}
	}
	tree := func(listener, names string) {
		t.Helper()
		w.refused("POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","listeners":[{"protocol":"HTTP","protocol_port":80,`+listener+`}]}}`, names)
	}
	tree(`"loadbalancer_id":"$lb"`, "loadbalancer_id")
	tree(`"default_pool":5`, "default_pool")
	tree(`"default_pool":{}`, "named")
	tree(`"default_pool":{"name":"p"}`, "'p' was referenced")
	tree(`"default_pool":{"name":"p","protocol":"HTTP"}`, "lb_algorithm")
	tree(`"default_pool":{"name":"p","protocol":"TCP","lb_algorithm":"SOURCE_IP"}`, "pool protocol 'TCP'")
	tree(`"default_pool":{"name":"p","protocol":"HTTP","lb_algorithm":"SOURCE_IP","healthmonitor":{"type":"HTTP"}}`, "delay")
	tree(`"default_pool":{"name":"p","protocol":"HTTP","lb_algorithm":"SOURCE_IP","healthmonitor":[]}`, "healthmonitor")
	tree(`"default_pool":{"name":"p","protocol":"HTTP","lb_algorithm":"SOURCE_IP","session_persistence":{"type":"APP_COOKIE"}}`, "cookie_name")
	tree(`"l7policies":{}`, "l7policies")
	tree(`"l7policies":[{"action":"REJECT","listener_id":"$listener"}]`, "listener_id")
	tree(`"l7policies":[{"action":"REDIRECT_TO_POOL","redirect_pool_id":"$pool"}]`, "redirect_pool_id")
	tree(`"l7policies":[{"action":"REDIRECT_TO_POOL"}]`, "redirect_pool")
	tree(`"l7policies":[{"action":"REJECT","rules":[{"type":"PATH","compare_type":"EQUAL_TO"}]}]`, "value")
	tree(`"l7policies":[{"action":"REJECT","rules":[{"type":"PATH","compare_type":"REGEX","value":"("}]}]`, "regular expression")
	tree(`"l7policies":[{"action":"REJECT","rules":[5]}]`, "rules")
	w.refused("POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","pools":[{"name":"p","protocol":"HTTP","lb_algorithm":"SOURCE_IP"},{"name":"p","protocol":"HTTP","lb_algorithm":"SOURCE_IP"}]}}`, "unique")

	for _, class := range []string{"loadbalancer", "load_balancer", "listener", "pool", "member", "healthmonitor", "health_monitor", "l7policy", "l7rule"} {
		for _, v := range append([]string{`-2`, `2000000001`}, wrong["int"]...) {
			w.refused("PUT", "quotas/p", `{"quota":{"`+class+`":`+v+`}}`, class)
		}
	}
	if status, out := w.ask("admin", "GET", base+"quotas?project_id=p", ""); status != http.StatusOK || len(out["quotas"].([]any)) != 0 {
		t.Errorf("a refused quota left a row: %d %v", status, out)
	}
	w.done(250)
}
