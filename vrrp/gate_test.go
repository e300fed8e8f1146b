package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// The gate by both ways of attaching it, without a holder: an address put by
// hand on the machine answers only while the gate lets it.
func TestGate(t *testing.T) {
	for name, h := range map[string]hook{"tcx": tcxHook{}, "clsact": classicHook{}} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t)
			node, client := n.host(1), n.host(2)
			vip := netip.MustParseAddr("10.77.0.10")
			var g *bpfGate
			var a *addresses
			var index int
			node.do(func() (err error) {
				links, err := listLinks()
				if err != nil {
					return err
				}
				index = links["eth0"].index
				if g, err = newGate(h); err != nil {
					return err
				}
				if a, err = newAddresses("lbdt0"); err != nil {
					return err
				}
				if err := g.Guard([]int{index}); err != nil {
					return err
				}
				return a.Add(vip)
			})
			defer g.Close()
			defer a.Close()
			soon := func(d time.Duration) int64 { return Monotonic() + bootOffset() + int64(d) }
			ask := func(what string, want bool) {
				t.Helper()
				client.do(func() error {
					got, err := Prober{}.Conflict(t.Context(), []VIP{{vip, "eth0"}})
					if (len(got) == 1) != want {
						t.Errorf("%s: answers %v", what, got)
					}
					return err
				})
			}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			ask("a stranger's address", true)
			must(g.Allow(vip, index, hwAddr{}))
			ask("no deadline yet", false)
			must(g.Deadline(soon(time.Minute)))
			ask("before the deadline", true)
			must(g.Deadline(soon(-time.Nanosecond)))
			ask("after the deadline", false)
			must(g.Deadline(soon(time.Minute)))
			must(g.Allow(vip, index+1, hwAddr{}))
			ask("another link's address", false)
			must(g.Allow(vip, index, hwAddr{}))
			must(g.Shut(vip))
			ask("shut", false)
			must(g.Forget(vip))
			must(g.Forget(vip))
			must(g.Shut(vip))
			ask("forgotten", true)

			// Egress: with the gate closed, nothing leaves in the VIP's name.
			must(g.Allow(vip, index, hwAddr{}))
			must(g.Deadline(0))
			w := client.watch(0, vip)
			c := node.arp()
			if _, err := c.announce(vip); err == nil {
				t.Error("an announcement was let out")
			}
			must(g.Deadline(soon(time.Minute)))
			opened := Monotonic()
			_, err := c.announce(vip)
			must(err)
			w.await("an announcement", func(c claim) bool { return c.gratu })
			for _, c := range w.stop() {
				if c.at < opened {
					t.Error("announced through a closed gate")
				}
			}
			node.do(func() error { return g.Guard(nil) })
			must(g.Deadline(0))
			ask("no gate", true)
			// And on again, over what may be left there.
			node.do(func() error { return g.Guard([]int{index}) })
			ask("gate again", false)
			node.do(func() error { return g.Guard(nil) })
		})
	}
}
