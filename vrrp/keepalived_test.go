package vrrp

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// keepalived runs Debian's keepalived on a host until the test ends, with an
// instance for each VIP.
func (h *host) keepalived(state string, priority int, peer netip.Addr, vips ...VIP) {
	h.t.Helper()
	path, err := exec.LookPath("keepalived")
	if err != nil {
		h.t.Skip("SKIPPED: keepalived is not installed")
	}
	var unicast string
	if peer.IsValid() {
		unicast = fmt.Sprintf("unicast_peer {\n%s\n}", peer)
	}
	dir := h.t.TempDir()
	conf := "global_defs {\n  vrrp_version 3\n}\n"
	for i, v := range vips {
		conf += fmt.Sprintf(`
vrrp_instance lab%d {
  state %s
  interface %s
  virtual_router_id 51
  priority %d
  advert_int 1
  %s
  virtual_ipaddress {
    %s
  }
}
`, i, state, v.Link, priority, unicast, v.Addr)
	}
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		h.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command(path, "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file="+file,
		"--pid="+filepath.Join(dir, "pid"), "--vrrp_pid="+filepath.Join(dir, "vrrp.pid"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	h.do(cmd.Start)
	h.t.Cleanup(func() {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait() // it was killed
		log.Close()
		if h.t.Failed() {
			b, _ := os.ReadFile(log.Name())
			h.t.Logf("keepalived: %s", b)
		}
	})
	eventually(h.t, "keepalived listens", func() bool {
		b, _ := os.ReadFile(log.Name())
		return strings.Contains(string(b), "Entering "+state+" STATE")
	}, func() string { b, _ := os.ReadFile(log.Name()); return string(b) })
}

func (h *host) has(addr netip.Addr) (yes bool) {
	h.t.Helper()
	h.do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		list, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		for _, a := range list {
			yes = yes || a.IP.Equal(addr.AsSlice())
		}
		return err
	})
	return yes
}

// keepalived with less priority hears our adverts, stays backup, and takes over when
// we are killed.
func TestKeepalivedFollowsOurAdverts(t *testing.T) {
	t.Parallel()
	for name, unicast := range map[string]bool{"multicast": false, "unicast": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			node, other := n.host6(1), n.host6(2)
			how, vips := VRRP{VRID: 51, Fixed: true}, both
			var peer netip.Addr
			if unicast {
				how.Peers, peer, vips = []netip.Addr{other.ip}, node.ip, both[:1]
			}
			count := func() (n int) {
				for _, v := range vips {
					if other.has(v.Addr) {
						n++
					}
				}
				return n
			}
			p := node.parent()
			p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: vips, VRRP: how})
			p.until("adverts", func(r Report) bool {
				return len(r.Routers) == len(vips) && !slices.ContainsFunc(r.Routers, func(v VirtualRouter) bool { return !v.Sending })
			})
			other.keepalived("BACKUP", 100, peer, vips...)
			// Without our adverts it would take over now.
			ctx, cancel := context.WithTimeout(t.Context(), ActiveDown(100, 100)+500*time.Millisecond)
			defer cancel()
			for ctx.Err() == nil {
				if count() > 0 {
					t.Fatal("keepalived takes a VIP although we advertise it")
				}
				<-time.After(100 * time.Millisecond)
			}
			if r := p.report(); len(r.Foreign) > 0 {
				t.Errorf("a backup says nothing, but we heard %+v", r.Foreign)
			}
			killed := Monotonic()
			p.signalHolder(unix.SIGKILL)
			p.kill()
			eventually(t, "keepalived takes over", func() bool { return count() == len(vips) }, func() string { return "" })
			t.Logf("keepalived has the VIPs %v after we were killed; %v by the RFC", time.Duration(Monotonic()-killed), ActiveDown(100, 100))
		})
	}
}

// keepalived as another service's active router, with the VRID that we would take.
func TestKeepalivedKeepsItsVRID(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	node, other := n.host6(1), n.host6(2)
	theirs := []VIP{vipOf("10.77.0.99"), vipOf("fd77::99")}
	has := func() bool { return other.has(theirs[0].Addr) && other.has(theirs[1].Addr) }
	other.keepalived("MASTER", 255, netip.Addr{}, theirs...)
	eventually(t, "keepalived is active", has, func() string { return "" })
	p := node.parent()
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: both, VRRP: VRRP{VRID: 51}})
	r := p.until("we advertise under the next", func(r Report) bool {
		return len(r.Routers) == 2 && !slices.ContainsFunc(r.Routers, func(v VirtualRouter) bool { return v.VRID != 52 || !v.Sending })
	})
	if len(r.Foreign) != 2 || r.Foreign[0].Kind != "vrrp" || r.Foreign[0].VRID != 51 || r.Foreign[1].VRID != 51 {
		t.Errorf("foreign %+v", r.Foreign)
	}
	if !has() {
		t.Error("keepalived lost its VIPs to us")
	}
}
