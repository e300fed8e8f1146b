package octavia_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// common to all five resources; lbd's own reason keys appear only with a reason.
var commonKeys = []string{
	"id", "name", "provisioning_status", "operating_status", "admin_state_up", "project_id", "tenant_id", "created_at", "updated_at", "tags",
}

// crudCase is one resource of contract 3.1 to 3.5.
type crudCase struct {
	one, many string
	path      string // of the collection
	create    string
	keys      []string // besides the common ones
	defaults  string   // JSON: what a minimal create shows
	update    string
	updated   string // JSON: what changed
	gone      string // 404 text, up to the id
}

var crudCases = []crudCase{
	{
		one: "loadbalancer", many: "loadbalancers", path: "loadbalancers", create: `{"vip_subnet_id":"$subnet"}`,
		keys: strings.Fields(`description vip_address vip_port_id vip_subnet_id vip_network_id vip_sg_ids additional_vips listeners pools
			provider flavor_id vip_qos_policy_id availability_zone vip_vnic_type`),
		defaults: `{"name":"","description":"","admin_state_up":true,"vip_subnet_id":"$subnet","vip_network_id":"$network","vip_sg_ids":[],
			"additional_vips":[],"listeners":[],"pools":[],"flavor_id":null,"vip_qos_policy_id":null,"availability_zone":null,
			"vip_vnic_type":"normal","tags":[],"provisioning_status":"ACTIVE"}`,
		update:  `{"name":"n2","description":"d2","admin_state_up":"False","tags":["a","b","a"]}`,
		updated: `{"name":"n2","description":"d2","admin_state_up":false,"tags":["a","b"]}`,
		gone:    "Load Balancer ",
	},
	{
		one: "listener", many: "listeners", path: "listeners", create: `{"loadbalancer_id":"$lb","protocol":"TCP","protocol_port":"8081"}`,
		keys: strings.Fields(`description protocol protocol_port connection_limit default_pool_id default_tls_container_ref sni_container_refs
			insert_headers timeout_client_data timeout_member_connect timeout_member_data timeout_tcp_inspect allowed_cidrs
			client_authentication client_ca_tls_container_ref client_crl_container_ref tls_ciphers tls_versions alpn_protocols
			hsts_max_age hsts_include_subdomains hsts_preload l7policies loadbalancers`),
		defaults: `{"name":"","description":"","protocol":"TCP","protocol_port":8081,"connection_limit":-1,"default_pool_id":null,
			"default_tls_container_ref":null,"sni_container_refs":[],"insert_headers":{},"timeout_client_data":50000,
			"timeout_member_connect":5000,"timeout_member_data":50000,"timeout_tcp_inspect":0,"admin_state_up":true,"allowed_cidrs":null,
			"client_authentication":"NONE","client_ca_tls_container_ref":null,"client_crl_container_ref":null,"tls_ciphers":null,
			"tls_versions":null,"alpn_protocols":null,"hsts_max_age":null,"hsts_include_subdomains":false,"hsts_preload":false,
			"tags":[],"l7policies":[],"loadbalancers":[{"id":"$lb"}],"provisioning_status":"ACTIVE"}`,
		update:  `{"name":"l2","connection_limit":7,"allowed_cidrs":["198.51.100.7/24","198.51.100.0/24"],"timeout_client_data":null,"default_pool_id":"$pool"}`,
		updated: `{"name":"l2","connection_limit":7,"allowed_cidrs":["198.51.100.0/24"],"timeout_client_data":50000,"default_pool_id":"$pool"}`,
		gone:    "Listener ",
	},
	{
		one: "pool", many: "pools", path: "pools", create: `{"loadbalancer_id":"$lb","protocol":"TCP","lb_algorithm":"SOURCE_IP"}`,
		keys: strings.Fields(`description protocol lb_algorithm session_persistence tls_enabled tls_container_ref ca_tls_container_ref
			crl_container_ref tls_ciphers tls_versions alpn_protocols members listeners loadbalancers`), // no healthmonitor_id
		defaults: `{"name":"","description":"","protocol":"TCP","lb_algorithm":"SOURCE_IP","session_persistence":null,"admin_state_up":true,
			"tls_enabled":false,"tls_container_ref":null,"ca_tls_container_ref":null,"crl_container_ref":null,"tls_ciphers":null,
			"tls_versions":null,"alpn_protocols":null,"tags":[],"members":[],"listeners":[],"loadbalancers":[{"id":"$lb"}],
			"provisioning_status":"ACTIVE"}`,
		update:  `{"name":"p2","lb_algorithm":"LEAST_CONNECTIONS","description":null,"admin_state_up":null}`,
		updated: `{"name":"p2","lb_algorithm":"LEAST_CONNECTIONS","description":"","admin_state_up":false}`,
		gone:    "Pool ",
	},
	{
		one: "member", many: "members", path: "pools/$pool/members", create: `{"address":"198.51.100.10","protocol_port":80.0}`,
		keys: strings.Fields(`address protocol_port weight backup subnet_id monitor_address monitor_port vnic_type`),
		defaults: `{"name":"","address":"198.51.100.10","protocol_port":80,"weight":1,"backup":false,"subnet_id":null,"monitor_address":null,
			"monitor_port":null,"admin_state_up":true,"tags":[],"vnic_type":"normal","provisioning_status":"ACTIVE","operating_status":"OFFLINE"}`,
		update:  `{"weight":0,"backup":true,"monitor_port":9000,"monitor_address":"198.51.100.11"}`,
		updated: `{"weight":0,"backup":true,"monitor_port":9000,"monitor_address":"198.51.100.11"}`,
		gone:    "Member ",
	},
	{
		one: "healthmonitor", many: "healthmonitors", path: "healthmonitors",
		create: `{"pool_id":"$free","type":"HTTP","delay":5,"timeout":3,"max_retries":2}`,
		keys:   strings.Fields(`type delay timeout max_retries max_retries_down http_method url_path expected_codes http_version domain_name pools`),
		defaults: `{"name":"","type":"HTTP","delay":5,"timeout":3,"max_retries":2,"max_retries_down":3,"http_method":"GET","url_path":"/",
			"expected_codes":"200","http_version":null,"domain_name":null,"admin_state_up":true,"tags":[],"pools":[{"id":"$free"}],
			"provisioning_status":"ACTIVE"}`,
		update:  `{"delay":9,"http_version":"1.1","domain_name":"www.example.com","url_path":"/x?y=1","expected_codes":"200-204","http_method":null}`,
		updated: `{"delay":9,"http_version":1.1,"domain_name":"www.example.com","url_path":"/x?y=1","expected_codes":"200-204","http_method":"GET"}`,
		gone:    "Health Monitor ",
	},
}

func TestContractCRUD(t *testing.T) {
	for _, tc := range crudCases {
		t.Run(tc.one, func(t *testing.T) {
			w := newPopulated(t)
			free := w.contractWorld.pool(w.lb)
			fill := func(s string) string { return strings.ReplaceAll(w.fill(s), "$free", free) }
			path := fill(tc.path)

			made := w.make(path, tc.one, fill(tc.create))
			id := idOf(made)
			wantKeys := slices.Sorted(slices.Values(append(slices.Clone(commonKeys), tc.keys...)))
			if diff := cmp.Diff(wantKeys, slices.Sorted(maps.Keys(made))); diff != "" {
				t.Errorf("keys after create (-contract +lbd):\n%s", diff)
			}
			shows(t, made, fill(tc.defaults))
			if made["project_id"] != string(w.admin.Project) || made["tenant_id"] != made["project_id"] {
				t.Errorf("project_id %v, tenant_id %v", made["project_id"], made["tenant_id"])
			}

			shown := w.does(http.StatusOK, "GET", path+"/"+id, tc.one, "")
			if diff := cmp.Diff(made, shown); diff != "" {
				t.Errorf("GET differs from the answer to POST:\n%s", diff)
			}
			if got := w.listed(path, tc.many, tc.many+"_links", id); !cmp.Equal(got, shown) {
				t.Errorf("list differs from GET:\n%s", cmp.Diff(shown, got))
			}

			changed := w.does(http.StatusOK, "PUT", path+"/"+id, tc.one, fill(`{"`+tc.one+`":`+tc.update+`}`))
			shows(t, changed, fill(tc.updated))
			if diff := cmp.Diff(wantKeys, slices.Sorted(maps.Keys(changed))); diff != "" {
				t.Errorf("keys after update (-contract +lbd):\n%s", diff)
			}
			if changed["updated_at"] == nil {
				t.Error("updated_at is null after an update")
			}
			w.does(http.StatusOK, "PUT", path+"/"+id, tc.one, `{"`+tc.one+`":{}}`) // legal (contract 2.1)

			if rec := w.raw("admin", "DELETE", base+path+"/"+id, ""); rec.Code != http.StatusNoContent || rec.Body.Len() != 0 || rec.Header().Get("Content-Type") != "" {
				t.Errorf("DELETE: %d %q %v", rec.Code, rec.Body, rec.Header())
			}
			status, out := w.ask("admin", "GET", base+path+"/"+id, "")
			if status != http.StatusNotFound || out["faultstring"] != tc.gone+id+" not found." {
				t.Errorf("GET after DELETE: %d %v", status, out)
			}
		})
	}
}

// listed is the row with that id in a list without links.
func (w *contractWorld) listed(path, many, links, id string) object {
	w.t.Helper()
	status, out := w.ask("admin", "GET", base+path, "")
	if l, ok := out[links].([]any); status != http.StatusOK || !ok || len(l) != 0 || len(out) != 2 {
		w.t.Errorf("GET %s: %d, links %v, %d keys", path, status, out[links], len(out))
	}
	rows, _ := out[many].([]any)
	for _, x := range rows {
		if o, _ := x.(object); idOf(o) == id {
			return o
		}
	}
	w.t.Errorf("%s is not in the list of %s", id, many)
	return nil
}

// shows compares the attributes that want (JSON) names.
func shows(t *testing.T, got object, want string) {
	t.Helper()
	var w object
	d := json.NewDecoder(strings.NewReader(want))
	d.UseNumber()
	if err := d.Decode(&w); err != nil {
		t.Fatal(err)
	}
	part := object{}
	for k := range w {
		if v, ok := got[k]; ok {
			part[k] = v
		}
	}
	if diff := cmp.Diff(w, part); diff != "" {
		t.Errorf("attributes (-contract +lbd):\n%s", diff)
	}
}

func TestContractPoolShowsItsMonitor(t *testing.T) {
	w := newPopulated(t)
	got := w.does(http.StatusOK, "GET", "pools/"+w.pool, "pool", "")
	shows(t, got, w.fill(`{"healthmonitor_id":"$monitor","members":[{"id":"$member"}],"listeners":[{"id":"$listener"}]}`))
	w.does(http.StatusNoContent, "DELETE", "pools/"+w.pool, "", "")
	shows(t, w.does(http.StatusOK, "GET", "listeners/"+w.listener, "listener", ""), `{"default_pool_id":null}`)
	for _, path := range []string{"pools/" + w.pool, "healthmonitors/" + w.monitor} {
		if status, _ := w.ask("admin", "GET", base+path, ""); status != http.StatusNotFound {
			t.Errorf("GET %s after the pool was deleted: %d", path, status)
		}
	}
}

func TestContractCascade(t *testing.T) {
	w := newPopulated(t)
	w.does(http.StatusNoContent, "DELETE", "loadbalancers/"+w.lb+"?cascade=True", "", "")
	for _, many := range []string{"loadbalancers", "listeners", "pools", "healthmonitors"} {
		if _, out := w.ask("admin", "GET", base+many, ""); len(out[many].([]any)) != 0 {
			t.Errorf("%s are left: %v", many, out)
		}
	}
}

func TestContractStatusTreeAndStats(t *testing.T) {
	w := newPopulated(t)
	for _, path := range []string{"status", "statuses", "statuses.json", "status/"} {
		lb := w.does(http.StatusOK, "GET", "loadbalancers/"+w.lb+"/"+path, "statuses", "")["loadbalancer"].(object)
		listener := lb["listeners"].([]any)[0].(object)
		pool := listener["pools"].([]any)[0].(object)
		member := pool["members"].([]any)[0].(object)
		for _, x := range []struct {
			o    object
			keys string
		}{
			{lb, "id listeners name operating_status provisioning_status"},
			{listener, "id name operating_status pools provisioning_status"},
			{pool, "health_monitor id members name operating_status provisioning_status"},
			{pool["health_monitor"].(object), "id name operating_status provisioning_status type"},
			{member, "address id name operating_status protocol_port provisioning_status"},
		} {
			if got := strings.Join(slices.Sorted(maps.Keys(x.o)), " "); got != x.keys {
				t.Errorf("%s: keys %s, want %s", path, got, x.keys)
			}
		}
	}
	zeros := `{"bytes_in":0,"bytes_out":0,"active_connections":0,"total_connections":0,"request_errors":0}`
	for _, path := range []string{"loadbalancers/" + w.lb, "listeners/" + w.listener} {
		got := w.does(http.StatusOK, "GET", path+"/stats", "stats", "")
		shows(t, got, zeros)
		if len(got) != 5 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// TestContractEmptyingLists: null and an empty value both empty what is a list or
// a dictionary (contract 3.2); the null must not get lost on its way through the log.
func TestContractEmptyingLists(t *testing.T) {
	w := newPopulated(t)
	for _, tc := range []struct{ name, put, shows string }{
		{"null", `{"allowed_cidrs":null,"insert_headers":null,"sni_container_refs":null}`, `{"allowed_cidrs":null,"insert_headers":{},"sni_container_refs":[],"tags":["a"]}`},
		{"empty", `{"allowed_cidrs":[],"insert_headers":{},"sni_container_refs":[],"tags":[]}`, `{"allowed_cidrs":null,"insert_headers":{},"sni_container_refs":[],"tags":[]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			made := w.make("listeners", "listener", w.fill(`{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":8082,
				"allowed_cidrs":["198.51.100.0/24"],"insert_headers":{"X-Forwarded-For":"true"},"tags":["a"]}`))
			shows(t, made, `{"allowed_cidrs":["198.51.100.0/24"],"insert_headers":{"X-Forwarded-For":"true"},"tags":["a"]}`)
			changed := w.does(http.StatusOK, "PUT", "listeners/"+idOf(made), "listener", `{"listener":`+tc.put+`}`)
			shows(t, changed, tc.shows)
			w.raw("admin", "DELETE", base+"listeners/"+idOf(made), "")
		})
	}
}
