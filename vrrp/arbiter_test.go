package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

func TestArbiterFollowsTheNodesOwnLeg(t *testing.T) {
	t.Run("IPv4", func(t *testing.T) { testArbiter(t, func(h *host) netip.Addr { return h.ip }) })
	t.Run("IPv6", func(t *testing.T) { testArbiter(t, func(h *host) netip.Addr { return h.ip6 }) })
}

func testArbiter(t *testing.T, addr func(*host) netip.Addr) {
	n := newNetwork(t)
	node, router := n.host6(1), n.host6(254)
	p := node.parent()
	ask := func() reply { return p.tell(command{Do: "arbiter", VIPs: []VIP{{Addr: addr(router)}}}) }
	answers := func() bool { return ask().Answers }
	gone := func() bool { return ask().Gone }
	none := func() string { return "" }
	if gone() {
		t.Error("gone before it ever answered")
	}
	// Each change is told before the next one is made: two that nobody looked between are one.
	told := func(n int64) {
		t.Helper()
		eventually(t, fmt.Sprintf("change %d was told", n), func() bool { return ask().Told >= n }, func() string { return fmt.Sprintf("told %d times", ask().Told) })
	}
	eventually(t, "it answers", answers, none)
	told(1)
	n.sw.linkUp("p1eth0", false)
	eventually(t, "cut: no answer", func() bool { return !answers() }, none)
	told(2)
	n.sw.linkUp("p1eth0", true)
	eventually(t, "healed: it answers", answers, none)
	told(3)
	if gone() {
		t.Error("gone although it answers")
	}
	router.linkUp("eth0", false)
	eventually(t, "router off: no answer", func() bool { return !answers() }, none)
	told(4)
	eventually(t, "router off: gone", gone, none)
	told(5)
}

// A cable with a loose contact: what is sent without carrier is lost in silence, and its
// arbiter is as quick as ever.
func TestNoCarrierIsNoHiccup(t *testing.T) {
	n := newNetwork(t)
	node, router := n.host6(1), n.host6(254)
	for _, knows := range []bool{true, false} {
		var down atomic.Bool
		a := &Arbiter{
			log: logger(nil), wanted: func() time.Duration { return time.Second }, changed: make(chan struct{}, 1),
			linkUp: func(string) bool { return !knows || !down.Load() },
		}
		on := &target{addr: router.ip, link: "eth0", source: node.ip}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		c := node.neighbours(router.ip)
		go func() { ended <- a.talk(ctx, c, []*target{on}) }()
		answers := func() bool { return on.answers(arbiterWithin) }
		none := func() string { return "" }
		eventually(t, "it answers", answers, none)
		down.Store(true)
		n.sw.linkUp("p1eth0", false)
		eventually(t, "cut: no answer", func() bool { return !answers() && on.asked.Load() >= goneAfter }, none)
		n.sw.linkUp("p1eth0", true)
		eventually(t, "healed: it answers", answers, none)
		first := on.last.Load()
		eventually(t, "it answers again", func() bool { return on.last.Load() > first }, none)
		on.mu.Lock()
		if learned := on.hiccups.longest > 0; learned == knows {
			t.Errorf("without carrier for %v, known: %v", on.hiccups.longest, knows)
		}
		on.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// What was received is there for who looks, also while another one waits for it.
func TestAnswersThatNobodyHasReadYet(t *testing.T) {
	n := newNetwork(t)
	node, router := n.host6(1), n.host6(254)
	for _, pair := range [][2]netip.Addr{{node.ip, router.ip}, {node.ip6, router.ip6}} {
		c := node.neighbours(pair[1])
		if h, ok := c.waiting(); ok {
			t.Errorf("before a question: %+v", h)
		}
		if err := c.askAs(pair[0], pair[1], nil); err != nil {
			t.Fatal(err)
		}
		eventually(t, pair[1].String()+" has answered", func() bool {
			h, ok := c.waiting()
			return ok && h.reply && h.claims == pair[1]
		}, func() string { return "" })
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = c.read() // until c is closed, or the answer below comes to it
		}()
		if h, ok := c.waiting(); ok && h.claims == pair[1] && h.reply {
			t.Errorf("one answer was read twice: %+v", h)
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
		<-done
		if h, ok := c.waiting(); ok {
			t.Errorf("closed: %+v", h)
		}
	}
}

func TestArbiterMustBeANeighbour(t *testing.T) {
	n := newNetwork(t)
	node := n.host6(1)
	asks := func(want string) {
		t.Helper()
		node.do(func() error {
			a, err := NewArbiter(ArbiterConfig{})
			if err != nil {
				return err
			}
			if got := a.Addrs(); !slices.Equal(got, []netip.Addr{netip.MustParseAddr(want)}) {
				t.Errorf("asks %v, want %s", got, want)
			}
			if a.Answers() {
				t.Error("answers before it was asked")
			}
			return nil
		})
	}
	node.do(func() error {
		for _, addrs := range [][]netip.Addr{
			nil, // no default route
			{netip.MustParseAddr("192.0.2.1")},
			{node.ip},
			{node.ip6},
			{netip.MustParseAddr("fd00::1")},
			{netip.MustParseAddr("fe80::1")}, // on which link?
		} {
			if _, err := NewArbiter(ArbiterConfig{Addrs: addrs}); !errors.Is(err, ErrNoArbiter) {
				t.Errorf("%v: %v", addrs, err)
			}
		}
		return addDefaultRoute("fe80::1")
	})
	asks("fe80::1")
	node.do(func() error { return addDefaultRoute("10.77.0.254") })
	asks("10.77.0.254") // the network of ARP comes first
}

func addDefaultRoute(gateway string) error {
	gw := net.ParseIP(gateway)
	all := "0.0.0.0/0"
	if gw.To4() == nil {
		all = "::/0"
	}
	_, dst, err := net.ParseCIDR(all)
	if err != nil {
		return err
	}
	r := &netlink.Route{Dst: dst, Gw: gw}
	if gw.IsLinkLocalUnicast() {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		r.LinkIndex = l.Attrs().Index
	}
	return netlink.RouteAdd(r)
}

func TestLinkWatch(t *testing.T) {
	n := newNetwork(t)
	node := n.host(1)
	var w *LinkWatch
	node.do(func() (err error) { w, err = NewLinkWatch(nil); return err })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := node.try(func() error { return w.Run(ctx) }); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	none := func() string { return "" }
	if !w.Up() {
		t.Error("no link at all is not up")
	}
	eventually(t, "up", func() bool { return w.Up("eth0") && !w.Up("eth0", "eth7") }, none)
	n.sw.linkUp("p1eth0", false)
	eventually(t, "no carrier: down", func() bool { return !w.Up("eth0") }, none)
	<-w.Changed()
	n.sw.linkUp("p1eth0", true)
	eventually(t, "up again", func() bool { return w.Up("eth0") }, none)
	<-w.Changed()
}

func TestWhichLink(t *testing.T) {
	n := newNetwork(t)
	node := n.host(1)
	vip := netip.MustParseAddr("10.79.0.9")
	subnet := netip.MustParsePrefix("10.79.0.0/24")
	node.do(func() error {
		if name, err := DefaultInterface(); err != nil || name != "eth0" {
			t.Errorf("the only one: %q, %v", name, err)
		}
		links, err := ListLinks()
		if err != nil {
			return err
		}
		if name, err := links.For(vip, subnet, "eth0"); err != nil || name != "eth0" {
			t.Errorf("fallback: %q, %v", name, err)
		}
		if name, err := links.For(vip, subnet, ""); err == nil {
			t.Errorf("without fallback: %q", name)
		}
		return nil
	})
	n.sw.do(func() error { return addBridge("br1") })
	n.plug(node, "eth1", "br1", netip.MustParsePrefix("10.79.0.1/24"))
	node.do(func() error {
		links, err := ListLinks()
		if err != nil {
			return err
		}
		if name, err := links.For(vip, subnet, "eth0"); err != nil || name != "eth1" {
			t.Errorf("interface of the subnet: %q, %v", name, err)
		}
		if name, err := DefaultInterface(); err == nil {
			t.Errorf("two links and no route: %q", name)
		}
		got, err := InterfaceAddrs(DefaultDevice)
		want := []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("10.79.0.1/24")}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("addresses %v, %v", got, err)
		}
		return addDefaultRoute("10.79.0.254")
	})
	node.do(func() error {
		if name, err := DefaultInterface(); err != nil || name != "eth1" {
			t.Errorf("by the route: %q, %v", name, err)
		}
		return nil
	})
}
