package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
	"lbd/internal/testutil/cdp"
)

// TestUIOnARealCluster looks at the web UI of a real node with a real browser
// inside the node's namespace: login, topology with live state, a dead member,
// the cluster page before and after the active node is killed.
func TestUIOnARealCluster(t *testing.T) {
	if _, err := cdp.Find(); err != nil {
		t.Skipf("SKIP %s: %v", t.Name(), err)
	}
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(map[string]any{"type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 2, "max_retries_down": 2, "url_path": "/"})
	active := w.Active(s.VIP)
	standby := w.Nodes[1]
	if standby == active {
		standby = w.Nodes[0]
	}
	probe := w.StartProbe(w.Client, s.FIP+":80") // gives the drawing rates
	b := cdp.Start(t, cdp.Options{Command: []string{"ip", "netns", "exec", standby.NS(), "chromium"}})
	p := b.Page(t)
	p.Navigate("http://127.0.0.1:9876/ui/")
	p.Wait(`document.querySelector("#user")`)
	p.Type("#user", "admin")
	p.Type("#password", "wrong-password")
	p.Click("button[type=submit]")
	p.Wait(`document.querySelector("#login-error")`)
	p.Type("#password", w.Nodes[0].Password())
	p.Click("button[type=submit]")
	p.Wait(`document.querySelector(".statement")`)

	page := `document.body.innerText`
	p.Wait(page + `.includes("lb1") && ` + page + `.includes("listener1") && ` + page + `.includes("10.0.0.6") && ` + page + `.includes("` + s.VIP + `")`)
	p.WaitText(".statement", active.Name+" is active")
	s.Web2.Kill()
	p.Wait(page + `.includes("connection refused")`)
	shot(t, p, "overview.png")

	p.Click(`a[href="#/cluster"]`)
	p.Wait(page + `.includes("witness") && ` + page + `.includes("` + standby.Name + `")`)
	shot(t, p, "cluster.png")
	active.Kill()
	p.WaitText(".statement", standby.Name+" is active")
	p.Wait(page + `.includes("unknown")`)
	shot(t, p, "failover.png")
	p.Click(`a[href="#/takeovers"]`)
	p.Wait(`document.querySelectorAll(".takeovers tbody tr").length >= 2 && document.querySelector(".takeovers tbody th").textContent === "` + standby.Name + `"`)
	p.Wait(`/^\d/.test(document.querySelectorAll(".takeovers tbody tr")[0].cells[6].textContent)`) // the margin was measured
	shot(t, p, "takeovers.png")
	probe.Stop()
}

// shot keeps a screenshot where LBD_SHOTS says.
func shot(t *testing.T, p *cdp.Page, name string) {
	t.Helper()
	if dir := os.Getenv("LBD_SHOTS"); dir != "" {
		p.Screenshot(filepath.Join(dir, name))
	}
}

// TestJoinWithoutATokenWaitsForApproval starts a node without a token: it shows a
// code, is admitted when the code is approved, and not before.
func TestJoinWithoutATokenWaitsForApproval(t *testing.T) {
	w := harness.New(t, harness.Options{Nodes: 2})
	first, second := w.Nodes[0], w.Nodes[1]
	first.Start()
	done := second.StartInBackground("--join", first.Mgmt)
	var code string
	w.Until(10*time.Second, "the node waits and shows a code", func() error {
		out := first.CLI("approve")
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 1 && f[1] == second.Name {
				code = f[0]
				return nil
			}
		}
		return errorf("pending: %s", out)
	})
	w.Until(5*time.Second, "the waiting node shows its code "+code, func() error {
		if !strings.Contains(second.Log(), code) {
			return errorf("log: %s", second.Log())
		}
		return nil
	})
	if v, err := first.ClusterView(); err != nil || len(v.Nodes) != 1 {
		t.Errorf("before approval: %d nodes, %v", len(v.Nodes), err)
	}
	first.CLI("approve", code)
	if err := done(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	w.Until(10*time.Second, "both nodes are in", func() error {
		v, err := first.ClusterView()
		if err != nil || len(v.Nodes) != 2 {
			return errorf("%d nodes, %v", len(v.Nodes), err)
		}
		return nil
	})
}
