package octavia_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lbd/store/model"
)

// proof is a request that only a server of a minor version answers so: with
// status, and with has somewhere in the answer.
type proof struct {
	minor              int
	method, path, body string
	status             int
	has                string
}

// proofs are what each minor version brought (contract section 11). SCTP (2.23),
// which has no data plane, is known and refused as Octavia does what a provider lacks.
func proofs() []proof {
	const tls = `{"listener":{"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":443,"default_tls_container_ref":"x",%s}}`
	lacking := func(minor int, path, body string) proof {
		return proof{minor, "POST", path, body, 501, "does not support a requested option"}
	}
	// reads is refused for its certificate, which is looked for last.
	reads := func(minor int, attrs string) proof {
		return proof{minor, "POST", "listeners", fmt.Sprintf(tls, attrs), 400, "Could not retrieve certificate"}
	}
	pool := func(minor int, attrs string) proof {
		key, _, _ := strings.Cut(attrs, ":")
		return proof{minor, "PUT", "pools/$pool", `{"pool":{"tls_enabled":true,` + attrs + `}}`, 200, key}
	}
	return []proof{
		{0, "GET", "loadbalancers/$lb/status", "", 200, "statuses"},
		{0, "PUT", "pools/$pool/members", `{"members":[{"address":"198.51.100.9","protocol_port":8080}]}`, 202, ""},
		{0, "PUT", "loadbalancers/$lb/failover", "", 202, ""},
		{1, "GET", "providers", "", 200, "description"},
		{1, "PUT", "listeners/$listener", `{"listener":{"timeout_client_data":1000,"timeout_tcp_inspect":5}}`, 200, `"timeout_client_data":1000`},
		{1, "POST", "pools/$pool/members", `{"member":{"address":"198.51.100.44","protocol_port":80,"backup":true}}`, 201, `"backup":true`},
		{2, "POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"UDP","protocol_port":80}}`, 201, `"protocol":"UDP"`},
		{2, "PUT", "pools/$datagrams", `{"pool":{"session_persistence":{"type":"SOURCE_IP","persistence_timeout":7,"persistence_granularity":"255.255.255.0"}}}`, 200, `"persistence_timeout":7`},
		{3, "GET", "../octavia/amphorae", "", 200, "compute_flavor"},
		{4, "GET", "../octavia/amphorae/$amphora/stats", "", 200, "amphora_stats"},
		{5, "GET", "loadbalancers?tags=none", "", 200, `"loadbalancers":[]`},
		{5, "PUT", "pools/$pool", `{"pool":{"tags":["t"]}}`, 200, `"tags":["t"]`},
		{6, "POST", "flavorprofiles", `{"flavorprofile":{"name":"f","provider_name":"lbd","flavor_data":"{}"}}`, 201, "flavor_data"},
		{6, "GET", "providers/lbd/flavor_capabilities", "", 200, "loadbalancer_topology"},
		{7, "PUT", "../octavia/amphorae/$amphora/config", "", 202, ""},
		reads(8, `"client_authentication":"OPTIONAL","client_ca_tls_container_ref":"y"`),
		{8, "PUT", "pools/$pool", `{"pool":{"tls_enabled":true}}`, 200, `"tls_enabled":true`},
		{9, "POST", "l7policies", `{"l7policy":{"listener_id":"$listener","action":"REDIRECT_TO_URL","redirect_url":"http://a/","redirect_http_code":308}}`, 201, "308"},
		{10, "PUT", "healthmonitors/$monitor", `{"healthmonitor":{"http_version":1.1,"domain_name":"a.example"}}`, 200, `"http_version":1.1`},
		{11, "PUT", "pools/$pool/members?additive_only=true", `{"members":[]}`, 202, ""},
		{12, "PUT", "listeners/$listener", `{"listener":{"allowed_cidrs":["192.0.2.0/24"]}}`, 200, "192.0.2.0/24"},
		{13, "PUT", "pools/$pool", `{"pool":{"lb_algorithm":"SOURCE_IP_PORT"}}`, 200, "SOURCE_IP_PORT"},
		{14, "GET", "availabilityzones", "", 200, "availability_zones_links"},
		{14, "GET", "providers/lbd/availability_zone_capabilities", "", 200, "valid_vip_networks"},
		reads(15, `"tls_ciphers":"ECDHE-RSA-AES128-GCM-SHA256"`),
		pool(15, `"tls_ciphers":"ECDHE-RSA-AES128-GCM-SHA256"`),
		{16, "POST", "healthmonitors", `{"healthmonitor":{"pool_id":"$datagrams","type":"HTTP","delay":5,"timeout":3,"max_retries":2}}`, 201, `"type":"HTTP"`},
		reads(17, `"tls_versions":["TLSv1.3"]`),
		pool(18, `"tls_versions":["TLSv1.3"]`),
		{19, "PUT", "quotas/q", `{"quota":{"l7rule":7}}`, 202, `"l7rule":7`},
		reads(20, `"alpn_protocols":["http/1.1"]`),
		{21, "DELETE", "../octavia/amphorae/$amphora", "", 409, "is immutable and cannot be updated."},
		{22, "POST", "pools", `{"pool":{"loadbalancer_id":"$lb","protocol":"PROXYV2","lb_algorithm":"ROUND_ROBIN"}}`, 201, "PROXYV2"},
		lacking(23, "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"SCTP","protocol_port":53}}`),
		pool(24, `"alpn_protocols":["h2"]`),
		{25, "POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"PROMETHEUS","protocol_port":9090}}`, 201, "PROMETHEUS"},
		{26, "POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","additional_vips":[{"subnet_id":"$subnet"}]}}`, 400, "Duplicate VIP subnet(s)"},
		reads(27, `"hsts_max_age":10`),
		{28, "GET", "loadbalancers/$lb", "", 200, `"vip_vnic_type":"normal"`},
		{29, "PUT", "loadbalancers/$lb", `{"loadbalancer":{"vip_sg_ids":["$nobody"]}}`, 400, "Security Group $nobody not found."},
		{30, "GET", "pools/$pool/members", "", 200, `"vnic_type":"normal"`},
		{30, "POST", "pools/$pool/members", `{"member":{"address":"198.51.100.45","protocol_port":80,"request_sriov":true}}`, 400, "does not allow SR-IOV member ports"},
	}
}

// TestContractMinorVersions: every version that is announced is served.
func TestContractMinorVersions(t *testing.T) {
	w := newPopulated(t)
	counts := report("n1", model.RoleActive)
	counts.Listeners[model.ListenerID(w.listener)] = model.ListenerCounters{BytesIn: 1}
	w.heard(counts)
	_, out := w.ask("admin", "GET", "/v2.0/octavia/amphorae", "")
	amphora := idOf(out["amphorae"].([]any)[0].(object))
	proven := map[int]bool{}
	for _, x := range proofs() {
		fill := strings.NewReplacer("$amphora", amphora, "/lbaas/../", "/")
		rec := w.raw("admin", x.method, fill.Replace(w.fill(base+x.path)), w.fill(x.body))
		proven[x.minor] = true
		if rec.Code != x.status || !strings.Contains(rec.Body.String(), w.fill(x.has)) {
			t.Errorf("v2.%d: %s %s %s: %d %s, want %d and %q", x.minor, x.method, x.path, x.body, rec.Code, rec.Body, x.status, x.has)
			proven[x.minor] = false
		}
	}
	status, out := w.ask("", "GET", "/", "")
	list, _ := out["versions"].([]any)
	if status != http.StatusOK || len(list) != 31 {
		t.Errorf("%d, %d versions", status, len(list))
	}
	for i := range list {
		if !proven[i] {
			t.Errorf("v2.%d is announced and not proven", i)
		}
	}
}
