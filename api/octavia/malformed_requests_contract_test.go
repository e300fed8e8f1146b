package octavia_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Around the body: query strings, headers and paths.
func TestContractMalformedRequests(t *testing.T) {
	w := newMalformer(t)
	// A filter that cannot be read must not become no filter.
	for _, path := range []string{"loadbalancers", "listeners", "pools", "healthmonitors", "l7policies", "pools/$pool/members", "l7policies/$policy/rules", "quotas", "../octavia/amphorae"} {
		path = strings.Replace(w.fill(base+path), "lbaas/../", "", 1)
		for query, names := range map[string]string{
			"name=%zz": "query string", "limit=1;marker=x": "query string", "%": "query string",
			"colour=red": "duplicate or invalid", "id=a&id=b": "duplicate or invalid", "=x": "duplicate or invalid", "name[]=x": "duplicate or invalid",
			"sort=colour": "colour", "sort=id:up": "up", "sort=a:b:c": "['a', 'b', 'c']", "sort_key=colour": "colour", "sort_key=id&sort_dir=up": "up",
			"limit=x": "limit", "limit=1.5": "limit", "limit=99999999999999999999": "limit", "marker=" + nobody: nobody, "marker=%00": "marker",
			"marker=" + strings.Repeat("x", 5000): "marker", "sort=" + strings.Repeat("x", 5000): "sort key",
		} {
			w.cases++
			status, out := w.ask("admin", "GET", path+"?"+query, "")
			text, _ := out["faultstring"].(string)
			if text == "" {
				text, _ = out["description"].(string) // of the router (contract 6.1)
			}
			if status != http.StatusBadRequest || !strings.Contains(text, names) || len(text) > 600 {
				t.Errorf("GET %s?%.100s: %d %.300v, want 400 about %q", path, query, status, out, names)
			}
		}
	}
	for _, x := range []struct{ method, path string }{
		{"POST", "loadbalancers"},
		{"PUT", "loadbalancers/$lb"},
		{"DELETE", "loadbalancers/$lb"},
		{"PUT", "loadbalancers/$lb/failover"},
		{"GET", "loadbalancers/$lb/stats"},
		{"GET", "loadbalancers/$lb/status"},
		{"DELETE", "pools/$pool/members/$member"},
		{"PUT", "pools/$pool/members"},
		{"GET", "quotas/p"},
		{"DELETE", "l7policies/$policy/rules/$rule"},
	} {
		for query, names := range map[string]string{"force=1": "force", "cascade=%zz": "query string", "a;b": "query string", url.QueryEscape("a b") + "=1": "a b"} {
			w.refused(x.method, x.path+"?"+query, `{"loadbalancer":{},"members":[]}`, names)
		}
	}

	good := `{"loadbalancer":{"vip_subnet_id":"` + theSubnet + `"}}`
	for contentType, want := range map[string]int{
		"text/plain": 415, "application/xml": 415, "application/vnd.openstack+json": 415, "multipart/form-data; boundary=x": 415, ";;;": 415, "json": 415,
		"application/x-www-form-urlencoded": 400,
	} {
		w.cases++
		if status, out := w.ask("admin", "POST", base+"loadbalancers", good, "Content-Type: "+contentType); status != want || out["faultcode"] != "Client" {
			t.Errorf("%s: %d %v, want %d", contentType, status, out, want)
		}
	}
	for _, accept := range []string{"text/html", "application/xml", "application/json;q=0", "image/*, text/*"} {
		w.cases++
		if status, out := w.ask("admin", "POST", base+"loadbalancers", good, "Accept: "+accept); status != http.StatusNotAcceptable {
			t.Errorf("Accept: %s: %d %v", accept, status, out)
		}
	}
	for body, want := range map[string]int{
		`{"loadbalancer":{"name":"` + strings.Repeat("x", 2<<20) + `"}}`:                            413,
		`{"loadbalancer":` + strings.Repeat(`[`, 1<<19) + strings.Repeat(`]`, 1<<19) + `}`:          413,
		`{"loadbalancer":` + strings.Repeat(`{"a":`, 1000) + `1` + strings.Repeat(`}`, 1000) + `}`:  400,
		`{"loadbalancer":{` + strings.Repeat(`"a":1,`, 100_000) + `"b":1}}`:                         400,
		`{"loadbalancer":{"tags":[` + strings.Repeat(`"a",`, 20_000) + `"b"]}}`:                     400,
		`{"loadbalancer":{"vip_subnet_id":` + strings.Repeat(`9`, 100_000) + `}}`:                   400,
		`{"loadbalancer":{"admin_state_up":1e` + strings.Repeat(`9`, 1000) + `,"vip_subnet_id":5}}`: 400,
		`{"loadbalancer":{"name":"\ud800\udc00\ud800","vip_subnet_id":"` + nobody + `"}}`:           400,
		"\xef\xbb\xbf" + good: 400,
		"\xff\xfe{\x00}\x00":  400,
		good + good:           400,
		good + "\x00":         400,
	} {
		w.cases++
		status, out := w.ask("admin", "POST", base+"loadbalancers", body)
		if text, _ := out["faultstring"].(string); status != want || text == "" || len(text) > 1000 {
			t.Errorf("%.60q of %d bytes: %d %.300v, want %d", body, len(body), status, out, want)
		}
	}

	for _, id := range []string{"%00", "%2e%2e", "..%2f..%2fetc", "%ff", "null", "-1", "*", strings.Repeat("x", 4000), "'%20or%201=1", "%F0%9F%92%A9"} {
		for _, coll := range []string{"loadbalancers/", "listeners/", "pools/", "pools/$pool/members/", "healthmonitors/", "l7policies/", "l7policies/$policy/rules/", "pools/x/members/"} {
			for _, method := range []string{"GET", "DELETE"} {
				w.cases++
				if status, out := w.ask("admin", method, base+w.fill(coll)+id, ""); status != http.StatusNotFound {
					t.Errorf("%s %s%.50s: %d %.300v", method, coll, id, status, out)
				}
			}
		}
	}
	w.done(350)
}
