package vrrp

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var vip6 = vipOf("fd77::a:0:10")

// onEth0 runs change with eth0 and an address for it.
func (h *host) onEth0(addr string, flags int, change func(netlink.Link, *netlink.Addr) error) {
	h.t.Helper()
	h.do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr(addr)
		if err != nil {
			return err
		}
		a.Flags = flags
		return change(l, a)
	})
}

// The gate lets questions, answers and packets of an IPv6 address pass only in its
// time, also where the kernel would answer: the address is on the link here.
func TestGateIPv6(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	node.onEth0("fd77::a:0:10/64", unix.IFA_F_NODAD, netlink.AddrAdd)
	var g *bpfGate
	var index int
	var server net.Listener
	node.do(func() (err error) {
		links, err := listLinks()
		if err != nil {
			return err
		}
		index = links["eth0"].index
		if g, err = newGate(&bestHook{}); err != nil {
			return err
		}
		if server, err = net.Listen("tcp", ":80"); err != nil {
			return err
		}
		return g.Guard([]int{index})
	})
	defer g.Close()
	defer server.Close()
	go func() {
		for c, err := server.Accept(); err == nil; c, err = server.Accept() {
			_, _ = c.Write([]byte("hello"))
			c.Close()
		}
	}()
	soon := func(d time.Duration) int64 { return Monotonic() + bootOffset() + int64(d) }
	ask := func(what string, want bool) {
		t.Helper()
		client.do(func() error {
			got, err := Prober{}.Conflict(t.Context(), []VIP{vip6})
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
	must(g.Allow(vip6.Addr, index, hwAddr{}))
	ask("no deadline yet", false)
	must(g.Deadline(soon(time.Minute)))
	ask("before the deadline", true)
	if got, err := client.get(vip6.Addr); got != "hello" {
		t.Errorf("before the deadline: %q, %v", got, err)
	}
	must(g.Allow(vip6.Addr, index+1, hwAddr{}))
	ask("another link's address", false)
	must(g.Allow(vip6.Addr, index, hwAddr{}))
	must(g.Deadline(soon(-time.Nanosecond)))
	ask("after the deadline", false)
	if got, err := client.get(vip6.Addr); err == nil { // the client knows the hardware address
		t.Errorf("after the deadline: %q", got)
	}
	if got, err := client.get(node.ip6); got != "hello" {
		t.Errorf("the node's own address: %q, %v", got, err)
	}
	must(g.Deadline(soon(time.Minute)))
	must(g.Shut(vip6.Addr))
	ask("shut", false)
	must(g.Forget(vip6.Addr))
	ask("forgotten", true)

	must(g.Allow(vip6.Addr, index, hwAddr{}))
	must(g.Deadline(0))
	c := node.neighbours(vip6.Addr)
	if _, err := c.announce(vip6.Addr); err == nil {
		t.Error("an announcement was let out")
	}
	byAnother := ndMessage{Advert: true, Src: node.ip6, Dst: allNodes, Target: vip6.Addr, Override: true}
	if err := c.(*ndConn).send(c.(*ndConn).mac, groupMAC(allNodes), byAnother); err == nil {
		t.Error("an announcement from another address was let out")
	}
	must(g.Deadline(soon(time.Minute)))
	if _, err := c.announce(vip6.Addr); err != nil {
		t.Errorf("in time: %v", err)
	}
}

// A frozen holder does not answer, and from its deadline on the kernel takes no
// packets from those who know where the VIP was.
func TestFrozenHolderTakesNoIPv6Packets(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	deadline := p.hold(1, lease, 0, vip6).At + int64(lease)
	eventually(t, "served", func() bool { got, _ := client.get(vip6.Addr); return got == "hello" || Monotonic() > deadline }, func() string { return "" })
	p.hold(1, lease, renew, vip6)
	eventually(t, "served", func() bool { got, _ := client.get(vip6.Addr); return got == "hello" }, func() string { return "" })
	p.signalHolder(unix.SIGSTOP)
	frozen := Monotonic()
	for Monotonic() < frozen+int64(lease+tolerance) {
		<-time.After(time.Duration(frozen + int64(lease+tolerance) - Monotonic()))
	}
	if got, err := client.get(vip6.Addr); err == nil {
		t.Errorf("after its deadline: %q", got)
	}
	p.tell(command{Do: "order"})
	p.signalHolder(unix.SIGKILL)
}

// A host that wants the VIP for itself is told that it is taken (RFC 4862 section
// 5.4), by the kernel's own duplicate address detection.
func TestOthersFindTheVIPTaken(t *testing.T) {
	n := newNetwork(t)
	node, other := n.host6(1), n.host6(2)
	p := node.parent()
	p.hold(1, time.Minute, 0, vip6)
	p.untilHolding(vip6)
	other.do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/eth0/accept_dad", []byte("1"), 0) })
	other.onEth0("fd77::a:0:10/64", 0, netlink.AddrAdd)
	eventually(t, "its address is a duplicate", func() bool {
		failed := false
		other.do(func() error {
			list, err := netlink.AddrList(nil, netlink.FAMILY_V6)
			for _, a := range list {
				failed = failed || a.IP.Equal(vip6.Addr.AsSlice()) && a.Flags&unix.IFA_F_DADFAILED != 0
			}
			return err
		})
		return failed
	}, func() string { return "" })
	if r := p.report(); len(r.Foreign) > 0 {
		t.Errorf("who asks first is no foreign claim: %+v", r.Foreign)
	}
}

// Questions go to a multicast group, which the link delivers to members only.
func TestGroupIsJoinedWhileHeld(t *testing.T) {
	n := newNetwork(t)
	node := n.host6(1)
	p := node.parent()
	alike := VIP{netip.MustParseAddr("fd77:0:1::10"), "eth0"} // of the same group
	group := solicitedNode(vip6.Addr).As16()
	joined := func() (yes bool) {
		node.do(func() error {
			b, err := os.ReadFile("/proc/thread-self/net/igmp6")
			yes = strings.Contains(string(b), hex.EncodeToString(group[:]))
			return err
		})
		return yes
	}
	if joined() {
		t.Fatal("joined before")
	}
	p.hold(1, time.Minute, 0, vip6, alike)
	p.untilHolding(vip6, alike)
	if !joined() {
		t.Error("not joined")
	}
	p.hold(1, time.Minute, 0, alike)
	p.until("one is left", func(r Report) bool { return len(r.Holding) == 1 })
	if !joined() {
		t.Error("left while another address needs the group")
	}
	p.tell(command{Do: "release"})
	if joined() {
		t.Error("still joined")
	}
}

func TestLinkWithoutIPv6IsAProblem(t *testing.T) {
	n := newNetwork(t)
	node := n.host(1)
	off := func(v string) {
		node.do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", []byte(v), 0) })
	}
	off("1")
	p := node.parent()
	v4 := vipOf("10.77.0.10")
	p.hold(1, time.Minute, 0, v4, vip6)
	r := p.until("a problem", func(r Report) bool { return len(r.Problems) == 1 && len(r.Holding) == 1 })
	if r.Holding[0] != v4.Addr || !strings.Contains(r.Problems[0].Reason, "IPv6 is off on link eth0") {
		t.Errorf("%+v", r)
	}
	off("0")
	p.untilHolding(v4, vip6)
}

// The kernel neither takes a VIP for what the machine sends by itself nor sends
// anything into the device.
func TestVIPIsNoSourceAddress(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	p.hold(1, time.Minute, 0, vip6)
	p.untilHolding(vip6)
	node.do(func() error {
		c, err := net.Dial("udp6", netip.AddrPortFrom(client.ip6, 9).String())
		if err != nil {
			return err
		}
		defer c.Close()
		if got := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr(); got != node.ip6 {
			t.Errorf("sends from %s, want %s", got, node.ip6)
		}
		l, err := netlink.LinkByName(DefaultDevice)
		if err != nil {
			return err
		}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_V6)
		if err == nil && len(addrs) != 1 {
			t.Errorf("the device has %v", addrs)
		}
		return err
	})
	var last *netlink.Route
	eventually(t, "no route by the device", func() bool {
		last = nil
		node.do(func() error {
			l, err := netlink.LinkByName(DefaultDevice)
			if err != nil {
				return err
			}
			routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{LinkIndex: l.Attrs().Index}, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
			for _, r := range routes {
				if r.Type != unix.RTN_LOCAL {
					last = &r
				}
			}
			return err
		})
		return last == nil
	}, func() string { return fmt.Sprint(last) })
}
