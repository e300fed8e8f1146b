package e2e

import (
	"fmt"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestStatisticsAreExact: what stats show says equals what the client counted,
// to the connection and to the byte.
func TestStatisticsAreExact(t *testing.T) {
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(nil)
	stats := func(n *harness.Node) (out struct {
		Stats struct {
			BytesIn           int64 `json:"bytes_in"`
			BytesOut          int64 `json:"bytes_out"`
			ActiveConnections int64 `json:"active_connections"`
			TotalConnections  int64 `json:"total_connections"`
			RequestErrors     int64 `json:"request_errors"`
		}
	},
	) {
		t.Helper()
		if err := n.Get(harness.Octavia+"listeners/"+s.Listener+"/stats", &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	active := w.Active(s.VIP)
	before := stats(active).Stats
	const n = 37
	var sent, received int64
	for range n {
		in, out, err := w.CountedRequest(s.FIP)
		if err != nil {
			t.Fatal(err)
		}
		sent, received = sent+in, received+out
	}
	for _, node := range w.Nodes {
		w.Until(5*time.Second, "exact counters on "+node.Name, func() error {
			now := stats(node).Stats
			got := fmt.Sprint(now.TotalConnections-before.TotalConnections, now.BytesIn-before.BytesIn, now.BytesOut-before.BytesOut, now.ActiveConnections, now.RequestErrors-before.RequestErrors)
			if want := fmt.Sprint(int64(n), sent, received, 0, 0); got != want {
				return errorf("connections, bytes in, bytes out, active, errors: %s, the client counted %s", got, want)
			}
			return nil
		})
	}
}
