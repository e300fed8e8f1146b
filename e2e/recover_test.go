package e2e

import (
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestRecoverLostQuorum loses the active node and the witness of three voters for
// good: the standby has no quorum, serves nothing, and becomes a cluster of its own
// on the operator's word.
func TestRecoverLostQuorum(t *testing.T) {
	f := newFailover(t, harness.Options{Nodes: 2, Witness: true})
	left, lost, witness := f.standby, f.active, f.w.Witness
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := left.TryCLI(30*time.Second, "recover", args...)
		if err == nil || !strings.Contains(out, want) {
			t.Fatalf("lbd recover %v: %v\n%s\nwant a refusal that says %q", args, err, out, want)
		}
	}
	refused("in use by another lbd process", "--lost", lost.Name+",witness")
	left.Kill()
	refused("takes connections", "--lost", lost.Name+",witness")
	left.Management("down") // the others are still seen to serve
	refused("is answered by", "--lost", lost.Name+",witness")
	left.Management("up")
	witness.Kill()
	lost.Kill()
	refused("--lost " + lost.Name + ",witness")
	refused("is not said to be lost", "--lost", lost.Name)
	since := harness.Now()
	out, err := left.TryCLI(30*time.Second, "recover", "--lost", lost.Name+",witness")
	if err != nil {
		t.Fatalf("lbd recover: %v\n%s", err, out)
	}
	left.Start()
	f.settled("after the recovery")
	t.Logf("traffic flowed again within %s of the recovery", (harness.Now() - since).Round(time.Millisecond))
	left.Post(harness.Networking+"networks", "network", map[string]any{"name": "after-the-recovery"})

	// What was lost comes back, a majority of what it knows, and holds nothing.
	lost.Start()
	witness.Start()
	f.w.Until(10*time.Second, "the lost node says that it was removed", func() error {
		if out, _ := lost.TryCLI(5*time.Second, "status"); !strings.Contains(out, "removed from the cluster") {
			return errorf("%s", out)
		}
		return nil
	})
	f.settled("with the lost nodes back")
	if lost.HasAddress(f.s.VIP) {
		t.Errorf("%s has %s", lost.Name, f.s.VIP)
	}
	for _, n := range []*harness.Node{lost, witness} {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
		n.Reinstall()
		n.Start("--join", left.Mgmt, "--token", left.CLI("token"))
	}
	whole(f.w)
	if two := harness.TwoOwners(f.arp.Stop()); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", f.s.VIP, two)
	}
}
