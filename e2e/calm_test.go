package e2e

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

const (
	// stallCounts is the shortest stall of the machine that excuses a takeover: what is
	// left of the lease of 104 ms when the newest beat is two old.
	stallCounts = 60 * time.Millisecond
	// stallBefore is how long before the first request that failed a stall may have
	// begun to be what a takeover was for.
	stallBefore = 500 * time.Millisecond
)

// TestCalm breaks nothing: one process per core only burns processor time beside a
// cluster with traffic, for LBD_CALM. Whoever is active stays so, and no second one
// is ever seen. It runs only when asked (make calm).
//
// A virtual machine's host may leave one of its cores without time while the other one
// runs; then the nodes of this test, which share them, see each other fall silent as if
// they had. Takeovers in such a moment are told and not judged. What tells these moments
// is a realtime thread on each core, not lbd.
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
	first := w.Active(s.VIP)
	_, seen := newestTakeover(t, first)
	arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
	probe := w.StartPatientProbe(w.Client, s.FIP+":80")
	watch := w.WatchStalls()
	for range runtime.NumCPU() {
		w.StartHog()
	}
	t.Logf("%s is active; %d hogs on %d cores for %s", first.Name, runtime.NumCPU(), runtime.NumCPU(), long)
	var moves []takeover
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Second) {
		for _, m := range slices.Backward(history(t, first)) {
			if m.Term > seen {
				seen = m.Term
				moves = append(moves, m)
				t.Logf("after %s: %s took over in term %d, %d ms: %s", long-time.Until(end).Round(time.Second), m.Name, m.Term, m.GapMS, m.Why)
			}
		}
	}
	stalls := watch.Stop(stallCounts)
	t.Logf("%d stalls of the machine of %s or more: %v", len(stalls), stallCounts, stalls)
	for _, m := range moves {
		from := m.At.Add(-time.Duration(m.GapMS)*time.Millisecond - stallBefore)
		i := slices.IndexFunc(stalls, func(s harness.Stall) bool { return s.Overlaps(from, m.At) })
		if i < 0 {
			t.Errorf("%s took over at %s (term %d, %d ms, %s) while every core ran", m.Name, m.At.UTC().Format("15:04:05.000"), m.Term, m.GapMS, m.Why)
			continue
		}
		t.Logf("NOT JUDGED: %s took over in term %d when the machine stood still: %s", m.Name, m.Term, stalls[i])
	}
	shots := probe.Stop()
	t.Logf("%d requests, %d failed, the slowest took %s", len(shots), len(harness.Failed(shots)), harness.Slowest(shots).Round(time.Millisecond))
	for _, n := range w.Nodes {
		t.Logf("%s changed its timing %d times", n.Name, strings.Count(n.Log(), "msg=timing "))
	}
	if two := harness.TwoOwners(arp.Stop()); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
	}
	if t.Failed() {
		for _, n := range w.Nodes {
			t.Logf("%s:\n%s", n.Name, n.Log())
		}
	}
}

// takeover is one of the history.
type takeover struct {
	At    time.Time
	Name  string
	Term  uint64
	GapMS int64 `json:"gap_ms"`
	Why   string
}

// history of takeovers as node knows it, the newest first.
func history(t *testing.T, n *harness.Node) []takeover {
	t.Helper()
	var v struct{ History []takeover }
	if err := n.Get("/v1/cluster/history", &v); err != nil {
		t.Fatal(err)
	}
	return v.History
}

// newestTakeover is who has held the VIPs since the newest one, and its term.
func newestTakeover(t *testing.T, n *harness.Node) (owner string, term uint64) {
	t.Helper()
	h := history(t, n)
	if len(h) == 0 {
		return "", 0
	}
	return h[0].Name, h[0].Term
}
