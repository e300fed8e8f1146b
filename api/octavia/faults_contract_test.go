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
