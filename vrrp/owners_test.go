package vrrp

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Two holders take turns with deadlines that do not overlap, neither releasing
// nor always alive: at no instant do both answer.
func TestTwoHoldersNeverBothAnswer(t *testing.T) { eachFamily(t, testTwoHolders) }

func testTwoHolders(t *testing.T, vip VIP) {
	n := newNetwork(t)
	nodes := []*host{n.host6(1), n.host6(2)}
	parents := []*parent{nodes[0].parent(), nodes[1].parent()}
	w := n.host6(3).watch(time.Millisecond, vip.Addr)
	type turn struct {
		mac      string
		from, to int64
	}
	var turns []turn
	for i := range 12 {
		k := i % 2
		within := 60*time.Millisecond + time.Duration(rand.Int64N(int64(40*time.Millisecond)))
		from := parents[k].tell(command{Do: "order", Raw: Order{Term: uint64(i + 1), VIPs: []VIP{vip}}, Within: within}).At
		to := from + int64(within)
		turns = append(turns, turn{nodes[k].mac, from, to})
		holder := parents[k].report().PID
		frozen := i%4 == 2 || i%4 == 3
		if frozen {
			w.await("it answers", func(c claim) bool { return c.mac == nodes[k].mac && c.at > from })
			if err := unix.Kill(holder, unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		for Monotonic() < to {
			<-time.After(time.Duration(to - Monotonic()))
		}
		if frozen { // it wakes in the other's turn
			defer unix.Kill(holder, unix.SIGCONT)
			time.AfterFunc(30*time.Millisecond, func() { _ = unix.Kill(holder, unix.SIGCONT) })
		}
	}
	w.quiet(50 * time.Millisecond)
	heard := map[string]int{}
	for _, c := range w.stop() {
		if !slices.ContainsFunc(turns, func(u turn) bool {
			return u.mac == c.mac && u.from <= c.at && c.at <= u.to+int64(tolerance)
		}) {
			t.Errorf("%s spoke out of its turn", c.mac)
		}
		heard[c.mac]++
	}
	if len(heard) != 2 {
		t.Errorf("who answered: %v", heard)
	}
	t.Logf("answers: %v", heard)
}

func TestForeignClaimIsReportedAndAnsweredByAnAnnouncement(t *testing.T) {
	eachFamily(t, testForeignClaim)
}

func testForeignClaim(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, thief := n.host6(1), n.host6(2)
	p := node.parent()
	p.hold(1, time.Minute, 0, vip)
	p.untilHolding(vip)
	w := thief.watch(0, vip.Addr)
	c := thief.neighbours(vip.Addr)
	before := Monotonic()
	if _, err := c.announce(vip.Addr); err != nil {
		t.Fatal(err)
	}
	r := p.until("the claim is reported", func(r Report) bool { return len(r.Foreign) > 0 })
	f := r.Foreign[0]
	if f.Kind != map[bool]string{false: "arp", true: "nd"}[vip.Addr.Is6()] || f.Addr != vip.Addr || f.MAC != thief.mac || f.Link != "eth0" || f.Seen.IsZero() {
		t.Errorf("foreign %+v", f)
	}
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, thief.mac) {
		t.Errorf("problems %+v", r.Problems)
	}
	if len(r.Holding) != 1 {
		t.Error("a lease is not given up for a stranger's word")
	}
	w.await("the defence", func(c claim) bool { return c.mac == node.mac && c.gratu && c.at > before })
}

func TestProbesAreNoForeignClaims(t *testing.T) { eachFamily(t, testProbes) }

func testProbes(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, other := n.host6(1), n.host6(2)
	p := node.parent()
	p.hold(1, time.Minute, 0, vip)
	p.untilHolding(vip)
	var got []Answer
	other.do(func() (err error) {
		got, err = Prober{}.Conflict(t.Context(), []VIP{vip, {vip.Addr.Next(), "eth0"}})
		return err
	})
	if want := []Answer{{vip.Addr, node.mac, "eth0"}}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	node.do(func() error {
		if !(Prober{}).Silent(t.Context(), []VIP{vip}) {
			t.Error("the holder's own machine hears a conflict with itself")
		}
		return nil
	})
	if r := p.report(); len(r.Foreign) > 0 {
		t.Errorf("foreign %+v", r.Foreign)
	}
	other.do(func() error {
		if _, err := (Prober{}).Conflict(t.Context(), []VIP{{vip.Addr, "eth7"}}); err == nil {
			t.Error("no error for a link that is not there")
		}
		return nil
	})
}

func TestAddressOfSomebodyElseOnThisMachineIsAProblem(t *testing.T) {
	n := newNetwork(t)
	node := n.host(1)
	vips := []VIP{vipOf("10.77.0.10"), vipOf("10.77.0.11"), {netip.MustParseAddr("10.77.0.12"), "eth9"}, vipOf("fe80::1")}
	onEth0 := func(change func(netlink.Link, *netlink.Addr) error) {
		node.do(func() error {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			a, err := netlink.ParseAddr("10.77.0.10/32")
			if err != nil {
				return err
			}
			return change(l, a)
		})
	}
	onEth0(netlink.AddrAdd)
	p := node.parent()
	p.hold(1, time.Minute, 0, vips...)
	r := p.until("problems", func(r Report) bool { return len(r.Holding) == 1 && len(r.Problems) == 3 })
	if r.Holding[0] != vips[1].Addr {
		t.Errorf("holding %v", r.Holding)
	}
	var text []string
	for _, pr := range r.Problems {
		text = append(text, pr.Addr.String()+": "+pr.Reason)
	}
	for _, want := range []string{"10.77.0.10: the address is on eth0 already", "10.77.0.12: there is no link eth9", "fe80::1: a link-local"} {
		if !strings.Contains(strings.Join(text, "\n"), want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	onEth0(netlink.AddrDel)
	p.until("held after all", func(r Report) bool { return len(r.Holding) == 2 && len(r.Problems) == 2 })
}

// Hands that remove the address or set the device down do not make a liar of the
// report for longer than a resync.
func TestRemovedAddressComesBack(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host(1), n.host(2)
	p, vip := node.parent(), vipOf("10.77.0.10")
	p.hold(1, time.Minute, 0, vip)
	p.untilHolding(vip)
	node.do(func() error {
		l, err := netlink.LinkByName(DefaultDevice)
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr("10.77.0.10/32")
		if err != nil {
			return err
		}
		return netlink.AddrDel(l, a)
	})
	w := client.watch(time.Millisecond, vip.Addr)
	w.await("it answers again", answered)
	node.linkUp(DefaultDevice, false)
	w2 := client.watch(time.Millisecond, vip.Addr)
	w2.await("it answers again", answered)
}

func TestLinkThatComesBackIsAnnouncedOn(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host(1), n.host(2)
	p, vip := node.parent(), vipOf("10.77.0.10")
	p.hold(1, time.Minute, 0, vip)
	p.untilHolding(vip)
	n.sw.linkUp("p1eth0", false) // carrier goes
	p.until("link down", func(r Report) bool { return slices.Equal(r.LinksDown, []string{"eth0"}) })
	w := client.watch(0, vip.Addr)
	up := Monotonic()
	n.sw.linkUp("p1eth0", true)
	c := w.await("an announcement", func(c claim) bool { return c.gratu && !c.reply })
	t.Logf("announced %v after the link came up", time.Duration(c.at-up))
	p.until("link up", func(r Report) bool { return len(r.LinksDown) == 0 })
}

func TestVIPIsAnsweredOnItsLinkOnly(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host(1), n.host(2)
	n.sw.do(func() error { return addBridge("br1") })
	n.plug(node, "eth1", "br1", netip.MustParsePrefix("10.79.0.1/24"))
	p, vip := node.parent(), vipOf("10.77.0.10")
	p.hold(1, time.Minute, 0, vip)
	p.untilHolding(vip)
	n.plug(client, "eth1", "br1", netip.MustParsePrefix("10.79.0.2/24"))
	ask := func(vip VIP) (got []Answer) {
		client.do(func() (err error) {
			got, err = Prober{Wait: 30 * time.Millisecond}.Conflict(t.Context(), []VIP{vip})
			return err
		})
		return got
	}
	if got := ask(vip); len(got) != 1 {
		t.Errorf("on its link: %v", got)
	}
	if got := ask(VIP{vip.Addr, "eth1"}); len(got) != 0 {
		t.Errorf("on another link: %v", got)
	}
	// A link that appears later is gated too.
	n.plug(node, "eth2", "br1", netip.MustParsePrefix("10.79.0.3/24"))
	eventually(t, "nothing on the new link", func() bool { return len(ask(VIP{vip.Addr, "eth1"})) == 0 }, func() string { return "" })
	// To the other link it moves when told.
	p.hold(1, time.Minute, 0, VIP{vip.Addr, "eth1"})
	eventually(t, "the VIP is on the other link", func() bool {
		return len(ask(VIP{vip.Addr, "eth1"})) == 1 && len(ask(vip)) == 0
	}, func() string { return "" })
}
