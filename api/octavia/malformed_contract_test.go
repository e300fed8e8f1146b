package octavia_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// wrong are values that an attribute of a type may not have, as JSON.
var wrong = map[string][]string{
	"text":    {`5`, `true`, `[]`, `{}`, `["a"]`, `"` + long + `y"`},
	"bool":    {`"maybe"`, `[]`, `{}`, `""`, `"tru"`},
	"int":     {`"abc"`, `""`, `[]`, `{}`, `true`, `-5`, `1e400`, `99999999999999999999`, `"99999999999999999999"`, `"0x10"`},
	"id":      {`5`, `"x"`, `[]`, `{}`, `"` + nobody + `0"`, `"` + strings.Repeat("z", 36) + `"`, `"\u0000"`},
	"ip":      {`5`, `"host.example"`, `"010.0.0.1"`, `"1.2.3"`, `"fe80::1%eth0"`, `[]`, `""`, `"10.0.0.1\u0000"`},
	"texts":   {`"a"`, `5`, `{}`, `[5]`, `[null]`, `[["a"]]`, `["` + long + `y"]`},
	"ids":     {`"a"`, `{}`, `["x"]`, `[5]`},
	"cidrs":   {`"10.0.0.0/8"`, `["10.0.0.0/33"]`, `["x"]`, `[5]`, `{}`},
	"map":     {`[]`, `"a"`, `5`, `{"X-Forwarded-For":true}`, `{"X-Forwarded-For":null}`},
	"word":    {`"junk"`, `5`, `[]`, `""`, `{}`},
	"object":  {`[]`, `"a"`, `5`, `true`},
	"objects": {`{}`, `"a"`, `5`, `[5]`, `[[]]`, `[null]`},
	"path":    {`"x"`, `"//host/"`, `"/a b"`, `"/\u0000"`, `5`, `"http://h/"`},
	"codes":   {`"20"`, `"200-"`, `"200,300-302"`, `200`, `""`},
	"version": {`2.0`, `"x"`, `[]`, `-1`},
	"url":     {`"a"`, `"ftp://a/"`, `"http://"`, `"http://a b/"`, `5`, `[]`, `{}`, `true`},
	"domain":  {`"-a"`, `""`, `"a b"`, `5`, `"a..b"`},
}

// malformed are the attributes of each resource by type, with a request that
// would be good without the wrong one.
var malformed = []struct {
	path, one, good string
	attrs           map[string]string // type → attributes
}{
	{"loadbalancers", "loadbalancer", `"vip_subnet_id":"$subnet"`, map[string]string{
		"text": "name description provider availability_zone project_id tenant_id", "bool": "admin_state_up", "ip": "vip_address",
		"id": "vip_network_id vip_port_id vip_qos_policy_id flavor_id", "ids": "vip_sg_ids", "texts": "tags",
		"objects": "listeners pools additional_vips",
	}},
	{"listeners", "listener", `"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81`, map[string]string{
		"text": "name description default_tls_container_ref client_ca_tls_container_ref client_crl_container_ref", "bool": "admin_state_up hsts_preload",
		"int": "connection_limit timeout_client_data timeout_member_connect timeout_member_data timeout_tcp_inspect hsts_max_age",
		"id":  "default_pool_id", "texts": "tags sni_container_refs", "map": "insert_headers", "cidrs": "allowed_cidrs", "word": "client_authentication",
	}},
	{"pools", "pool", `"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`, map[string]string{
		"text": "name description tls_container_ref ca_tls_container_ref crl_container_ref", "bool": "admin_state_up tls_enabled",
		"id": "listener_id", "object": "session_persistence", "texts": "tags",
	}},
	{"pools/$pool/members", "member", `"address":"198.51.100.20","protocol_port":80`, map[string]string{
		"text": "name", "bool": "admin_state_up backup request_sriov", "int": "weight monitor_port", "id": "subnet_id", "ip": "monitor_address", "texts": "tags",
	}},
	{"healthmonitors", "healthmonitor", `"pool_id":"$pool","type":"HTTP","delay":1,"timeout":1,"max_retries":1`, map[string]string{
		"text": "name", "bool": "admin_state_up", "int": "max_retries_down", "word": "http_method", "path": "url_path", "codes": "expected_codes",
		"version": "http_version", "domain": "domain_name", "texts": "tags",
	}},
	{"l7policies", "l7policy", `"listener_id":"$listener","action":"REDIRECT_TO_URL","redirect_url":"http://a.example/"`, map[string]string{
		"text": "name description", "bool": "admin_state_up", "id": "redirect_pool_id", "int": "position redirect_http_code", "url": "redirect_prefix", "texts": "tags", "objects": "rules",
	}},
	{"l7policies/$policy/rules", "rule", `"type":"HEADER","compare_type":"EQUAL_TO","value":"v"`, map[string]string{
		"text": "key", "bool": "admin_state_up invert", "texts": "tags",
	}},
}

// Whatever a request holds, the answer is a 400 that names the attribute, never
// a 5xx, and nothing changes.
func TestContractMalformed(t *testing.T) {
	w := newMalformer(t)
	refused := w.refused
	for _, r := range malformed {
		for kind, attrs := range r.attrs {
			for _, attr := range strings.Fields(attrs) {
				for _, v := range wrong[kind] {
					names := strings.Replace(attr, "tenant_id", "project_id", 1) // one attribute, by its new name
					refused("POST", r.path, fmt.Sprintf(`{"%s":{%s,"%s":%s}}`, r.one, r.good, attr, v), names)
				}
			}
		}
		for _, body := range []struct{ text, names string }{
			{`null`, ""},
			{`5`, ""},
			{`"a"`, ""},
			{`[]`, ""},
			{`[{}]`, ""},
			{`{}`, r.one},
			{`{"%s":5}`, r.one},
			{`{"%s":"a"}`, r.one},
			{`{"%s":[{}]}`, r.one},
			{`{"%s":{}`, "JSON"},
			{`{"%s":{}}}`, "JSON"},
			{`{"%s":{}} x`, "JSON"},
			{`{'%s':{}}`, "JSON"},
			{`{"%s":{"name":"\ud800x"}}`, ""},
			{`{"%s":{"name":"` + "\x00" + `"}}`, "JSON"},
			{`{"%s":{"name":"` + "\xff" + `"}}`, "JSON"},
			{`{"%s":{"name":NaN}}`, "JSON"},
			{`{"%s":{"name":01}}`, "JSON"},
			{`{"%s":{` + strings.Repeat(`"a":{`, 40) + strings.Repeat(`}`, 40) + `}}`, ""},
			{`{"%s":{"a":1,"a":2}}`, "a"},
			{`{"%s":{},"%[1]s":{}}`, r.one},
			{`{"%s":{"":1}}`, ""},
			{`{"%s":{"id":"x"}}`, "id"},
			{`{"%s":{"operating_status":"ONLINE"}}`, "operating_status"},
			{`{"%s":{"created_at":"x"}}`, "created_at"},
		} {
			text := body.text
			if strings.Contains(text, "%") {
				text = fmt.Sprintf(text, r.one)
			}
			refused("POST", r.path, text, body.names)
		}
	}
	w.done(300)
}

// malformer asks what must be refused, and watches that nothing changes.
type malformer struct {
	*populated
	before string
	cases  int
}

func newMalformer(t testing.TB) *malformer {
	w := newPopulated(t)
	return &malformer{w, w.content(), 0}
}

// refused wants a 400 whose text has names in it.
func (m *malformer) refused(method, path, body, names string) {
	m.t.Helper()
	m.cases++
	status, out := m.ask("admin", method, base+m.fill(path), m.fill(body))
	text, _ := out["faultstring"].(string)
	if status != http.StatusBadRequest || !strings.Contains(text, names) {
		m.t.Errorf("%s %s %.200s: %d %v, want 400 about %q", method, path, body, status, out, names)
	}
	if m.cases%20 == 0 && m.content() != m.before {
		m.t.Fatalf("something changed before %s %s %.200s", method, path, body)
	}
}

// done wants that there were least cases, and that nothing changed.
func (m *malformer) done(least int) {
	m.t.Helper()
	if m.cases < least {
		m.t.Errorf("only %d cases", m.cases)
	}
	if m.content() != m.before {
		m.t.Error("something changed")
	}
	m.t.Logf("%d cases", m.cases)
}
