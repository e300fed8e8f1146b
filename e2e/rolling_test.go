package e2e

import (
	"testing"
	"time"

	"lbd/e2e/harness"
	"lbd/internal/netlab"
)

// load is what clients do while nodes come and go: a new connection every 5 ms,
// and a few that are kept.
type load struct {
	w     *harness.World
	fresh *harness.Probe
	kept  *harness.Probe
	began time.Duration
}

// startLoad starts the clients of addr on a host.
func startLoad(w *harness.World, on *netlab.Host, addr string) *load {
	return &load{w, w.StartPatientProbe(on, addr), w.StartKeptAlive(on, addr), harness.Now()}
}

// passed waits for 60 new connections that begin from now on.
func (l *load) passed(when string) {
	l.w.T.Helper()
	now := harness.Now()
	l.w.Until(10*time.Second, "requests go on "+when, func() error {
		if n := len(harness.Since(l.fresh.Shots(), now)); n < 60 {
			return errorf("only %d requests", n)
		}
		return nil
	})
}

// check ends the load: no request may have failed.
func (l *load) check() {
	t := l.w.T
	t.Helper()
	for _, c := range []struct {
		name  string
		shots []harness.Shot
	}{{"on new connections", l.fresh.Stop()}, {"on kept connections", l.kept.Stop()}} {
		bad := harness.Failed(c.shots)
		t.Logf("%d requests %s, %d failed, the slowest took %s", len(c.shots), c.name, len(bad), harness.Slowest(c.shots).Round(time.Millisecond))
		for _, s := range c.shots {
			if s.OK && s.End-s.Start > 200*time.Millisecond {
				t.Logf("the one at %s took %s: %s", (s.Start - l.began).Round(time.Millisecond), (s.End - s.Start).Round(time.Millisecond), s.Detail)
			}
		}
		for i, s := range bad {
			if i < 5 {
				t.Errorf("request %s at %s failed after %s: %s", c.name, (s.Start - l.began).Round(time.Millisecond), (s.End - s.Start).Round(time.Millisecond), s.Detail)
			}
		}
		if len(c.shots) < 100 {
			t.Errorf("only %d requests %s", len(c.shots), c.name)
		}
	}
}

// whole waits until every node hears every other, and a standby could take over.
func whole(w *harness.World) {
	w.T.Helper()
	all := w.Nodes
	if w.Witness != nil {
		all = append(all[:len(all):len(all)], w.Witness)
	}
	w.Until(20*time.Second, "the cluster is whole", func() error {
		for _, n := range all {
			v, err := n.ClusterView()
			if err != nil {
				return err
			}
			roles := map[string]int{}
			for _, o := range v.Nodes {
				roles[o.Role]++
			}
			if v.Quorum != "ok" || roles["active"] != 1 || roles["unknown"] != 0 || len(v.Nodes) != len(all) {
				return errorf("%s sees quorum %s, roles %v", n.Name, v.Quorum, roles)
			}
		}
		return nil
	})
}

// TestRollingRestart restarts every node in turn under load, as an operator or
// systemd would: SIGTERM, and start again. No request fails, and a tunnel that the move
// of the VIP cuts holds nobody up.
func TestRollingRestart(t *testing.T) {
	for _, variant := range []struct {
		name string
		opts harness.Options
	}{
		{"two nodes and a witness", harness.Options{Nodes: 2, Witness: true}},
		{"three nodes", harness.Options{Nodes: 3}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			w := harness.New(t, variant.opts)
			w.StartCluster()
			s := w.MakeService(nil)
			arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
			l := startLoad(w, w.Client, s.FIP+":80")
			nodes := w.Nodes
			if w.Witness != nil {
				nodes = append(nodes[:len(nodes):len(nodes)], w.Witness)
			}
			for _, n := range nodes {
				l.passed("before " + n.Name + " is restarted")
				openTunnel(w, "a tunnel", s.FIP+":80").alive(w, "before "+n.Name+" is restarted")
				began, held := time.Now(), n.HasAddress(s.VIP)
				if err := n.Stop(); err != nil {
					t.Fatal(err)
				}
				stopped := time.Since(began)
				if stopped > 10*time.Second {
					t.Errorf("%s stopped after %s, as if its tunnel could drain", n.Name, stopped)
				}
				n.Start()
				whole(w)
				t.Logf("at %s: %s (holding the VIP: %v) stopped in %s, the cluster was whole after %s", (harness.Now() - l.began).Round(time.Millisecond), n.Name, held, stopped.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
			}
			l.passed("at the end")
			l.check()
			if two := harness.TwoOwners(arp.Stop()); two > 0 {
				t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
			}
		})
	}
}
