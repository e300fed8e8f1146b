package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestUpgrade puts another binary in the place of every node's and has the cluster
// go over to it, under load and without a failed request; then one that does not
// start, which changes nothing; then one that starts and ends, which stops the
// upgrade at the first node.
func TestUpgrade(t *testing.T) {
	good, err := os.ReadFile(harness.Binary())
	if err != nil {
		t.Fatal(err)
	}
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	nodes := append([]*harness.Node{w.Witness}, w.Nodes...)
	for _, n := range nodes {
		n.Install(good)
	}
	w.StartCluster()
	s := w.MakeService(nil)
	arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
	l := startLoad(w, w.Client, s.FIP+":80")
	l.passed("before the upgrade")

	active := w.Active(s.VIP)
	for _, n := range nodes {
		n.Install(good) // the same bytes, in another file
		if n.RunsInstalled() {
			t.Fatalf("%s runs the new file already", n.Name)
		}
	}
	out, err := w.Nodes[0].TryCLI(time.Minute, "upgrade")
	if err != nil {
		t.Fatalf("upgrade: %v\n%s", err, out)
	}
	t.Logf("upgrade:\n%s", out)
	for _, n := range nodes {
		if !n.RunsInstalled() {
			t.Errorf("%s runs the old binary", n.Name)
		}
	}
	if lines := strings.Split(out, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[2], active.Name+": ") {
		t.Errorf("%s, the active node, was not the last:\n%s", active.Name, out)
	}
	l.passed("after the upgrade")

	for _, n := range nodes {
		n.Install([]byte("#!/bin/sh\nexit 3\n"))
	}
	out, err = w.Nodes[0].TryCLI(time.Minute, "upgrade")
	if err == nil || !strings.Contains(out, "stopped after 0 of 3 nodes") || !strings.Contains(out, "does not start: exit status 3") {
		t.Errorf("a binary that does not start: %v\n%s", err, out)
	}
	for _, n := range nodes {
		if !n.Alive() {
			t.Errorf("%s has ended", n.Name)
		}
	}
	whole(w)

	for _, n := range nodes {
		n.Install([]byte("#!/bin/sh\n[ \"$1\" = version ] && echo lbd 9.9 && exit\nexit 3\n"))
	}
	out, err = w.Active(s.VIP).TryCLI(time.Minute, "upgrade", "--wait", "2s")
	if err == nil || !strings.Contains(out, "stopped after 0 of 3 nodes") || !strings.Contains(out, "not ready within 2s: it is not back: silent for ") {
		t.Errorf("a binary that ends at once: %v\n%s", err, out)
	}
	alive := 0
	for _, n := range nodes {
		if n.Alive() {
			alive++
		}
	}
	if alive != 2 {
		t.Errorf("%d of 3 nodes are left, want 2", alive)
	}
	l.passed("after two bad upgrades")
	l.check()
	if two := harness.TwoOwners(arp.Stop()); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
	}
}
