package e2e

import (
	"regexp"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestVerdictsFollow: a member is down. A standby that has just started, whose own
// monitor would need minutes to find out, becomes active at once: no client meets the
// dead member, and the API never says anything else of it.
func TestVerdictsFollow(t *testing.T) {
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(map[string]any{"name": "hm", "type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 2, "max_retries_down": 2, "url_path": "/"})
	s.Web2.Kill()
	active := w.Active(s.VIP)
	standby := w.Nodes[0]
	if standby == active {
		standby = w.Nodes[1]
	}
	said := func(n *harness.Node) error {
		for i, want := range []string{"ONLINE", "ERROR"} {
			var m struct {
				Member struct {
					Status string `json:"operating_status"`
				}
			}
			if err := n.Get(harness.Octavia+"pools/"+s.Pool+"/members/"+s.Members[i], &m); err != nil {
				return err
			}
			if m.Member.Status != want {
				return errorf("%s says that member %d is %s, want %s", n.Name, i+1, m.Member.Status, want)
			}
		}
		return nil
	}
	w.Until(15*time.Second, "the member is down", func() error { return said(active) })
	var monitors struct {
		List []struct{ ID string } `json:"healthmonitors"`
	}
	if err := active.Get(harness.Octavia+"healthmonitors", &monitors); err != nil || len(monitors.List) != 1 {
		t.Fatalf("%+v %v", monitors, err)
	}
	status, b, err := active.API("PUT", harness.Octavia+"healthmonitors/"+monitors.List[0].ID, map[string]any{"healthmonitor": map[string]any{"delay": 300}})
	if err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, b, err)
	}

	standby.Kill()
	standby.Start()
	w.Until(15*time.Second, "the standby has the verdicts and could take over", func() error {
		v, err := standby.Self()
		if err != nil {
			return err
		}
		if v.Why != "not the leader" {
			return errorf("%s: %s", v.Role, v.Why)
		}
		return knowsDown(standby, s.Members[1])
	})
	active.Kill()
	w.Until(15*time.Second, "the standby holds the VIP", func() error {
		if !standby.HasAddress(s.VIP) {
			return errorf("it does not")
		}
		_, err := w.Curl("--fail", "http://"+s.FIP+"/")
		return err
	})
	for range 10 {
		if page, err := w.Curl("--fail", "http://"+s.FIP+"/"); err != nil || page != "page 1" {
			t.Errorf("a client got %q, %v", page, err)
		}
		if err := said(standby); err != nil {
			t.Error(err)
		}
	}
}

// knowsDown tells whether a node's own data plane keeps traffic from a member.
func knowsDown(n *harness.Node, member string) error {
	_, b, err := n.API("GET", "/metrics", nil)
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`(?m)^lbd_member_up\{member="` + member + `"[^}]*\} (\d+)`).FindSubmatch(b)
	if m == nil || string(m[1]) != "0" {
		return errorf("%s sends traffic to member %s: %s", n.Name, member, m)
	}
	return nil
}
