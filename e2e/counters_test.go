package e2e

import (
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestCountersOnlyGrow: the statistics of a listener, asked of any node, never go back:
// when the active node is killed and comes back, and when all nodes are restarted.
func TestCountersOnlyGrow(t *testing.T) {
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(nil)
	const each = 20
	sent := int64(0)
	visit := func() {
		t.Helper()
		for range each {
			if _, _, err := w.CountedRequest(s.FIP); err != nil {
				t.Fatal(err)
			}
			sent++
		}
	}
	total := func(n *harness.Node) (int64, error) {
		var out struct {
			Stats struct {
				Total int64 `json:"total_connections"`
			}
		}
		err := n.Get(harness.Octavia+"listeners/"+s.Listener+"/stats", &out)
		return out.Stats.Total, err
	}
	first, err := total(w.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	sent = first
	atLeast := func(when string, nodes ...*harness.Node) {
		t.Helper()
		for _, n := range nodes {
			w.Until(20*time.Second, n.Name+" shows all connections "+when, func() error {
				got, err := total(n)
				if err == nil && got < sent {
					err = errorf("%s shows %d of %d", n.Name, got, sent)
				}
				return err
			})
			if got, err := total(n); err != nil || got < sent {
				t.Errorf("%s: %s shows %d of %d, %v", when, n.Name, got, sent, err)
			}
		}
	}
	visit()
	atLeast("at first", w.Nodes...)
	active := w.Active(s.VIP)
	standby := w.Nodes[0]
	if standby == active {
		standby = w.Nodes[1]
	}
	active.Kill()
	w.Until(10*time.Second, "requests succeed", func() error { _, err := w.Curl("--fail", "http://"+s.FIP+"/"); return err })
	atLeast("without the active node", standby)
	visit()
	atLeast("counted by the other", standby)
	active.Start()
	atLeast("when it is back", active, standby)
	for _, n := range []*harness.Node{standby, active} {
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	standby.Start()
	active.Start()
	atLeast("after a restart of all", active, standby)
	visit()
	atLeast("at the end", active, standby)
}
