package octavia_test

import (
	"net/http"
	"testing"
)

// moreRefusals are what a comparison with a running Octavia 11 found.
func moreRefusals() []refusal {
	var out []refusal
	on := func(method, path, wrapper string, status int, text, attrs string) {
		out = append(out, refusal{method, path, `{"` + wrapper + `":{` + attrs + `}}`, status, text})
	}
	post := func(path, wrapper string, status int, text, attrs string) {
		on("POST", path, wrapper, status, text, attrs)
	}
	inBody := func(arg, body, reason string) string {
		return "Invalid input for field/attribute " + arg + ". Value: '" + body + "'. " + reason
	}

	const monitor = `"pool_id":"$pool","type":"HTTP","delay":5,"timeout":3,"max_retries":2`

	// What has not the JSON type of its attribute is a fault of the whole body.
	lb := func(text, attrs string) { post("loadbalancers", "loadbalancer", 400, text, attrs) }
	lb(inBody("load_balancer", `{'loadbalancer': {'name': "it's", 'description': 'a\n"\\\x07é', 'admin_state_up': 0.5}}`, "Value not an unambiguous boolean: 0.5"),
		`"name":"it's","description":"a\n\"\\\u0007é","admin_state_up":0.50`)
	lb(inBody("load_balancer", `{'loadbalancer': {'vip_subnet_id': None, 'listeners': [{'protocol': 'TCP', 'protocol_port': 'x'}]}}`, "invalid literal for int() with base 10: 'x'"),
		`"vip_subnet_id":null,"listeners":[{"protocol":"TCP","protocol_port":"x"}]`)
	post("healthmonitors", "healthmonitor", 400, inBody("health_monitor_", "{'healthmonitor': {'pool_id': '$pool', 'type': 'HTTP', 'delay': 5, 'timeout': 3, 'max_retries': 2, 'http_version': 'x'}}", "could not convert string to float: 'x'"), monitor+`,"http_version":"x"`)

	lb("Invalid L7 Policy action specified: None", `"vip_subnet_id":"$subnet","listeners":[{"protocol":"HTTP","protocol_port":80,"l7policies":[{"action":null}]}]`)

	post("listeners", "listener", 400, inBody("listener_", "{'listener': {'protocol': 'HTTP', 'protocol_port': 81, 'insert_headers': ['a']}}", "Value not a valid dict: ['a']"), `"protocol":"HTTP","protocol_port":81,"insert_headers":["a"]`)
	lb(inBody("load_balancer", `{'loadbalancer': {'listeners': [{'protocol': 'HTTP', 'protocol_port': '`+long[:210]+`'}]}}`, "invalid literal for int() with base 10: '"+long[:199]),
		`"listeners":[{"protocol":"HTTP","protocol_port":"`+long[:210]+`"}]`)

	// The old name of the project is not known to faults.
	for _, x := range []struct{ path, wrapper, good string }{
		{"loadbalancers", "loadbalancer", ""},
		{"listeners", "listener", `"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81,`},
		{"l7policies/$policy/rules", "rule", `"type":"PATH","compare_type":"EQUAL_TO","value":"/",`},
	} {
		post(x.path, x.wrapper, 400, inputText("project_id", "5", "Value should be string"), x.good+`"tenant_id":5,"project_id":null`)
	}

	// null is a value: of a parent's id as well.
	post("listeners", "listener", 404, "Load Balancer None not found.", `"loadbalancer_id":null,"protocol":"HTTP","protocol_port":81`)
	post("listeners", "listener", 400, "None is not a valid option for protocol", `"loadbalancer_id":"$lb","protocol":null,"protocol_port":81`)
	post("healthmonitors", "healthmonitor", 404, "Pool None not found.", `"pool_id":null,"type":"TCP","delay":5,"timeout":3,"max_retries":2`)
	for attr, others := range map[string]string{"delay": `"timeout":3,"max_retries":2`, "timeout": `"delay":5,"max_retries":2`, "max_retries": `"delay":5,"timeout":3`} {
		post("healthmonitors", "healthmonitor", 400, "None is not a valid option for "+attr, `"pool_id":"$pool","type":"TCP","`+attr+`":null,`+others)
	}
	post("l7policies", "l7policy", 404, "Listener None not found.", `"listener_id":null,"action":"REJECT"`)

	// The pool of a policy is judged even where the action does not need one.
	policy := func(status int, text, attrs string) {
		post("l7policies", "l7policy", status, text, `"listener_id":"$listener",`+attrs)
	}
	policy(404, "Pool $nobody not found.", `"action":"REJECT","redirect_pool_id":"$nobody"`)
	policy(404, "Pool $nobody not found.", `"action":"REDIRECT_PREFIX","redirect_prefix":"http://a/","redirect_pool_id":"$nobody"`)
	policy(400, invalidly+"The pool protocol 'UDP' is invalid while the listener protocol is 'HTTP'.", `"action":"REDIRECT_TO_URL","redirect_url":"http://a/","redirect_pool_id":"$datagrams"`)
	policy(400, "Invalid L7 Policy action specified: None", `"action":null`)
	policy(400, inputText("redirect_http_code", "1000000000000", "Value should be one of: 301, 302, 303, 307, 308"), `"action":"REJECT","redirect_http_code":1000000000000`)

	// So is the pool of a listener, and a monitor's type before what it has.
	listener := func(status int, text, attrs string) {
		post("listeners", "listener", status, text, `"loadbalancer_id":"$lb","protocol_port":81,`+attrs)
	}
	listener(404, "Pool $nobody not found.", `"protocol":"TERMINATED_HTTPS","default_pool_id":"$nobody"`)
	listener(400, invalidly+"The pool protocol 'UDP' is invalid while the listener protocol is 'TERMINATED_HTTPS'.", `"protocol":"TERMINATED_HTTPS","default_pool_id":"$datagrams"`)
	listener(400, invalidly+"The pool protocol 'HTTP' is invalid while the listener protocol is 'SCTP'.", `"protocol":"SCTP","default_pool_id":"$pool"`)
	listener(400, "Protocol PROMETHEUS listeners cannot have child objects.", `"protocol":"PROMETHEUS","default_pool_id":"$nobody"`)
	listener(400, "Could not retrieve certificate: ['x']", `"protocol":"TERMINATED_HTTPS","default_tls_container_ref":"x","client_ca_tls_container_ref":"y"`)
	post("healthmonitors", "healthmonitor", 400, invalidly+"The UDP-CONNECT type is only supported for pools of type UDP/SCTP.",
		`"pool_id":"$pool","type":"UDP-CONNECT","delay":5,"timeout":3,"max_retries":2,"http_method":"GET","domain_name":"a.example"`)

	for attrs, text := range map[string]string{
		`"type":null,"compare_type":"EQUAL_TO","value":"/"`: "invalid rule type", `"type":"PATH","compare_type":null,"value":"/"`: "invalid comparison type for rule type",
		`"type":"PATH","compare_type":"EQUAL_TO","value":null`: "L7 rule type requires a value",
	} {
		post("l7policies/$policy/rules", "rule", 400, "Error parsing L7Rule: Invalid L7 Rule: "+text, attrs)
		on("PUT", "l7policies/$policy/rules/$rule", "rule", 400, "Error parsing L7Rule: Invalid L7 Rule: "+text, attrs)
	}

	// Which of several faults comes first.
	post("healthmonitors", "healthmonitor", 400, inputText("type", "None", mandatory), "")
	post("l7policies", "l7policy", 400, inputText("action", "None", mandatory), "")
	post("healthmonitors", "healthmonitor", 400, inputText("expected_codes", long, `Value should match the pattern ^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`), monitor+`,"expected_codes":"`+long+`"`)
	post("healthmonitors", "healthmonitor", 400, inputText("url_path", "5", "Value must be a valid URL Path string"), monitor+`,"url_path":5`)
	post("listeners", "listener", 400, "dict_keys(['X-Foo', 'X-Forwarded-For']) is not a valid option for insert_headers", `"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81,"insert_headers":{"X-Foo":"true","X-Forwarded-For":"true"}`)
	post("listeners", "listener", 400, invalidly+"An SNI or default certificate container reference must be provided with a client CA container reference.", `"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81,"client_ca_tls_container_ref":"x"`)
	post("listeners", "listener", 400, invalidly+"A client authentication CA reference is required to specify a client authentication revocation list.", `"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81,"client_crl_container_ref":"x"`)

	// Updates judge what is sent, whatever it is for.
	put := func(path, wrapper, text, attrs string) { on("PUT", path, wrapper, 400, text, attrs) }
	for _, x := range []struct{ path, wrapper string }{{"listeners/$listener", "listener"}, {"pools/$pool", "pool"}} {
		put(x.path, x.wrapper, invalidly+"Empty TLS version list. Either specify at least one TLS version or remove this parameter to use the default.", `"tls_versions":[]`)
		put(x.path, x.wrapper, invalidly+"Invalid TLS versions: TLSv9", `"tls_versions":["TLSv9"]`)
		put(x.path, x.wrapper, invalidly+"Empty ALPN protocol list. Either specify at least one ALPN protocol or remove this parameter to use the default.", `"alpn_protocols":[]`)
	}
	put("pools/$pool", "pool", invalidly+"persistence_timeout and persistence_granularity is only for UDP protocol pools.", `"session_persistence":{"type":"SOURCE_IP","persistence_timeout":5}`)
	put("l7policies/$policy", "l7policy", "Invalid L7 Policy arguments: Invalid update options", "")
	for _, body := range []string{"{}", `{"listener":null}`} {
		out = append(out, refusal{"PUT", "listeners/$listener", body, 400, invalidly + "No listener object supplied."})
	}
	out = append(out, refusal{"GET", "loadbalancers?marker=", "", 400, "Supplied pagination marker '' is not valid."})
	out = append(out, refusal{"POST", "loadbalancers?y=1&x=2", `{"loadbalancer":{}}`, 400, `Unknown argument: "x, y"`})
	return out
}

func TestContractNullResetsToNull(t *testing.T) {
	w := newPopulated(t)
	for path, one := range map[string]string{"listeners/" + w.listener: "listener", "pools/" + w.pool: "pool"} {
		got := w.does(http.StatusOK, "PUT", path, one, `{"`+one+`":{"tls_versions":null,"alpn_protocols":null}}`)
		if got["tls_versions"] != nil || got["alpn_protocols"] != nil {
			t.Errorf("%s: tls_versions %v, alpn_protocols %v, want null", path, got["tls_versions"], got["alpn_protocols"])
		}
	}
}

func TestContractUDPListenerUpdate(t *testing.T) {
	w := newPopulated(t)
	udp := idOf(w.make("listeners", "listener", `{"loadbalancer_id":"`+w.lb+`","protocol":"UDP","protocol_port":54}`))
	for _, attrs := range []string{`"insert_headers":{"X-Forwarded-For":"true"}`, `"default_tls_container_ref":"x"`, `"sni_container_refs":["x"]`} {
		status, out := w.ask("admin", "PUT", base+"listeners/"+udp, `{"listener":{`+attrs+`}}`)
		if want := invalidly + "UDP protocol listener does not support TLS or header insertion."; status != http.StatusBadRequest || out["faultstring"] != want {
			t.Errorf("%s: %d %v, want %s", attrs, status, out, want)
		}
	}
	w.does(http.StatusOK, "PUT", "listeners/"+udp, "listener", `{"listener":{"insert_headers":{},"sni_container_refs":[],"name":"a"}}`)
}

// null leaves the tags of an object alone (contract 2.5), but for those of policies and
// rules, which it takes away.
func TestContractTagsNull(t *testing.T) {
	w := newPopulated(t)
	for path, x := range map[string]struct {
		one  string
		left int
	}{
		"loadbalancers/" + w.lb: {"loadbalancer", 1}, "listeners/" + w.listener: {"listener", 1}, "pools/" + w.pool: {"pool", 1},
		"pools/" + w.pool + "/members/" + w.member: {"member", 1}, "healthmonitors/" + w.monitor: {"healthmonitor", 1},
		"l7policies/" + w.policy: {"l7policy", 0}, "l7policies/" + w.policy + "/rules/" + w.rule: {"rule", 0},
	} {
		w.does(http.StatusOK, "PUT", path, x.one, `{"`+x.one+`":{"tags":["a"]}}`)
		got := w.does(http.StatusOK, "PUT", path, x.one, `{"`+x.one+`":{"tags":null}}`)
		if tags, ok := got["tags"].([]any); !ok || len(tags) != x.left {
			t.Errorf("%s: tags %v, want %d", path, got["tags"], x.left)
		}
	}
}
