package e2e

import (
	"fmt"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// ownerWithin is how soon two nodes alone must have an owner again, however they
// were restarted: start, the promise of the start, the claim, a busy machine.
const ownerWithin = 15 * time.Second

// TestTwoNodesRestartedInAnyOrder takes both of two nodes alone down and brings them
// back in every order, once with one that lags behind, and once without the other. There
// is an owner soon, never two, and what was acknowledged is there.
func TestTwoNodesRestartedInAnyOrder(t *testing.T) {
	w := harness.New(t, harness.Options{Nodes: 2})
	w.StartCluster()
	s := w.MakeService(nil)
	arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
	var acked []string
	write := func(on *harness.Node) {
		t.Helper()
		name := fmt.Sprintf("net-%d", len(acked))
		on.Post(harness.Networking+"networks", "network", map[string]any{"name": name})
		acked = append(acked, name)
	}
	owned := func(when string) (owner *harness.Node) {
		t.Helper()
		began := time.Now()
		w.Until(ownerWithin, "one node has the VIP and a client is served "+when, func() error {
			owner = nil
			for _, n := range w.Nodes {
				if n.Alive() && n.HasAddress(s.VIP) {
					owner = n
				}
			}
			if owner == nil {
				return errorf("nobody has %s", s.VIP)
			}
			_, err := w.Curl("--fail", "http://"+s.FIP+"/")
			return err
		})
		t.Logf("%s: %s is the owner after %s", when, owner.Name, time.Since(began).Round(time.Millisecond))
		return owner
	}
	shown := 0 // of acked, on both nodes
	missing := func(on *harness.Node, names []string) error {
		var list struct{ Networks []struct{ Name string } }
		if err := on.Get(harness.Networking+"networks", &list); err != nil {
			return err
		}
		have := map[string]bool{}
		for _, n := range list.Networks {
			have[n.Name] = true
		}
		for _, name := range names {
			if !have[name] {
				return errorf("%s was acknowledged and is not on %s", name, on.Name)
			}
		}
		return nil
	}
	// alone: what it knew to be committed it shows; what it cannot know yet is in its
	// log, and shows as soon as the other confirms it.
	alone := func(on *harness.Node, when string) {
		t.Helper()
		if err := missing(on, acked[:shown]); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	// both leaves with a write that was acknowledged a moment before.
	both := func(when string) {
		t.Helper()
		whole(w)
		write(w.Nodes[len(acked)%2])
		for _, n := range w.Nodes {
			w.Until(5*time.Second, "everything acknowledged is there "+when, func() error { return missing(n, acked) })
		}
		shown = len(acked)
		write(w.Nodes[len(acked)%2])
	}
	a, b := w.Nodes[0], w.Nodes[1]
	kill := func(nodes ...*harness.Node) {
		for _, n := range nodes {
			n.Kill()
		}
	}
	both("at first")

	// first is up alone, and owns, before then comes.
	oneByOne := func(first, then *harness.Node, when string) {
		first.Start()
		if got := owned(when); got != first {
			t.Errorf("%s: the owner is %s", when, got.Name)
		}
		alone(first, when)
		then.Start()
		both(when)
	}
	kill(a, b)
	oneByOne(a, b, "the first node, then the second")
	kill(b, a)
	oneByOne(b, a, "the second node, then the first")

	kill(a, b)
	waits := []func(time.Duration) error{a.StartInBackground(), b.StartInBackground()}
	for _, wait := range waits {
		if err := wait(30 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	owned("both at once")
	both("both at once")

	// The one that comes back first is the one that was behind: it missed all terms
	// in which the other was alone.
	active := owned("before one falls behind")
	behind := w.Nodes[0]
	if behind == active {
		behind = w.Nodes[1]
	}
	kill(behind)
	kill(active)
	active.Start()
	owned("alone") // in a further term, of which the other hears nothing
	kill(active)
	oneByOne(behind, active, "the one that was behind, then the other")

	kill(a, b)
	b.Start()
	owned("one stays down")
	alone(b, "one stays down")
	if two := harness.TwoOwners(arp.Stop()); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
	}
}
