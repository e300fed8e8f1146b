package octavia_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestFixedAnswers: what does not depend on any object.
func TestFixedAnswers(t *testing.T) {
	const quota = `{"quota":{"project_id":"%[1]s","loadbalancer":-1,"load_balancer":-1,"listener":-1,"member":-1,"pool":-1,` +
		`"healthmonitor":-1,"health_monitor":-1,"l7policy":-1,"l7rule":-1,"tenant_id":"%[1]s"}}`
	const denied = `{"faultcode":"Client","faultstring":"Policy does not allow this request to be performed.","debuginfo":null}`
	notAllowed := `{"code":405,"title":"Method Not Allowed","description":""}`
	w := newContractWorld(t)
	for _, tc := range []struct {
		token, method, path string
		status              int
		want                string
	}{
		{"admin", "GET", "/v2", 200, `"v2"`},
		{"admin", "GET", "/v2?x=1", 400, `{"faultcode":"Client","faultstring":"Unknown argument: \"x\"","debuginfo":null}`},
		{"admin", "GET", "/v2.0/lbaas", 200, `"v2"`},
		{"admin", "GET", "/load-balancer/v2.0/octavia/", 200, `"v2"`},
		{"", "GET", "/?x=y", 400, `{"faultcode":"Client","faultstring":"Unknown argument: \"x\"","debuginfo":null}`},
		{"p:reader", "GET", "/v2.0/lbaas/providers?fields=name", 200, `{"providers":[{"name":"lbd"},{"name":"amphora"},{"name":"octavia"}]}`},
		{"p:nothing", "GET", "/v2.0/lbaas/providers", 403, denied},
		{"admin", "GET", "/v2.0/lbaas/providers/lbd", 405, notAllowed},
		{"admin", "GET", "/v2.0/lbaas/providers/lbd/flavor_capabilities?fields=name", 200, `{"flavor_capabilities":[{"name":"loadbalancer_topology"}]}`},
		{"p:member", "GET", "/v2.0/lbaas/providers/lbd/flavor_capabilities", 403, denied},
		{"admin", "GET", "/v2.0/lbaas/providers/x/availability_zone_capabilities", 400, `{"faultcode":"Client","faultstring":"Provider 'x' is not enabled.","debuginfo":null}`},
		{"p:reader", "GET", "/v2.0/quotas/p", 200, fmt.Sprintf(quota, "p")},
		{"p:reader", "GET", "/v2.0/lbaas/quotas/p/default", 200, fmt.Sprintf(quota, "p")},
		{"p:reader", "GET", "/v2.0/lbaas/quotas/defaults", 200, fmt.Sprintf(quota, "defaults")},
		{"p:reader", "GET", "/v2.0/quotas/other", 403, denied},
		{"p:load-balancer_quota_admin", "GET", "/v2.0/quotas/other", 200, fmt.Sprintf(quota, "other")},
		{"admin", "GET", "/v2.0/lbaas/quotas", 200, `{"quotas":[],"quotas_links":[]}`},
		{"admin", "POST", "/v2.0/lbaas/quotas", 405, notAllowed},
		{"p:member", "DELETE", "/v2.0/quotas/p", 403, denied},
		{"p:reader", "GET", "/v2.0/lbaas/flavors", 200, `{"flavors":[],"flavors_links":[]}`},
		{"admin", "GET", "/v2.0/lbaas/flavorprofiles", 200, `{"flavorprofiles":[],"flavorprofile_links":[]}`},
		{"p:member", "GET", "/v2.0/lbaas/flavorprofiles", 403, denied},
		{"p:reader", "GET", "/v2.0/lbaas/availabilityzones/x", 404, `{"faultcode":"Client","faultstring":"Availability Zone x not found.","debuginfo":null}`},
		{"p:reader", "GET", "/v2.0/lbaas/l7policies", 200, `{"l7policies":[],"l7policies_links":[]}`},
		{"p:reader", "GET", "/v2.0/lbaas/l7policies/x/rules", 404, `{"code":404,"title":"Bad Request","description":"L7Policy x not found."}`},
		{"admin", "GET", "/v1/loadbalancers", 404, `{"code":404,"title":"Not Found","description":""}`},
		{"admin", "GET", "/networking/v2.0/quotas/p", 404, `{"NeutronError":{"type":"HTTPNotFound","message":"The resource could not be found.","detail":""}}`},
		{"admin", "GET", "/networking/v2.0/lbaas/loadbalancers.json", 200, `{"loadbalancers":[],"loadbalancers_links":[]}`},
	} {
		rec := w.raw(tc.token, tc.method, tc.path, "")
		if rec.Code != tc.status || rec.Body.String() != tc.want {
			t.Errorf("%s %s as %q:\n got %d %s\nwant %d %s", tc.method, tc.path, tc.token, rec.Code, rec.Body, tc.status, tc.want)
		}
	}
}

// TestDiscovery: ordered, the last one is the only CURRENT one, and its links
// follow the way in.
func TestDiscovery(t *testing.T) {
	w := newContractWorld(t)
	for path, href := range map[string]string{
		"/": "http://lbd.example:9876/v2", "/load-balancer": "http://lbd.example:9876/load-balancer/v2", "/load-balancer/": "http://lbd.example:9876/load-balancer/v2",
	} {
		status, out := w.ask("", "GET", path, "")
		list, _ := out["versions"].([]any)
		if status != http.StatusOK || len(list) == 0 {
			t.Fatalf("%s: %d %v", path, status, out)
		}
		for i, x := range list {
			v, want := x.(object), "SUPPORTED"
			if i == len(list)-1 {
				want = "CURRENT"
			}
			link := v["links"].([]any)[0].(object)
			if v["id"] != fmt.Sprintf("v2.%d", i) || v["status"] != want || link["href"] != href || link["rel"] != "self" || len(v) != 4 {
				t.Errorf("%s: entry %d is %v", path, i, v)
			}
		}
	}
	rec := w.raw("", "GET", "/", "", "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
	if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/ui/" {
		t.Errorf("a browser: %d %s", rec.Code, rec.Header().Get("Location"))
	}
}

// TestPathForms: the same object under every prefix that clients use.
func TestPathForms(t *testing.T) {
	p := newPopulated(t)
	want := p.raw("admin", "GET", base+"loadbalancers/"+p.lb, "").Body.String()
	for _, prefix := range []string{"", "/load-balancer", "/networking"} {
		for _, version := range []string{"/v2", "/v2.0"} {
			for _, lbaas := range []string{"", "/lbaas"} {
				if prefix == "/networking" && lbaas == "" {
					continue
				}
				for _, suffix := range []string{"", "/", ".json"} {
					path := prefix + version + lbaas + "/loadbalancers/" + p.lb + suffix
					if rec := p.raw("admin", "GET", path, ""); rec.Code != http.StatusOK || rec.Body.String() != want {
						t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
					}
				}
			}
		}
	}
	_, out := p.ask("admin", "GET", "/load-balancer/v2/loadbalancers?limit=1&name=lb&fields=id&sort=name:desc,id", "")
	next := out["loadbalancers_links"].([]any)[0].(object)["href"].(string)
	if !strings.HasPrefix(next, "http://lbd.example:9876/load-balancer/v2/loadbalancers?limit=1&fields=id&name=lb&sort=name:desc,id&marker="+p.lb) {
		t.Errorf("the link lost its way: %s", next)
	}
}
