package e2e

import (
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestPoliciesInTraffic: every action of L7 policies, made over the API, is
// what a client of the VIP meets.
func TestPoliciesInTraffic(t *testing.T) {
	w := harness.New(t, harness.Options{Nodes: 1})
	w.StartCluster()
	s := w.MakeService(nil)
	n := w.Nodes[0]
	id := func(o map[string]any) string { return o["id"].(string) }
	second := id(n.Post(harness.Octavia+"pools", "pool", map[string]any{"loadbalancer_id": s.LB, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}))
	n.Post(harness.Octavia+"pools/"+second+"/members", "member", map[string]any{"address": "10.0.0.3", "protocol_port": 80})
	policy := func(path string, attrs map[string]any) {
		t.Helper()
		attrs["listener_id"] = s.Listener
		p := id(n.Post(harness.Octavia+"l7policies", "l7policy", attrs))
		n.Post(harness.Octavia+"l7policies/"+p+"/rules", "rule", map[string]any{"type": "PATH", "compare_type": "STARTS_WITH", "value": path})
	}
	policy("/no", map[string]any{"action": "REJECT"})
	policy("/away", map[string]any{"action": "REDIRECT_TO_URL", "redirect_url": "https://example.com/new"})
	policy("/moved", map[string]any{"action": "REDIRECT_PREFIX", "redirect_prefix": "https://example.com/base", "redirect_http_code": 308})
	policy("/two", map[string]any{"action": "REDIRECT_TO_POOL", "redirect_pool_id": second})

	get := func(path string) string {
		out, _ := w.Curl("--write-out", "|%{http_code} %{redirect_url}", "http://"+s.FIP+path)
		return strings.ReplaceAll(strings.TrimSpace(out), "\n", "")
	}
	for path, want := range map[string]string{
		"/no/entry":        "|403",
		"/away":            "|302 https://example.com/new",
		"/moved/here?with": "|308 https://example.com/base/moved/here?with",
	} {
		w.Until(5*time.Second, path+" is answered by its policy", func() error {
			if got := get(path); !strings.HasSuffix(got, want) {
				return errorf("%s: %q, want %q", path, got, want)
			}
			return nil
		})
	}
	w.Until(5*time.Second, "/two comes from the second pool only", func() error {
		for range 6 {
			if got := get("/two"); !strings.HasPrefix(got, "page 2|200") {
				return errorf("got %q", got)
			}
		}
		return nil
	})
	if got := get("/"); !strings.HasSuffix(got, "|200") {
		t.Errorf("what no policy matches: %q", got)
	}
}
