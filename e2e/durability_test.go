package e2e

import (
	"fmt"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestKillLosesNothingAcknowledged creates networks as fast as one client can
// and kills the node in the middle, five times; every acknowledged one must be
// there after each restart.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for round := range 5 {
		n := startLoopback(t, dir)
		_, list := n.admin(t, "GET", harness.Networking+"networks", nil)
		have := map[string]bool{}
		for _, o := range list["networks"].([]any) {
			have[o.(map[string]any)["name"].(string)] = true
		}
		for name := range acked {
			if !have[name] {
				t.Fatalf("round %d: %s was acknowledged and is gone", round, name)
			}
		}
		stop := time.Now().Add(300 * time.Millisecond)
		for i := 0; time.Now().Before(stop); i++ {
			name := fmt.Sprintf("net-%d-%d", round, i)
			status, out := n.admin(t, "POST", harness.Networking+"networks", map[string]any{"network": map[string]any{"name": name}})
			if status != 201 {
				t.Fatalf("create %s: %d %v", name, status, out)
			}
			acked[name] = true
		}
		n.kill()
	}
	if len(acked) < 50 {
		t.Errorf("only %d writes were made: the test shows little", len(acked))
	}
}

// TestWritesOnAnyNodeAreForwarded writes on each node and reads on each other.
func TestWritesOnAnyNodeAreForwarded(t *testing.T) {
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	nodes := append(w.Nodes[:len(w.Nodes):len(w.Nodes)], w.Witness)
	for _, on := range nodes {
		made := on.Post(harness.Networking+"networks", "network", map[string]any{"name": "made-on-" + on.Name})
		for _, other := range nodes {
			w.Until(2*time.Second, "the network is seen on "+other.Name, func() error {
				var out map[string]any
				return other.Get(harness.Networking+"networks/"+made["id"].(string), &out)
			})
		}
		// Read-your-writes on the node that was asked needs no waiting.
		var out map[string]any
		if err := on.Get(harness.Networking+"networks/"+made["id"].(string), &out); err != nil {
			t.Errorf("read own write on %s: %v", on.Name, err)
		}
	}
}
