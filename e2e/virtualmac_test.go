package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
	"lbd/internal/netlab"
)

// TestVirtualMAC: with --virtual-mac a VIP is at the same hardware address before and
// after a takeover, and what clients know of it stays as it is; nothing else changes.
func TestVirtualMAC(t *testing.T) {
	const mac = "00:00:5e:00:01:07"
	for _, fault := range []struct {
		name string
		act  func(*failover)
		back bool // the old owner has to be woken
	}{
		{"kill", func(f *failover) { f.active.Kill() }, false},
		{"freeze", func(f *failover) { f.active.Signal(syscall.SIGSTOP) }, true},
		{"switchover", func(f *failover) { f.active.CLI("switchover") }, false},
	} {
		t.Run(fault.name, func(t *testing.T) {
			f := newFailover(t, harness.Options{Nodes: 2, Witness: true, Flags: []string{"--virtual-mac", "--vrid", "7"}})
			if out := f.standby.CLI("status"); !strings.Contains(out, "virtual MAC of "+f.active.Name+": private IPv4, "+mac) {
				t.Errorf("lbd status: %s", out)
			}
			if m := neighbour(f.w, f.w.Client, f.s.FIP); m != mac {
				t.Errorf("the client takes %s to be at %q", f.s.FIP, m)
			}
			fault.act(f)
			f.w.Until(5*time.Second, "the standby has the VIP", func() error {
				if !f.standby.HasAddress(f.s.VIP) {
					return errorf("%s does not have %s", f.standby.Name, f.s.VIP)
				}
				return nil
			})
			f.settled("after the takeover")
			if m := neighbour(f.w, f.w.Client, f.s.FIP); m != mac {
				t.Errorf("after the takeover the client takes %s to be at %q", f.s.FIP, m)
			}
			if fault.back {
				f.active.Signal(syscall.SIGCONT)
				f.w.Until(10*time.Second, "the old owner has dropped the VIP", func() error {
					if f.active.HasAddress(f.s.VIP) {
						return errorf("%s still has %s", f.active.Name, f.s.VIP)
					}
					return nil
				})
				f.settled("after the old owner woke")
			}
			shots, evs := f.probe.Stop(), f.arp.Stop()
			blackout := harness.Blackout(shots)
			t.Logf("blackout %s, %d of %d requests failed", blackout.Round(time.Millisecond), len(harness.Failed(shots)), len(shots))
			if blackout > maxBlackout {
				t.Errorf("blackout %s, more than %s", blackout, maxBlackout)
			}
			if i := slices.IndexFunc(evs, func(e harness.ARPEvent) bool { return e.Kind != "ask" && e.MAC != mac }); i >= 0 {
				t.Errorf("%s was at %s as well", f.s.VIP, evs[i].MAC)
			}
		})
	}
}

// TestNoVirtualMACWithTheArbiterSeat: the arbiter's entry for a VIP is a lock, and has
// to name the node (decision 0020).
func TestNoVirtualMACWithTheArbiterSeat(t *testing.T) {
	f := newFailover(t, harness.Options{Nodes: 2, Flags: []string{"--virtual-mac"}})
	f.active.Kill()
	f.w.Until(5*time.Second, "the standby has the VIP", func() error {
		if !f.standby.HasAddress(f.s.VIP) {
			return errorf("%s does not have %s", f.standby.Name, f.s.VIP)
		}
		return nil
	})
	f.check(f.standby) // by the nodes' own hardware addresses
}

// neighbour is where h's kernel takes an address to be.
func neighbour(w *harness.World, h *netlab.Host, addr string) string {
	w.T.Helper()
	out, err := h.Run(w.T.Context(), "ip", "neigh", "show", addr)
	if err != nil {
		w.T.Fatalf("ip neigh: %v\n%s", err, out)
	}
	f := strings.Fields(out)
	if i := slices.Index(f, "lladdr"); i >= 0 && i+1 < len(f) {
		return f[i+1]
	}
	return ""
}
