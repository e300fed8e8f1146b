package e2e

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestSessionsOutliveTheActiveNode: clients whose cookie an application has made find
// their member after the node that had learned it was killed; a node that comes back
// learns all of it again.
func TestSessionsOutliveTheActiveNode(t *testing.T) {
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(nil)
	status, b, err := w.Nodes[0].API("PUT", harness.Octavia+"pools/"+s.Pool, map[string]any{"pool": map[string]any{
		"session_persistence": map[string]any{"type": "APP_COOKIE", "cookie_name": "app"},
	}})
	if err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, b, err)
	}
	header := regexp.MustCompile(`(?i)set-cookie: app=([^;\s]+)`)
	pages := map[string]string{} // by cookie
	w.Until(10*time.Second, "eight clients have logged in, at both members", func() error {
		seen := map[string]bool{}
		for _, page := range pages {
			seen[page] = true
		}
		if len(pages) >= 8 && len(seen) == 2 {
			return nil
		}
		head, err := w.Curl("--fail", "--include", "http://"+s.FIP+"/login")
		if err != nil {
			return err
		}
		m := header.FindStringSubmatch(head)
		if m == nil {
			return errorf("no cookie in %q", head)
		}
		page, err := w.Curl("--fail", "--cookie", "app="+m[1], "http://"+s.FIP+"/")
		if err != nil {
			return err
		}
		pages[m[1]] = page
		return errorf("%d clients at %d members", len(pages), len(seen))
	})
	stay := func(when string) {
		t.Helper()
		for cookie, page := range pages {
			for range 3 {
				if got, err := w.Curl("--fail", "--cookie", "app="+cookie, "http://"+s.FIP+"/"); err != nil || got != page {
					t.Errorf("%s: a client of %q got %q, %v", when, page, got, err)
				}
			}
		}
	}
	stay("before the fault")
	knows := func(n *harness.Node, want int) error {
		_, b, err := n.API("GET", "/metrics", nil)
		if err != nil {
			return err
		}
		m := regexp.MustCompile(`(?m)^lbd_pool_sessions\{[^}]*\} (\d+)`).FindSubmatch(b)
		if m == nil {
			return errorf("%s has no table of sessions", n.Name)
		}
		if have, _ := strconv.Atoi(string(m[1])); have < want {
			return errorf("%s knows %d sessions of %d", n.Name, have, want)
		}
		return nil
	}
	active := w.Active(s.VIP)
	standby := w.Nodes[0]
	if standby == active {
		standby = w.Nodes[1]
	}
	w.Until(10*time.Second, "the standby knows the sessions", func() error { return knows(standby, len(pages)) })
	active.Kill()
	w.Until(10*time.Second, "requests succeed", func() error { _, err := w.Curl("--fail", "http://"+s.FIP+"/"); return err })
	stay("after the active node was killed")
	active.Start()
	w.Until(20*time.Second, "the node that came back knows the sessions", func() error { return knows(active, len(pages)) })
}
