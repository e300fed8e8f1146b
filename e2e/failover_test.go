package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// maxBlackout is the promise of this release for every single fault here.
const maxBlackout = time.Second

// failover sets the stage, lets act break the active node, and checks what a
// client, ARP and the role column say.
type failover struct {
	w               *harness.World
	s               *harness.Service
	active, standby *harness.Node
	probe           *harness.Probe
	arp             *harness.ARPWatch
}

func newFailover(t *testing.T, o harness.Options) *failover {
	t.Helper()
	w := harness.New(t, o)
	w.StartCluster()
	s := w.MakeService(map[string]any{"type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 2, "url_path": "/"})
	f := &failover{w: w, s: s, active: w.Active(s.VIP)}
	f.standby = w.Nodes[0]
	if f.standby == f.active {
		f.standby = w.Nodes[1]
	}
	f.probe = w.StartProbe(w.Client, s.FIP+":80")
	f.arp = w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
	f.settled("before the fault")
	return f
}

// settled waits for 40 good requests in a row that begin from now on, about 200 ms.
func (f *failover) settled(when string) {
	f.w.T.Helper()
	now := harness.Now()
	f.w.Until(10*time.Second, "requests succeed "+when, func() error {
		shots := harness.Since(f.probe.Shots(), now)
		if len(shots) < 40 {
			return errorf("only %d requests", len(shots))
		}
		if bad := harness.Failed(shots[len(shots)-40:]); len(bad) > 0 {
			return errorf("%d of the last 40 failed: %s", len(bad), bad[0].Detail)
		}
		return nil
	})
}

// check ends the watchers and holds them against the promises.
func (f *failover) check(owner *harness.Node) {
	f.w.T.Helper()
	f.checkWithin(owner, maxBlackout)
}

func (f *failover) checkWithin(owner *harness.Node, longest time.Duration) {
	t := f.w.T
	t.Helper()
	f.settled("after the fault")
	f.w.Until(longest+2*time.Second, "the role column is true on "+owner.Name, func() error {
		rows, err := owner.Amphorae()
		if err != nil {
			return err
		}
		roles := harness.RolesByAddress(rows)
		for _, n := range f.w.Nodes {
			if (roles[n.Mgmt] == "MASTER") != (n == owner) {
				return errorf("amphora list: %v, but %s holds the VIP", roles, owner.Name)
			}
		}
		return nil
	})
	shots, evs := f.probe.Stop(), f.arp.Stop()
	blackout := harness.Blackout(shots)
	t.Logf("blackout %s, %d of %d requests failed, two owners %s", blackout.Round(time.Millisecond), len(harness.Failed(shots)), len(shots), harness.TwoOwners(evs))
	if blackout > longest {
		t.Errorf("blackout %s, more than %s", blackout, longest)
	}
	if two := harness.TwoOwners(evs); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", f.s.VIP, two)
	}
	if got, want := harness.LastOwner(evs), f.w.MAC(owner.Host, "private"); got != want {
		t.Errorf("the last ARP answer came from %s, want %s of %s", got, want, owner.Name)
	}
	for _, n := range f.w.Nodes {
		if n.HasAddress(f.s.VIP) != (n == owner) && n.Alive() {
			t.Errorf("%s has the VIP: %v, but the owner is %s", n.Name, n.HasAddress(f.s.VIP), owner.Name)
		}
	}
}

// checkHistory holds the newest entry of the history against what was seen.
func (f *failover) checkHistory(owner *harness.Node) {
	t := f.w.T
	t.Helper()
	var v struct {
		History []struct {
			Name     string
			Why      string
			GapMS    *int64 `json:"gap_ms"`
			MarginMS *int64 `json:"margin_ms"`
		}
	}
	f.w.Until(10*time.Second, "the takeover is in the history", func() error {
		if err := owner.Get("/v1/cluster/history", &v); err != nil {
			return err
		}
		if len(v.History) < 2 || v.History[0].Name != owner.Name {
			return errorf("the history is %+v", v.History)
		}
		return nil
	})
	newest := v.History[0]
	if newest.GapMS == nil || *newest.GapMS < 0 || *newest.GapMS > maxBlackout.Milliseconds() || newest.Why == "" {
		t.Errorf("the newest entry is %+v", newest)
	} else {
		t.Logf("history: %s, nobody answered for %d ms", newest.Why, *newest.GapMS)
	}
	if newest.MarginMS == nil || *newest.MarginMS < 0 {
		t.Errorf("the claim of %s has no margin to the lease before: %+v", newest.Name, newest)
	} else {
		t.Logf("history: the claim came %d ms after the end of the lease before", *newest.MarginMS)
	}
}

func TestFailover(t *testing.T) {
	for _, variant := range []struct {
		name string
		opts harness.Options
	}{
		{"two nodes alone", harness.Options{Nodes: 2}},
		{"two nodes and a witness", harness.Options{Nodes: 2, Witness: true}},
	} {
		for _, fault := range []struct {
			name string
			act  func(*failover)
		}{
			{"kill", func(f *failover) { f.active.Kill() }},
			{"link down", func(f *failover) { f.active.Unplug() }},
			{"terminated", func(f *failover) {
				if err := f.active.Stop(); err != nil {
					f.w.T.Error(err)
				}
			}},
			{"switchover", func(f *failover) { f.active.CLI("switchover") }},
		} {
			t.Run(variant.name+"/"+fault.name, func(t *testing.T) {
				f := newFailover(t, variant.opts)
				fault.act(f)
				f.w.Until(5*time.Second, "the standby has the VIP", func() error {
					if !f.standby.HasAddress(f.s.VIP) {
						return errorf("%s does not have %s", f.standby.Name, f.s.VIP)
					}
					return nil
				})
				f.check(f.standby)
				if variant.opts.Witness { // else writes may be closed
					f.checkHistory(f.standby)
				}
			})
		}
	}
}

// TestFrozenNodeIsFenced stops every process of the active node with SIGSTOP:
// its kernel still has the address, but must neither answer ARP nor take
// packets once the standby has the VIP; and when it wakes up it must not come
// back as an owner.
func TestFrozenNodeIsFenced(t *testing.T) {
	f := newFailover(t, harness.Options{Nodes: 2, Witness: true})
	f.active.Signal(syscall.SIGSTOP)
	f.w.Until(5*time.Second, "the standby has the VIP", func() error {
		if !f.standby.HasAddress(f.s.VIP) {
			return errorf("%s does not have %s", f.standby.Name, f.s.VIP)
		}
		return nil
	})
	f.settled("while the old owner is frozen")
	f.active.Signal(syscall.SIGCONT)
	f.w.Until(10*time.Second, "the old owner has dropped the VIP and says standby", func() error {
		if f.active.HasAddress(f.s.VIP) {
			return errorf("%s still has %s", f.active.Name, f.s.VIP)
		}
		role, err := f.active.Role(f.active.Name)
		if err != nil || role != "standby" {
			return errorf("%s says it is %q, %v", f.active.Name, role, err)
		}
		return nil
	})
	f.check(f.standby)
}

// TestKilledNodeComesBackAsStandby restarts a killed node: it joins by itself,
// becomes standby, and no request fails while it does.
func TestKilledNodeComesBackAsStandby(t *testing.T) {
	f := newFailover(t, harness.Options{Nodes: 2})
	f.active.Kill()
	f.settled("after the kill")
	since := harness.Now()
	f.active.Start()
	f.w.Until(10*time.Second, "the returned node is standby and the quorum whole", func() error {
		v, err := f.active.ClusterView()
		if err != nil {
			return err
		}
		role, err := f.active.Role(f.active.Name)
		if err != nil || role != "standby" || v.Quorum != "ok" {
			return errorf("role %q, quorum %q, %v", role, v.Quorum, err)
		}
		return nil
	})
	f.settled("after the return")
	if bad := harness.Failed(harness.Since(f.probe.Shots(), since)); len(bad) > 0 {
		t.Errorf("%d requests failed while the node came back, first: %s", len(bad), bad[0].Detail)
	}
	f.check(f.standby)
}
