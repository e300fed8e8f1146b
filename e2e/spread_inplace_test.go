package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestSpreadRestartInPlace restarts nodes in place while load balancers are distributed: each
// keeps its share, no request fails, nothing of it is in the history.
func TestSpreadRestartInPlace(t *testing.T) {
	sw := newSpreadWorld(t, 2, harness.Options{Nodes: 2, Witness: true})
	w := sw.w
	w.Nodes[0].CLI("profile", "calm") // nothing is to move for want of a processor
	w.Nodes[0].CLI("spread", "on")
	sw.shares("after it is on", nil, even(1, 1))
	owners := sw.balanced(w.Nodes[0], even(1, 1))
	arp, loads := sw.watchARP(), sw.startLoads(sw.lbs)
	loads.passed("before")
	before := spreadMoves(t, w.Nodes[0])
	for range 2 {
		for _, n := range w.Nodes { // one of them leads
			was, err := n.Self()
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			out, err := n.TryCLI(time.Minute, "restart", "--wait", "20s")
			t.Logf("%s (%s)", out, time.Since(began).Round(time.Millisecond))
			if err != nil {
				t.Fatalf("restart: %v\n%s", err, out)
			}
			if now, err := n.Self(); err != nil || now.PID == was.PID {
				t.Errorf("process %d goes on after %d, %v", now.PID, was.PID, err)
			}
			after := sw.shares("after "+n.Name+" was restarted", nil, even(1, 1))
			for vip, o := range owners {
				if after[vip] != o {
					t.Errorf("%s has moved from %s to %s", vip, o.Name, after[vip].Name)
				}
			}
			loads.passed("after " + n.Name + " was restarted")
		}
	}
	if moves := spreadMoves(t, w.Nodes[0]); moves != before {
		t.Errorf("the history has %d moves, %d before", moves, before)
	}
	loads.check()
	arp.check()
}

// spreadMoves is how many moves of load balancers the history has.
func spreadMoves(t *testing.T, by *harness.Node) int {
	t.Helper()
	var v struct {
		Shares []struct{}
	}
	if err := by.Get("/v1/cluster/history", &v); err != nil {
		t.Fatal(err)
	}
	return len(v.Shares)
}

// TestFaultsWhileAShareRestarts: a next process that dies is followed by another one, and the
// share stays; when the old one dies the others have the share at once.
func TestFaultsWhileAShareRestarts(t *testing.T) {
	sw := newSpreadWorld(t, 2, harness.Options{Nodes: 2, Witness: true})
	w := sw.w
	w.Nodes[0].CLI("profile", "calm") // nothing is to move for want of a processor
	w.Nodes[0].CLI("spread", "on")
	owners := sw.balanced(w.Nodes[0], even(1, 1))
	arp := sw.watchARP()
	n := sw.leader()
	old, err := n.Self()
	if err != nil {
		t.Fatal(err)
	}
	kept := func(times int) {
		w.Until(10*time.Second, "the old process keeps the lease", func() error {
			if strings.Count(n.Log(), "the lease for the share is kept for the next process") < times {
				return errorf("it does not say so")
			}
			return nil
		})
	}
	next := restartOf(t, n)
	kept(1)
	syscall.Kill(next, syscall.SIGKILL)
	w.Until(20*time.Second, "another process serves", func() error {
		if now, err := n.Self(); err != nil || now.PID == old.PID || now.PID == next {
			return errorf("%+v, %v", now, err)
		}
		return nil
	})
	for vip, o := range sw.shares("after the next process died", nil, even(1, 1)) {
		if o != owners[vip] {
			t.Errorf("%s has moved from %s to %s", vip, owners[vip].Name, o.Name)
		}
	}

	restartOf(t, n)
	kept(2)
	n.Kill()
	sw.shares("after both processes died", n, even(2, 0))
	arp.check()
}

// restartOf asks a node to restart in place and returns the process that is to take over.
func restartOf(t testing.TB, n *harness.Node) (next int) {
	t.Helper()
	before := n.Pids()
	self, err := n.Self()
	if err != nil {
		t.Fatal(err)
	}
	status, b, err := n.API("POST", "/v1/cluster/nodes/"+self.ID+"/restart", nil)
	if err != nil || status/100 != 2 {
		t.Fatalf("restart: %d %s %v", status, b, err)
	}
	for _, p := range n.Pids() {
		if !slices.Contains(before, p) {
			next = p
		}
	}
	if next == 0 {
		t.Fatal("no process that takes over")
	}
	return next
}
