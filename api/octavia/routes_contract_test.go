package octavia_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var routeParam = regexp.MustCompile(`:[a-z]+`)

// Whatever is mounted and not public wants a token, and says so before it
// says anything else.
func TestContractEveryRouteWantsAToken(t *testing.T) {
	w := newContractWorld(t)
	walked, public := 0, 0
	for _, r := range w.server.Routes() {
		path := routeParam.ReplaceAllString(r.Path, nobody)
		if r.Public {
			public++
			if status := w.raw("", r.Method, path, "").Code; status == http.StatusUnauthorized {
				t.Errorf("%s %s is public and answers 401", r.Method, path)
			}
			continue
		}
		walked++
		for _, token := range []string{"", "wrong"} {
			rec := w.raw(token, r.Method, path, `{"x":1}`)
			if rec.Code != http.StatusUnauthorized || !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Keystone uri=") {
				t.Errorf("%s %s with token %q: %d %s", r.Method, path, token, rec.Code, rec.Body)
			}
		}
	}
	if walked < 200 {
		t.Errorf("only %d routes: is the part mounted?", walked)
	}
	if status := w.raw("", "GET", base+"nothing/here", "").Code; status != http.StatusUnauthorized {
		t.Errorf("an unknown path without a token: %d", status)
	}
	t.Logf("%d routes, %d public", walked, public)
}

// Members of another project are refused everywhere, and change nothing.
func TestContractForeignProject(t *testing.T) {
	w := newPopulated(t)
	before := w.content()
	const denied = "Policy does not allow this request to be performed."
	for _, x := range []struct{ method, path, body string }{
		{"GET", "loadbalancers/$lb", ""},
		{"PUT", "loadbalancers/$lb", `{"loadbalancer":{}}`},
		{"DELETE", "loadbalancers/$lb?cascade=true", ""},
		{"GET", "loadbalancers/$lb/stats", ""},
		{"GET", "loadbalancers/$lb/status", ""},
		{"PUT", "loadbalancers/$lb/failover", ""},
		{"GET", "listeners/$listener", ""},
		{"PUT", "listeners/$listener", `{"listener":{}}`},
		{"DELETE", "listeners/$listener", ""},
		{"GET", "listeners/$listener/stats", ""},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"HTTP","protocol_port":81}}`},
		{"GET", "pools/$pool", ""},
		{"PUT", "pools/$pool", `{"pool":{}}`},
		{"DELETE", "pools/$pool", ""},
		{"POST", "pools", `{"pool":{"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`},
		{"GET", "pools/$pool/members", ""},
		{"POST", "pools/$pool/members", `{"member":{"address":"198.51.100.30","protocol_port":80}}`},
		{"GET", "pools/$pool/members/$member", ""},
		{"PUT", "pools/$pool/members/$member", `{"member":{}}`},
		{"DELETE", "pools/$pool/members/$member", ""},
		{"GET", "healthmonitors/$monitor", ""},
		{"PUT", "healthmonitors/$monitor", `{"healthmonitor":{}}`},
		{"DELETE", "healthmonitors/$monitor", ""},
		{"GET", "l7policies/$policy", ""},
		{"PUT", "l7policies/$policy", `{"l7policy":{}}`},
		{"DELETE", "l7policies/$policy", ""},
		{"POST", "l7policies", `{"l7policy":{"listener_id":"$listener","action":"REJECT"}}`},
		{"GET", "l7policies/$policy/rules", ""},
		{"POST", "l7policies/$policy/rules", `{"rule":{"type":"PATH","compare_type":"EQUAL_TO","value":"/"}}`},
		{"GET", "l7policies/$policy/rules/$rule", ""},
		{"PUT", "l7policies/$policy/rules/$rule", `{"rule":{}}`},
		{"DELETE", "l7policies/$policy/rules/$rule", ""},
		{"GET", "loadbalancers?project_id=elsewhere", ""},
	} {
		status, out := w.ask("other:member", x.method, base+w.fill(x.path), w.fill(x.body))
		if status != http.StatusForbidden || out["faultstring"] != denied {
			t.Errorf("%s %s: %d %v", x.method, x.path, status, out)
		}
	}
	if _, out := w.ask("other:member", "GET", base+"loadbalancers", ""); len(out["loadbalancers"].([]any)) != 0 {
		t.Errorf("a foreign project's list: %v", out)
	}
	if w.content() != before || len(w.told) != 0 {
		t.Error("a refused request changed something")
	}
}
