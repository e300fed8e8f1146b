package octavia_test

import (
	"net/http"
	"strings"
	"testing"
)

// An update without its object is judged after its path: what is not there is not
// there, whoever asks and whatever for.
func TestContractUpdatesOfNothing(t *testing.T) {
	w := newPopulated(t)
	before := w.content()
	for _, x := range []struct{ path, id, noun, wrapper, fault string }{
		{"loadbalancers/", w.fill("$lb"), "Load Balancer", "loadbalancer", ""},
		{"listeners/", w.fill("$listener"), "Listener", "listener", "Validation failure: No listener object supplied."},
		{"pools/", w.fill("$pool"), "Pool", "pool", ""},
		{w.fill("pools/$pool/members/"), w.fill("$member"), "Member", "member", ""},
		{"healthmonitors/", w.fill("$monitor"), "Health Monitor", "healthmonitor", ""},
		{"l7policies/", w.fill("$policy"), "L7 Policy", "l7policy", ""},
		{w.fill("l7policies/$policy/rules/"), w.fill("$rule"), "L7 Rule", "rule", ""},
	} {
		if x.fault == "" {
			x.fault = inputText(x.wrapper, "None", mandatory)
		}
		for _, body := range []string{`{}`, `{"` + x.wrapper + `":null}`} {
			if status, out := w.ask("admin", "PUT", base+x.path+nobody, body); status != http.StatusNotFound || out["faultstring"] != x.noun+" "+nobody+" not found." {
				t.Errorf("PUT %s%s %s: %d %v", x.path, nobody, body, status, out)
			}
			if status, _ := w.ask("other:member", "PUT", base+x.path+x.id, body); status != http.StatusForbidden {
				t.Errorf("PUT %s%s %s of another project: %d", x.path, x.id, body, status)
			}
			if status, out := w.ask("admin", "PUT", base+x.path+x.id, body); status != http.StatusBadRequest || out["faultstring"] != x.fault {
				t.Errorf("PUT %s%s %s: %d %v, want %s", x.path, x.id, body, status, out, x.fault)
			}
		}
		// A body that cannot be read is refused before anybody looks at the path.
		if status, out := w.ask("admin", "PUT", base+x.path+nobody, `{"`+x.wrapper+`":{"colour":1}}`); status != http.StatusBadRequest || !strings.HasSuffix(out["faultstring"].(string), ": colour") {
			t.Errorf("PUT %s%s with an unknown attribute: %d %v", x.path, nobody, status, out)
		}
	}
	if w.content() != before {
		t.Error("a refused request changed something")
	}
}

// What is over quota and wrong as well is refused for the one that Octavia sees first.
func TestContractOverQuotaAndWrong(t *testing.T) {
	w := newPopulated(t)
	w.does(http.StatusAccepted, "PUT", "quotas/"+string(w.admin.Project), "quota", `{"quota":{"listener":0,"pool":0,"member":0,"healthmonitor":0,"l7policy":0,"l7rule":0}}`)
	bare := w.does(http.StatusOK, "GET", "pools/"+w.fill("$datagrams"), "pool", "")["id"].(string)
	met := func(noun string) string { return "Quota has been met for resources: " + noun }
	const listener = `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81,`
	const pool = `{"pool":{"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN",`
	const monitor = `"delay":5,"timeout":3,"max_retries":2,`
	for _, x := range []refusal{
		{"POST", "listeners", listener + `"insert_headers":{"X-Colour":"true"}}}`, 403, met("Listener")},
		{"POST", "listeners", listener + `"default_pool_id":"$nobody"}}`, 403, met("Listener")},
		{"POST", "listeners", listener + `"default_tls_container_ref":"x"}}`, 403, met("Listener")},
		{"POST", "listeners", listener + `"colour":1}}`, 400, "Unknown attribute for argument listener_.listener: colour"},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$nobody","protocol":"HTTP","protocol_port":81}}`, 404, "Load Balancer $nobody not found."},
		{"POST", "pools", pool + `"tls_enabled":true,"tls_ciphers":"no cipher"}}`, 403, met("Pool")},
		{"POST", "pools", pool + `"session_persistence":{"type":"APP_COOKIE"}}}`, 400, invalidly + `Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`},
		{"POST", "pools/$pool/members", `{"member":{"address":"198.51.100.9","protocol_port":80}}`, 403, met("Member")},
		{"POST", "pools/$pool/members", `{"member":{"address":"169.254.169.254","protocol_port":80}}`, 400, "169.254.169.254 is not a valid option for member address"},
		{"POST", "healthmonitors", `{"healthmonitor":{"pool_id":"$pool",` + monitor + `"type":"TCP","url_path":"/"}}`, 403, met("Health Monitor")},
		{"POST", "healthmonitors", `{"healthmonitor":{"pool_id":"` + bare + `",` + monitor + `"type":"TLS-HELLO"}}`, 400, ""},
		{"POST", "l7policies", `{"l7policy":{"listener_id":"$listener","action":"REDIRECT_TO_URL"}}`, 403, met("L7 Policy")},
		{"POST", "l7policies", `{"l7policy":{"listener_id":"$listener","action":"REJECT","redirect_pool_id":"$nobody"}}`, 404, "Pool $nobody not found."},
		{"POST", "l7policies/$policy/rules", `{"rule":{"type":"PATH","compare_type":"REGEX","value":"("}}`, 400, ""},
		{"POST", "l7policies/$policy/rules", `{"rule":{"type":"PATH","compare_type":"EQUAL_TO","value":"/"}}`, 403, met("L7 Rule")},
	} {
		status, out := w.ask("admin", x.method, base+w.fill(x.path), w.fill(x.body))
		if status != x.status || x.text != "" && out["faultstring"] != w.fill(x.text) {
			t.Errorf("%s %s: %d %v, want %d %s", x.path, x.body, status, out, x.status, w.fill(x.text))
		}
	}
}

// Of what a request holds a fault repeats no more than a glance.
func TestContractFaultsAreShort(t *testing.T) {
	w := newPopulated(t)
	much, longest := `["x"`+strings.Repeat(`,"x"`, 3000)+`]`, strings.Repeat("x", 5000)
	for _, x := range []refusal{
		{"PUT", "listeners/$listener", `{"listener":{"tls_versions":` + much + `}}`, 400, ""},
		{"PUT", "healthmonitors/$monitor", `{"healthmonitor":{"http_version":"` + longest + `"}}`, 400, ""},
		{"GET", "loadbalancers/" + longest, ``, 404, ""},
		{"GET", "pools/" + longest + "/members", ``, 404, ""},
	} {
		status, out := w.ask("admin", x.method, base+w.fill(x.path), w.fill(x.body))
		text, _ := out["faultstring"].(string)
		if text == "" {
			text, _ = out["description"].(string)
		}
		if status != x.status || text == "" || len(text) > 1200 {
			t.Errorf("%s %.40s: %d, %d bytes: %.200s", x.method, x.path, status, len(text), text)
		}
	}
}

// Flavors and profiles may be given null for a name; a zone is found by its own.
func TestContractNullNames(t *testing.T) {
	w := newPopulated(t)
	profile := w.does(http.StatusCreated, "POST", "flavorprofiles", "flavorprofile", `{"flavorprofile":{"name":null,"provider_name":"lbd","flavor_data":"{}"}}`)
	flavor := w.does(http.StatusCreated, "POST", "flavors", "flavor", `{"flavor":{"name":null,"flavor_profile_id":"`+profile["id"].(string)+`"}}`)
	zones := w.does(http.StatusCreated, "POST", "availabilityzoneprofiles", "availability_zone_profile", `{"availability_zone_profile":{"name":null,"provider_name":"lbd","availability_zone_data":"{}"}}`)
	for _, x := range []object{profile, flavor, zones} {
		if x["name"] != "" {
			t.Errorf("name is %v, want an empty one", x["name"])
		}
	}
	for _, x := range []refusal{
		{"POST", "flavors", `{"flavor":{"flavor_profile_id":"` + profile["id"].(string) + `"}}`, 400, inputText("name", "None", mandatory)},
		{"POST", "availabilityzones", `{"availability_zone":{"name":null,"availability_zone_profile_id":"` + zones["id"].(string) + `"}}`, 400, "None is not a valid option for name"},
		{"PUT", "flavorprofiles/" + profile["id"].(string), `{"flavorprofile":{"name":null}}`, 400, "None is not a valid option for name"},
	} {
		if status, out := w.ask("admin", x.method, base+x.path, x.body); status != x.status || out["faultstring"] != x.text {
			t.Errorf("%s %s: %d %v, want %s", x.path, x.body, status, out, x.text)
		}
	}
}

// The list of versions answers POST and HEAD as well.
func TestContractVersionsByOtherMethods(t *testing.T) {
	w := newContractWorld(t)
	for _, method := range []string{"GET", "HEAD", "POST"} {
		for _, path := range []string{"/", "/load-balancer", "/load-balancer/"} {
			rec := w.raw("", method, path, "")
			if rec.Code != http.StatusOK || method != "HEAD" && !strings.Contains(rec.Body.String(), `"id":"v2.30"`) {
				t.Errorf("%s %s: %d %s", method, path, rec.Code, rec.Body)
			}
		}
	}
}
