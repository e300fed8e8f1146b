package octavia_test

import (
	"net/http"
	"strings"
	"testing"
)

// refusal is one request that must be refused with the contract's words, and
// change nothing. "$x" in path, body and text are ids of the populated world.
type refusal struct {
	method, path, body string
	status             int
	text               string
}

func inputText(field, value, reason string) string {
	return "Invalid input for field/attribute " + field + ". Value: '" + value + "'. " + reason
}

var (
	badJSON   = "Request is not in valid JSON format"
	mandatory = "Mandatory field missing."
	notUUID   = "Value should be UUID format"
	lacks     = "Provider 'lbd' does not support a requested option: "
	invalidly = "Validation failure: "
	long      = strings.Repeat("x", 256) // as much of a value as a message repeats
)

func refusals() []refusal {
	var out []refusal
	add := func(method, path string, status int, text, body string) {
		out = append(out, refusal{method, path, body, status, text})
	}
	// on adds a POST or PUT of attributes below the wrapper.
	on := func(method, path, wrapper string, status int, text, attrs string) {
		add(method, path, status, text, `{"`+wrapper+`":{`+attrs+`}}`)
	}

	for _, x := range []struct{ path, arg, wrapper string }{
		{"loadbalancers", "load_balancer", "loadbalancer"},
		{"listeners", "listener_", "listener"},
		{"pools", "pool_", "pool"},
		{"pools/$pool/members", "member_", "member"},
		{"healthmonitors", "health_monitor_", "healthmonitor"},
	} {
		add("POST", x.path, 400, `Missing argument: "`+x.arg+`"`, "")
		add("POST", x.path, 400, badJSON, "{")
		add("POST", x.path, 400, badJSON, `{"`+x.wrapper+`":{"name":"a",}}`)
		add("POST", x.path, 400, badJSON, "{\"a\":\"\xff\"}")
		add("POST", x.path, 400, inputText(x.wrapper, "None", mandatory), "{}")
		add("POST", x.path, 400, inputText(x.wrapper, "None", mandatory), `{"`+x.wrapper+`":null}`)
		add("POST", x.path, 400, inputText(x.wrapper, "[]", "Value should be an object"), `{"`+x.wrapper+`":[]}`)
		add("POST", x.path, 400, inputText(x.arg, "[]", "Value should be an object"), `[]`)
		add("POST", x.path, 400, "Unknown attribute for argument "+x.arg+": other", `{"`+x.wrapper+`":{},"other":1}`)
		on("POST", x.path, x.wrapper, 400, "Unknown attribute for argument "+x.arg+"."+x.wrapper+": colour", `"colour":"red"`)
		on("POST", x.path, x.wrapper, 400, "Unknown attributes for argument "+x.arg+"."+x.wrapper+": a, b", `"b":1,"a":2`)
		on("POST", x.path, x.wrapper, 400, inputText("name", "b", "Attribute is given twice"), `"name":"a","name":"b"`)
		on("POST", x.path, x.wrapper, 400, "Unknown attribute for argument "+x.arg+"."+x.wrapper+": provisioning_status", `"provisioning_status":"ACTIVE"`)
		add("POST", x.path, 400, badJSON+": nested deeper than 32.", strings.Repeat("[", 40)+strings.Repeat("]", 40))
		add("POST", x.path+"?x=1", 400, `Unknown argument: "x"`, `{"`+x.wrapper+`":{}}`)
		add("DELETE", x.path, 400, `Missing argument: "id"`, "")
	}
	for _, x := range []struct{ path, noun, arg, wrapper, own string }{
		{"loadbalancers/", "Load Balancer", "load_balancer", "loadbalancer", "$lb"},
		{"listeners/", "Listener", "listener_", "listener", "$listener"},
		{"pools/", "Pool", "pool_", "pool", "$pool"},
		{"pools/$pool/members/", "Member", "member_", "member", "$member"},
		{"healthmonitors/", "Health Monitor", "health_monitor_", "healthmonitor", "$monitor"},
	} {
		for _, id := range []string{"$nobody", "nonsense"} {
			add("GET", x.path+id, 404, x.noun+" "+id+" not found.", "")
			add("PUT", x.path+id, 404, x.noun+" "+id+" not found.", `{"`+x.wrapper+`":{}}`)
			add("DELETE", x.path+id, 404, x.noun+" "+id+" not found.", "")
		}
		add("DELETE", x.path+x.own+"?x=1", 400, `Unknown argument: "x"`, "")
		on("PUT", x.path+x.own, x.wrapper, 400, inputText("name", "5", "Value should be string"), `"name":5`)
		on("PUT", x.path+x.own, x.wrapper, 400, inputText("name", long+"...", "Value should have a maximum character requirement of 255"), `"name":"`+long+`y"`)
		on("PUT", x.path+x.own, x.wrapper, 400, inputText(x.arg, "{'"+x.wrapper+"': {'admin_state_up': 'maybe'}}", "Value not an unambiguous boolean: maybe"), `"admin_state_up":"maybe"`)
		on("PUT", x.path+x.own, x.wrapper, 400, inputText(x.arg, "{'"+x.wrapper+"': {'tags': 'x'}}", "Value not a valid list: x"), `"tags":"x"`)
		on("PUT", x.path+x.own, x.wrapper, 400, inputText("tags", "[1]", "Value should be string"), `"tags":[1]`)
	}

	lb := func(status int, text, attrs string) { on("POST", "loadbalancers", "loadbalancer", status, text, attrs) }
	lb(400, invalidly+"VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.", `"name":"x"`)
	lb(400, invalidly+"VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.", `"vip_address":"198.51.100.7"`)
	lb(400, inputText("vip_subnet_id", "x", notUUID), `"vip_subnet_id":"x"`)
	lb(400, inputText("vip_subnet_id", "7", notUUID), `"vip_subnet_id":7`)
	lb(400, inputText("vip_address", "010.0.0.1", "Value should be IPv4 or IPv6 format"), `"vip_subnet_id":"$subnet","vip_address":"010.0.0.1"`)
	lb(400, "Subnet $nobody not found.", `"vip_subnet_id":"$nobody"`)
	lb(400, "Network $nobody not found.", `"vip_network_id":"$nobody"`)
	lb(400, "Port $nobody not found.", `"vip_port_id":"$nobody"`)
	lb(400, "qos_policy $nobody not found.", `"vip_subnet_id":"$subnet","vip_qos_policy_id":"$nobody"`)
	lb(400, "Security Group $nobody not found.", `"vip_subnet_id":"$subnet","vip_sg_ids":["$nobody"]`)
	lb(400, invalidly+"Invalid flavor_id.", `"vip_subnet_id":"$subnet","flavor_id":null`)
	lb(400, invalidly+"Invalid availability zone.", `"vip_subnet_id":"$subnet","availability_zone":"z"`)
	lb(400, "Provider 'f5' is not enabled.", `"vip_subnet_id":"$subnet","provider":"f5"`)
	lb(400, "Unknown attribute for argument load_balancer.loadbalancer: topology", `"vip_subnet_id":"$subnet","topology":"SINGLE"`)
	on("PUT", "loadbalancers/$lb", "loadbalancer", 400, "Unknown attribute for argument load_balancer.loadbalancer: vip_address", `"vip_address":"198.51.100.7"`)
	add("DELETE", "loadbalancers/$lb", 400, invalidly+"Cannot delete Load Balancer $lb - it has children", "")
	add("DELETE", "loadbalancers/$lb?cascade=perhaps", 400, invalidly+"Cannot delete Load Balancer $lb - it has children", "")

	listener := func(status int, text, attrs string) {
		on("POST", "listeners", "listener", status, text, `"loadbalancer_id":"$lb",`+attrs)
	}
	listener(400, inputText("protocol", "None", mandatory), `"protocol_port":81`)
	listener(400, inputText("protocol_port", "None", mandatory), `"protocol":"HTTP"`)
	on("POST", "listeners", "listener", 400, inputText("loadbalancer_id", "None", mandatory), `"protocol":"HTTP","protocol_port":81`)
	on("POST", "listeners", "listener", 404, "Load Balancer $nobody not found.", `"loadbalancer_id":"$nobody","protocol":"HTTP","protocol_port":81`)
	listener(400, inputText("protocol", "http", "Value should be one of: HTTP, HTTPS, PROMETHEUS, SCTP, TCP, TERMINATED_HTTPS, UDP"), `"protocol":"http","protocol_port":81`)
	listener(400, inputText("protocol_port", "0", "Value should be greater or equal to 1"), `"protocol":"HTTP","protocol_port":0`)
	listener(400, inputText("protocol_port", "65536", "Value should be lower or equal to 65535"), `"protocol":"HTTP","protocol_port":65536`)
	listener(400, inputText("listener_", "{'listener': {'loadbalancer_id': '$lb', 'protocol': 'HTTP', 'protocol_port': 'abc'}}", "invalid literal for int() with base 10: 'abc'"), `"protocol":"HTTP","protocol_port":"abc"`)
	listener(400, inputText("connection_limit", "-2", "Value should be greater or equal to -1"), `"protocol":"HTTP","protocol_port":81,"connection_limit":-2`)
	listener(400, inputText("timeout_client_data", "2073600001", "Value should be lower or equal to 2073600000"), `"protocol":"HTTP","protocol_port":81,"timeout_client_data":2073600001`)
	listener(400, inputText("allowed_cidrs", "['10.0.0.0/33']", "Value should be IPv4 or IPv6 CIDR format"), `"protocol":"HTTP","protocol_port":81,"allowed_cidrs":["10.0.0.0/33"]`)
	listener(400, inputText("alpn_protocols", "['h3']", "Value should be a valid ALPN protocol ID"), `"protocol":"HTTP","protocol_port":81,"alpn_protocols":["h3"]`)
	listener(404, "Pool $nobody not found.", `"protocol":"HTTP","protocol_port":81,"default_pool_id":"$nobody"`)
	listener(409, "Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80", `"protocol":"TCP","protocol_port":80`)
	listener(400, invalidly+"The pool protocol 'HTTP' is invalid while the listener protocol is 'HTTPS'.", `"protocol":"HTTPS","protocol_port":81,"default_pool_id":"$pool"`)
	listener(400, "insert-headers is not a valid option for a TCP protocol listener.", `"protocol":"TCP","protocol_port":81,"insert_headers":{"X-Forwarded-For":"true"}`)
	listener(400, "dict_keys(['X-Foo']) is not a valid option for insert_headers", `"protocol":"HTTP","protocol_port":81,"insert_headers":{"X-Foo":"true"}`)
	listener(400, "['X-SSL-Client-DN'] is not a valid option for HTTP protocol listener.", `"protocol":"HTTP","protocol_port":81,"insert_headers":{"X-SSL-Client-DN":"true"}`)
	listener(400, invalidly+"Certificate container references are not allowed on HTTP protocol listeners.", `"protocol":"HTTP","protocol_port":81,"default_tls_container_ref":"x"`)
	listener(400, invalidly+"UDP protocol listener does not support TLS.", `"protocol":"UDP","protocol_port":81,"sni_container_refs":["x"]`)
	listener(400, invalidly+"An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.", `"protocol":"TERMINATED_HTTPS","protocol_port":81`)
	listener(400, invalidly+"The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.", `"protocol":"HTTP","protocol_port":81,"hsts_max_age":5`)
	listener(400, "Could not retrieve certificate: ['y', 'x']", `"protocol":"TERMINATED_HTTPS","protocol_port":81,"default_tls_container_ref":"x","sni_container_refs":["y"]`)
	listener(400, invalidly+"The pool protocol 'HTTP' is invalid while the listener protocol is 'UDP'.", `"protocol":"UDP","protocol_port":81,"default_pool_id":"$pool"`)
	listener(400, "insert-headers is not a valid option for a UDP protocol listener.", `"protocol":"UDP","protocol_port":81,"insert_headers":{"X-Forwarded-For":"true"}`)
	listener(409, "Another Listener on this Load Balancer is already using protocol UDP and protocol_port 53", `"protocol":"UDP","protocol_port":53`)
	on("PUT", "listeners/$listener", "listener", 400, "Unknown attribute for argument listener_.listener: protocol_port", `"protocol_port":82`)
	on("PUT", "listeners/$listener", "listener", 400, "['X-Foo'] is not a valid option for insert_headers", `"insert_headers":{"X-Foo":"true"}`)

	pool := func(status int, text, attrs string) { on("POST", "pools", "pool", status, text, attrs) }
	good := `"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`
	pool(400, invalidly+"Must provide at least one of: loadbalancer_id, listener_id", `"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`)
	pool(400, inputText("lb_algorithm", "None", mandatory), `"loadbalancer_id":"$lb","protocol":"HTTP"`)
	pool(400, inputText("lb_algorithm", "RANDOM", "Value should be one of: LEAST_CONNECTIONS, ROUND_ROBIN, SOURCE_IP, SOURCE_IP_PORT"), `"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"RANDOM"`)
	pool(404, "Load Balancer $nobody not found.", `"loadbalancer_id":"$nobody","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`)
	pool(404, "Listener $nobody not found.", `"listener_id":"$nobody","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`)
	pool(409, "This listener already has a default pool", `"listener_id":"$listener","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`)
	pool(400, invalidly+`Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`, good+`,"session_persistence":{"type":"APP_COOKIE"}`)
	pool(400, invalidly+`Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".`, good+`,"session_persistence":{"type":"SOURCE_IP","cookie_name":"x"}`)
	pool(400, inputText("type", "None", mandatory), good+`,"session_persistence":{}`)
	pool(400, invalidly+"A CA certificate reference is required to specify a revocation list.", good+`,"crl_container_ref":"x"`)
	pool(501, lacks+"tls_enabled on TCP protocol pools", `"loadbalancer_id":"$lb","protocol":"TCP","lb_algorithm":"ROUND_ROBIN","tls_enabled":true`)
	on("PUT", "pools/$pool", "pool", 400, "None is not a valid option for lb_algorithm", `"lb_algorithm":null`)
	on("PUT", "pools/$pool", "pool", 400, "Unknown attribute for argument pool_.pool: protocol", `"protocol":"TCP"`)
	on("PUT", "pools/$pool", "pool", 400, invalidly+"Invalid session_persistence provided.", `"session_persistence":{}`)

	member := func(status int, text, attrs string) {
		on("POST", "pools/$pool/members", "member", status, text, attrs)
	}
	member(400, inputText("address", "None", mandatory), `"protocol_port":80`)
	member(400, inputText("protocol_port", "None", mandatory), `"address":"198.51.100.20"`)
	member(400, inputText("address", "host.example", "Value should be IPv4 or IPv6 format"), `"address":"host.example","protocol_port":80`)
	member(400, inputText("address", "fe80::1%eth0", "Value should be IPv4 or IPv6 format"), `"address":"fe80::1%eth0","protocol_port":80`)
	member(400, inputText("weight", "257", "Value should be lower or equal to 256"), `"address":"198.51.100.20","protocol_port":80,"weight":257`)
	member(400, inputText("monitor_port", "0", "Value should be greater or equal to 1"), `"address":"198.51.100.20","protocol_port":80,"monitor_port":0`)
	member(400, "169.254.169.254 is not a valid option for member address", `"address":"169.254.169.254","protocol_port":80`)
	member(400, "Subnet $nobody not found.", `"address":"198.51.100.20","protocol_port":80,"subnet_id":"$nobody"`)
	member(400, "The load balancer flavor does not allow SR-IOV member ports.", `"address":"198.51.100.20","protocol_port":80,"request_sriov":true`)
	member(409, "Another member on this pool is already using ip 198.51.100.9 on protocol_port 8080", `"address":"198.51.100.9","protocol_port":8080`)
	on("PUT", "pools/$pool/members/$member", "member", 400, "Unknown attribute for argument member_.member: address", `"address":"198.51.100.20"`)

	monitor := func(status int, text, attrs string) {
		on("POST", "healthmonitors", "healthmonitor", status, text, attrs)
	}
	times := `"delay":5,"timeout":3,"max_retries":2`
	monitor(400, inputText("pool_id", "None", mandatory), `"type":"HTTP",`+times)
	monitor(400, inputText("type", "None", mandatory), `"pool_id":"$pool",`+times)
	monitor(400, inputText("delay", "None", mandatory), `"pool_id":"$pool","type":"HTTP","timeout":3,"max_retries":2`)
	monitor(404, "Pool $nobody not found.", `"pool_id":"$nobody","type":"HTTP",`+times)
	monitor(409, "This pool already has a health monitor", `"pool_id":"$pool","type":"HTTP",`+times)
	monitor(400, inputText("max_retries", "11", "Value should be lower or equal to 10"), `"pool_id":"$pool","type":"HTTP","delay":5,"timeout":3,"max_retries":11`)
	monitor(400, inputText("url_path", "x", "Value must be a valid URL Path string"), `"pool_id":"$pool","type":"HTTP","url_path":"x",`+times)
	monitor(400, inputText("expected_codes", "200,300-302", `Value should match the pattern ^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`), `"pool_id":"$pool","type":"HTTP","expected_codes":"200,300-302",`+times)
	monitor(400, "http_method is not a valid option for health monitors of type TCP", `"pool_id":"$pool","type":"TCP","http_method":"GET",`+times)
	monitor(400, invalidly+"'http_version' must be specified when 'domain_name' is provided.", `"pool_id":"$pool","type":"HTTP","domain_name":"a.example",`+times)
	monitor(400, "http_version 1.0 is not a valid option for health monitors HTTP 1.1 domain name health check", `"pool_id":"$pool","type":"HTTP","domain_name":"a.example","http_version":1.0,`+times)
	monitor(400, invalidly+"The UDP-CONNECT type is only supported for pools of type UDP/SCTP.", `"pool_id":"$pool","type":"UDP-CONNECT",`+times)
	for _, kind := range []string{"HTTPS", "PING", "TLS-HELLO"} {
		monitor(400, invalidly+"The associated pool protocol is UDP, so only a UDP-CONNECT/SCTP/TCP/HTTP health monitor is supported.", `"pool_id":"$datagrams","type":"`+kind+`",`+times)
	}
	monitor(501, lacks+"SCTP health monitors", `"pool_id":"$datagrams","type":"SCTP",`+times)
	monitor(400, invalidly+"The request delay value 2 should be larger than 3 for UDP-CONNECT health monitor type.", `"pool_id":"$datagrams","type":"UDP-CONNECT","delay":2,"timeout":1,"max_retries":2`)
	on("PUT", "healthmonitors/$monitor", "healthmonitor", 400, "None is not a valid option for delay", `"delay":null`)
	on("PUT", "healthmonitors/$monitor", "healthmonitor", 400, "Unknown attribute for argument health_monitor_.healthmonitor: type", `"type":"TCP"`)

	// What Octavia has and this data plane has not, each by name.
	listener(501, lacks+"SCTP protocol listeners", `"protocol_port":81,"protocol":"SCTP"`)
	listener(400, "Could not retrieve certificate: ['x']", `"protocol_port":81,"protocol":"PROMETHEUS","default_tls_container_ref":"x"`)
	listener(400, invalidly+"default_pool and l7policies can be given with a load balancer only, when all is created in one call.", `"protocol":"HTTP","protocol_port":81,"default_pool":{"name":"x"}`)
	listener(400, invalidly+"default_pool and l7policies can be given with a load balancer only, when all is created in one call.", `"protocol":"HTTP","protocol_port":81,"l7policies":[{}]`)
	pool(501, lacks+"SCTP protocol pools", `"loadbalancer_id":"$lb","protocol":"SCTP","lb_algorithm":"ROUND_ROBIN"`)
	pool(400, "Could not retrieve certificate: ['x']", good+`,"tls_container_ref":"x"`)
	pool(400, "Could not retrieve certificate: ['x']", good+`,"ca_tls_container_ref":"x"`)
	pool(400, invalidly+"members and healthmonitor can be given with a load balancer only, when all is created in one call.", good+`,"members":[{}]`)
	pool(400, invalidly+"members and healthmonitor can be given with a load balancer only, when all is created in one call.", good+`,"healthmonitor":{}`)

	udp := `"loadbalancer_id":"$lb","protocol":"UDP","lb_algorithm":"ROUND_ROBIN"`
	pool(400, invalidly+"Session persistence of type HTTP_COOKIE is not supported for UDP/SCTP protocol pools.", udp+`,"session_persistence":{"type":"HTTP_COOKIE"}`)
	pool(400, invalidly+"session_persistence SOURCE_IP type for UDP and SCTP protocols only accepts: type, persistence_timeout, persistence_granularity.", udp+`,"session_persistence":{"type":"SOURCE_IP","cookie_name":"x"}`)
	pool(400, invalidly+"Cookie names are not supported for UDP/SCTP pools.", udp+`,"session_persistence":{"type":"APP_COOKIE","cookie_name":"x"}`)
	on("PUT", "pools/$datagrams", "pool", 400, invalidly+"Session persistence of type HTTP_COOKIE is not supported for UDP/SCTP protocol pools.", `"session_persistence":{"type":"HTTP_COOKIE"}`)
	pool(501, lacks+"tls_enabled on UDP protocol pools", udp+`,"tls_enabled":true`)
	pool(400, invalidly+"persistence_timeout and persistence_granularity is only for UDP and SCTP protocol pools.", good+`,"session_persistence":{"type":"SOURCE_IP","persistence_timeout":5}`)
	pool(400, invalidly+`Supplied "cookie_name" is invalid.`, good+`,"session_persistence":{"type":"APP_COOKIE","cookie_name":"a=b"}`)
	pool(400, inputText("cookie_name", "a;b", `Value should match the pattern ^[^\s,;\\]+$`), good+`,"session_persistence":{"type":"APP_COOKIE","cookie_name":"a;b"}`)
	pool(400, "Unknown attribute for argument pool_.pool.session_persistence: x", good+`,"session_persistence":{"type":"SOURCE_IP","x":1}`)
	pool(400, inputText("session_persistence", "x", "Value should be an object"), good+`,"session_persistence":"x"`)
	listener(400, invalidly+"Client authentication setting MANDATORY requires a client CA container reference.", `"protocol":"HTTP","protocol_port":81,"client_authentication":"MANDATORY"`)
	listener(400, invalidly+"An SNI or default certificate container reference must be provided with a client CA container reference.", `"protocol":"TERMINATED_HTTPS","protocol_port":81,"client_ca_tls_container_ref":"x"`)
	listener(400, invalidly+"A client authentication CA reference is required to specify a client authentication revocation list.", `"protocol":"TERMINATED_HTTPS","protocol_port":81,"default_tls_container_ref":"x","client_crl_container_ref":"x"`)
	listener(400, invalidly+"Invalid characters in cipher string. Only alphanumeric, -, +, !, :, @, =, _, and . are allowed.", `"protocol":"HTTP","protocol_port":81,"tls_ciphers":"A B"`)
	listener(400, invalidly+"HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well.", `"protocol":"HTTP","protocol_port":81,"hsts_preload":true`)
	listener(400, invalidly+"CIDR fe80::/64 IP version incompatible with all VIPs ['$vip'] IP version.", `"protocol":"HTTP","protocol_port":81,"allowed_cidrs":["fe80::1/64"]`)

	add("GET", "loadbalancers?colour=red", 400, "One or more arguments are either duplicate or invalid", "")
	add("GET", "loadbalancers?name=a&name=b", 400, "One or more arguments are either duplicate or invalid", "")
	add("GET", "loadbalancers?listeners=a", 400, "One or more arguments are either duplicate or invalid", "")
	add("GET", "loadbalancers?marker=$nobody", 400, "Supplied pagination marker '$nobody' is not valid.", "")
	add("GET", "loadbalancers?sort=colour", 400, "Supplied sort key 'colour' is not valid.", "")
	add("GET", "loadbalancers/$lb/stats?x=1", 400, `Unknown argument: "x"`, "")
	add("GET", "loadbalancers/$lb/status?x=1", 400, `Unknown argument: "x"`, "")
	return out
}

func TestContractRefusals(t *testing.T) {
	w := newPopulated(t)
	before := w.content()
	all := append(refusals(), moreRefusals()...)
	for _, r := range all {
		path, body, text := w.fill(r.path), w.fill(r.body), w.fill(r.text)
		status, out := w.ask("admin", r.method, base+path, body)
		code := "Client"
		if r.status >= 500 {
			code = "Server"
		}
		debug, hasDebug := out["debuginfo"]
		if status != r.status || out["faultcode"] != code || out["faultstring"] != text || !hasDebug || debug != nil || len(out) != 3 {
			t.Errorf("%s %s %.200s:\n got %d %v\nwant %d %s: %s", r.method, path, body, status, out, r.status, code, text)
		}
		if after := w.content(); after != before {
			t.Fatalf("%s %s %.200s changed the state", r.method, path, body)
		}
	}
	t.Logf("%d requests", len(all))
}

// What Octavia's router refuses has another body (contract 6.1, form 2).
func TestContractRouterFaults(t *testing.T) {
	w := newPopulated(t)
	before := w.content()
	for _, r := range []refusal{
		{"GET", "pools/$nobody/members", "", 404, "Pool $nobody not found."},
		{"POST", "pools/$nobody/members", `{"member":{"address":"198.51.100.30","protocol_port":80}}`, 404, "Pool $nobody not found."},
		{"PUT", "pools/$nobody/members/$member", `{"member":{}}`, 404, "Pool $nobody not found."},
		{"GET", "l7policies/$nobody/rules", "", 404, "L7Policy $nobody not found."},
		{"GET", "loadbalancers?limit=x", "", 400, "Supplied pagination limit 'x' is not valid."},
		{"GET", "loadbalancers?limit=", "", 400, "Supplied pagination limit '' is not valid."},
		{"GET", "loadbalancers?sort=name:up", "", 400, "Supplied sort direction 'up' is not valid."},
		{"GET", "loadbalancers?sort=a:b:c", "", 400, "Supplied sort key '['a', 'b', 'c']' is not valid."},
		{"GET", "loadbalancers/$lb/junk", "", 404, ""},
		{"GET", "loadbalancers/$lb/failover", "", 405, ""},
		{"PATCH", "loadbalancers/$lb", "{}", 405, ""},
		{"POST", "quotas", "{}", 405, ""},
		{"GET", "providers/lbd", "", 405, ""},
		{"GET", "amphorae", "", 404, ""},
	} {
		status, out := w.ask("admin", r.method, base+w.fill(r.path), w.fill(r.body))
		text, _ := out["description"].(string)
		if _, fault := out["faultstring"]; status != r.status || text != w.fill(r.text) || fault {
			t.Errorf("%s %s: got %d %v, want %d %s", r.method, r.path, status, out, r.status, w.fill(r.text))
		}
	}
	if w.content() != before {
		t.Error("a refused request changed the state")
	}
}

func TestContractMediaTypes(t *testing.T) {
	w := newPopulated(t)
	body := `{"loadbalancer":{"vip_subnet_id":"` + theSubnet + `"}}`
	if status, out := w.ask("admin", "POST", base+"loadbalancers", body, "Content-Type: text/plain"); status != http.StatusUnsupportedMediaType || out["faultstring"] != "Unknown mimetype: text/plain" {
		t.Errorf("text/plain: %d %v", status, out)
	}
	for ct, want := range map[string]string{"multipart/form-data; boundary=x": "Unknown mimetype: multipart/form-data", "application/json;x": invalidly + "VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id."} {
		if _, out := w.ask("admin", "POST", base+"loadbalancers", `{"loadbalancer":{}}`, "Content-Type: "+ct); out["faultstring"] != want {
			t.Errorf("%s: %v, want %s", ct, out, want)
		}
	}
	if status, out := w.ask("admin", "GET", base+"loadbalancers", "", "Accept: text/xml"); status != http.StatusNotAcceptable || out["faultstring"] != nil {
		t.Errorf("Accept text/xml: %d %v", status, out)
	}
	if status, out := w.ask("admin", "POST", base+"loadbalancers", strings.Repeat(" ", 1<<20)+body); status != http.StatusRequestEntityTooLarge {
		t.Errorf("1 MiB: %d %v", status, out)
	}
	if status, out := w.ask("admin", "POST", base+"loadbalancers", body, "Content-Type: application/json; charset=utf-8", "Accept: */*"); status != http.StatusCreated {
		t.Errorf("charset: %d %v", status, out)
	}
}
