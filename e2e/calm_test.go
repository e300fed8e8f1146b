package e2e

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestCalm breaks nothing: one process per core only burns processor time beside a
// cluster with traffic, for LBD_CALM. Whoever is active stays so, and no second one
// is ever seen. It runs only when asked (make calm).
func TestCalm(t *testing.T) {
	if os.Getenv("LBD_CALM") == "" {
		t.Skip("SKIP TestCalm: set LBD_CALM to a time, such as 1h")
	}
	long := duration(t, "LBD_CALM", time.Hour)
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true, Flags: []string{"--log-level", "info"}})
	w.StartCluster()
	s := w.MakeService(map[string]any{"type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 2, "url_path": "/"})
	if p := os.Getenv("LBD_CALM_PROFILE"); p != "" {
		w.Nodes[0].CLI("profile", p)
	}
	active := w.Active(s.VIP)
	before := takeovers(t, active)
	arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
	probe := w.StartPatientProbe(w.Client, s.FIP+":80")
	for range runtime.NumCPU() {
		w.StartHog()
	}
	t.Logf("%s is active; %d hogs on %d cores for %s", active.Name, runtime.NumCPU(), runtime.NumCPU(), long)
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Second) {
		if now := takeovers(t, active); now != before {
			t.Errorf("a takeover after %s: %s\n%s", long-time.Until(end), active.CLI("history"), active.CLI("status"))
			before = now
			for _, n := range w.Nodes {
				t.Logf("%s:\n%s", n.Name, n.Log())
			}
		}
	}
	if !active.HasAddress(s.VIP) {
		t.Errorf("%s does not have %s any more", active.Name, s.VIP)
	}
	shots := probe.Stop()
	t.Logf("%d requests, %d failed, the slowest took %s", len(shots), len(harness.Failed(shots)), harness.Slowest(shots).Round(time.Millisecond))
	for _, n := range w.Nodes {
		t.Logf("%s changed its timing %d times", n.Name, strings.Count(n.Log(), "msg=timing "))
	}
	if two := harness.TwoOwners(arp.Stop()); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
	}
}

// takeovers is the term of the newest one, as node knows it.
func takeovers(t *testing.T, n *harness.Node) uint64 {
	t.Helper()
	_, term := newestTakeover(t, n)
	return term
}

// newestTakeover also names who has held the VIPs since.
func newestTakeover(t *testing.T, n *harness.Node) (owner string, term uint64) {
	t.Helper()
	var v struct {
		History []struct {
			Name string
			Term uint64
		}
	}
	if err := n.Get("/v1/cluster/history", &v); err != nil {
		t.Fatal(err)
	}
	if len(v.History) == 0 {
		return "", 0
	}
	return v.History[0].Name, v.History[0].Term
}
