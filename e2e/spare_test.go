package e2e

import (
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestASpareReplacesALostNode: two of three data nodes die, one after the other. With
// the spare that took the first one's place there is a majority, so that traffic goes
// on and the API writes; the first one comes back as the spare, and takes the place of
// the second.
func TestASpareReplacesALostNode(t *testing.T) {
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 3, Spare: true, Flags: []string{"--replace-after", "4s"}})
	w.StartCluster()
	s := w.MakeService(nil)
	all := append(w.Nodes[:3:3], w.Spare)
	active := func(among ...*harness.Node) (found *harness.Node) {
		w.Until(15*time.Second, "a node has the VIP", func() error {
			for _, n := range among {
				if n.HasAddress(s.VIP) {
					found = n
					return nil
				}
			}
			return errorf("none of %d", len(among))
		})
		return found
	}
	without := func(list []*harness.Node, gone *harness.Node) (rest []*harness.Node) {
		for _, n := range list {
			if n != gone {
				rest = append(rest, n)
			}
		}
		return rest
	}
	kinds := func(by *harness.Node, want map[string]string) error {
		v, err := by.ClusterView()
		if err != nil {
			return err
		}
		for _, n := range v.Nodes {
			if k, ok := want[n.Name]; ok && n.Kind != k {
				return errorf("%s says that %s is a %s", by.Name, n.Name, n.Kind)
			}
		}
		return nil
	}
	serves := func(why string) {
		t.Helper()
		w.Until(15*time.Second, why, func() error { _, err := w.Curl("--fail", "http://"+s.FIP+"/"); return err })
	}

	first := active(w.Nodes...)
	first.Kill()
	left := without(all, first)
	serves("traffic goes on without the first")
	self, err := w.Spare.Self()
	if err != nil {
		t.Fatal(err)
	}
	w.Until(30*time.Second, "the spare has the first one's place", func() error {
		votes := false
		for _, n := range left {
			votes = votes || strings.Contains(n.Log(), `change="add voter" node=`+self.ID)
			if err := kinds(n, map[string]string{first.Name: "spare", w.Spare.Name: "data"}); err != nil {
				return err
			}
		}
		if !votes {
			return errorf("the spare has no vote")
		}
		return ready(w.Spare)
	})

	second := active(left...)
	second.Kill()
	left = without(left, second)
	serves("traffic goes on without the second")
	status, b, err := left[0].APIWithin(15*time.Second, "PUT", harness.Octavia+"listeners/"+s.Listener, map[string]any{"listener": map[string]any{"name": "renamed"}})
	if err != nil || status != 200 {
		t.Errorf("a write with two of four nodes: %d %s %v", status, b, err)
	}

	first.Start()
	w.Until(30*time.Second, "the first has the second one's place", func() error {
		if err := kinds(first, map[string]string{first.Name: "data", second.Name: "spare"}); err != nil {
			return err
		}
		return ready(first)
	})
	serves("traffic goes on with the first again")
}

// ready tells whether a node could take over, or holds the VIPs.
func ready(n *harness.Node) error {
	v, err := n.Self()
	if err == nil && v.Role != "active" && v.Why != "not the leader" {
		err = errorf("%s is %s: %s", n.Name, v.Role, v.Why)
	}
	return err
}
