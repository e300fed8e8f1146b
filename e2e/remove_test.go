package e2e

import (
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestRemoveDeadPeerOfTwoNodesAlone: of two nodes one is dead for good. It is taken
// out while the arbiter holds the quorum, comes back against all promises, and is
// replaced by a new machine of the same name; no request fails after the takeover.
func TestRemoveDeadPeerOfTwoNodesAlone(t *testing.T) {
	f := newFailover(t, harness.Options{Nodes: 2})
	dead, alive := f.active, f.standby
	dead.Kill()
	f.w.Until(10*time.Second, "the arbiter holds the quorum", func() error {
		v, err := alive.ClusterView()
		if err != nil || !strings.Contains(v.Quorum, "arbiter") {
			return errorf("quorum %q, %v", v.Quorum, err)
		}
		return nil
	})
	f.settled("while the peer is dead")
	since := harness.Now()
	var said string
	f.w.Until(30*time.Second, "the dead peer is removed", func() (err error) {
		said, err = alive.TryCLI(20*time.Second, "remove", dead.Name)
		if err != nil {
			return errorf("%s: %v", said, err)
		}
		return nil
	})
	if !strings.Contains(said, "empty its data directory") {
		t.Errorf("nothing is said of the machine's data directory: %q", said)
	}
	alive.Post(harness.Networking+"networks", "network", map[string]any{"name": "written-alone"})
	v, err := alive.ClusterView()
	if err != nil || v.Quorum != "ok" || len(v.Nodes) != 1 {
		t.Errorf("after the removal: %+v, %v", v, err)
	}

	dead.Start()
	f.w.Until(10*time.Second, "the returned node says that it was removed", func() error {
		if out, _ := dead.TryCLI(5*time.Second, "status"); !strings.Contains(out, "removed from the cluster") {
			return errorf("%s", out)
		}
		return nil
	})
	f.settled("with the removed node back")
	if dead.HasAddress(f.s.VIP) {
		t.Errorf("the removed node %s has %s", dead.Name, f.s.VIP)
	}
	if err := dead.Stop(); err != nil {
		t.Error(err)
	}
	if out, err := dead.Command().CombinedOutput(); err == nil || !strings.Contains(lastLine(out), "was removed from its cluster") {
		t.Errorf("a removed node starts: %v %s", err, lastLine(out))
	}

	dead.Reinstall()
	dead.Start("--join", alive.Mgmt, "--token", alive.CLI("token"))
	whole(f.w)
	alive.Post(harness.Networking+"networks", "network", map[string]any{"name": "written-together"})
	f.settled("with the replacement")
	if bad := harness.Failed(harness.Since(f.probe.Shots(), since)); len(bad) > 0 {
		t.Errorf("%d requests failed after the takeover, first: %s", len(bad), bad[0].Detail)
	}
	dead.CLI("switchover")
	f.w.Until(5*time.Second, "the replacement holds the VIP", func() error {
		if !dead.HasAddress(f.s.VIP) {
			return errorf("%s does not have %s", dead.Name, f.s.VIP)
		}
		return nil
	})
	f.check(dead)
}
