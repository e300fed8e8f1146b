package vrrp

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// heardAdvert is an advert as a foreign speaker receives it.
type heardAdvert struct {
	Advert
	src  netip.Addr
	hops int
	at   int64
}

// foreignRouter is another VRRP speaker on the link.
type foreignRouter struct {
	t    *testing.T
	conn advertConn
	ifi  *net.Interface
	src  netip.Addr // what it sends from
	own  netip.Addr // where it gets unicast adverts
	got  chan heardAdvert
}

// router starts one on eth0 for the family of addr.
func (h *host) router(addr netip.Addr) *foreignRouter {
	h.t.Helper()
	r := &foreignRouter{t: h.t, src: h.ip, own: h.ip, got: make(chan heardAdvert, 64)}
	h.do(func() (err error) {
		if r.ifi, err = net.InterfaceByName("eth0"); err != nil {
			return err
		}
		if addr.Is6() {
			i := slices.IndexFunc(prefixesOf(*r.ifi), func(p netip.Prefix) bool { return p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() })
			r.src, r.own = prefixesOf(*r.ifi)[i].Addr(), h.ip6
		}
		if r.conn, err = openAdverts(addr.Is6()); err != nil {
			return err
		}
		return r.conn.join(r.ifi)
	})
	h.t.Cleanup(func() { r.conn.close() })
	go r.listen()
	return r
}

func (r *foreignRouter) listen() {
	defer close(r.got)
	buf := make([]byte, 1500)
	for {
		p, err := r.conn.read(buf)
		if err != nil {
			return
		}
		dst := groupOf(r.src.Is6())
		a, err := ParseAdvert(p.body, p.src, dst)
		if err != nil { // by unicast
			a, err = ParseAdvert(p.body, p.src, r.own)
		}
		if err != nil {
			r.t.Errorf("advert of %s: %v", p.src, err)
			continue
		}
		r.got <- heardAdvert{a, p.src, p.hops, Monotonic()}
	}
}

// next advert, or false when none comes within d.
func (r *foreignRouter) next(d time.Duration) (heardAdvert, bool) {
	select {
	case a, ok := <-r.got:
		return a, ok
	case <-time.After(d):
		return heardAdvert{}, false
	}
}

func (r *foreignRouter) say(a Advert) {
	r.t.Helper()
	dst := groupOf(r.src.Is6())
	b, err := a.Marshal(r.src, dst, false)
	if err != nil {
		r.t.Fatal(err)
	}
	// A new link-local address is not usable at once.
	eventually(r.t, "said", func() bool { err = r.conn.send(b, r.ifi, r.src, dst); return err == nil }, func() string { return fmt.Sprint(err) })
}

// both is a VIP of each family.
var both = []VIP{vipOf("10.77.0.10"), vip6}

func TestAdvertsAreSentAfterListeningAndResignedOnRelease(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	node, other := n.host6(1), n.host6(2)
	routers := []*foreignRouter{other.router(both[0].Addr), other.router(both[1].Addr)}
	p := node.parent()
	start := Monotonic()
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: both, VRRP: VRRP{VRID: 51}})
	for i, router := range routers {
		first, ok := router.next(10 * time.Second)
		if !ok {
			t.Fatalf("no advert of %s", both[i].Addr)
		}
		if waited := time.Duration(first.at - start); waited < listenFirst {
			t.Errorf("first advert after %v", waited)
		}
		if first.VRID != 51 || first.Priority != advertPriority || first.Interval != 100 || first.hops != 255 {
			t.Errorf("advert %+v", first)
		}
		if first.src != node.ip && !(both[i].Addr.Is6() && first.src.IsLinkLocalUnicast()) { // RFC 9568 section 5.1.2.1
			t.Errorf("from %s", first.src)
		}
		if len(first.Addrs) != 1 || first.Addrs[0] != both[i].Addr {
			t.Errorf("addresses %v", first.Addrs)
		}
		if second, ok := router.next(5 * time.Second); !ok || second.at-first.at < int64(500*time.Millisecond) {
			t.Errorf("second advert after %v", time.Duration(second.at-first.at))
		}
	}
	p.tell(command{Do: "release"})
	for _, router := range routers {
		for resigned := false; ; {
			a, ok := router.next(1500 * time.Millisecond)
			if !ok && resigned {
				break
			}
			if !ok {
				t.Fatal("no resignation")
			}
			if resigned {
				t.Errorf("after the resignation: %+v", a)
			}
			resigned = resigned || a.Priority == PriorityResign
		}
	}
}

// A foreign router's VRID is left to him, without a resignation in his name, and
// reported; the next one is taken. The other family's is not touched.
func TestVRIDOfAnotherIsLeftToHim(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	node, other := n.host6(1), n.host6(2)
	vrid := func(r Report) (v4, v6 uint8) {
		if len(r.Routers) != 2 {
			return 0, 0
		}
		return r.Routers[0].VRID, r.Routers[1].VRID
	}
	p := node.parent()
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: both, VRRP: VRRP{VRID: 255}})
	p.until("routers", func(r Report) bool { v4, v6 := vrid(r); return v4 == 255 && v6 == 255 })
	router := other.router(both[1].Addr)
	theirs := Advert{VRID: 255, Priority: 100, Interval: 100, Addrs: []netip.Addr{vip6.Addr.Next()}}
	router.say(theirs)
	theirs.VRID = 77 // nobody's
	router.say(theirs)
	r := p.until("the next VRID is taken", func(r Report) bool { v4, v6 := vrid(r); return v4 == 255 && v6 == 1 && len(r.Foreign) == 1 })
	f := r.Foreign[0]
	if f.Kind != "vrrp" || f.VRID != 255 || f.Addr != router.src || f.Link != "eth0" || r.ForeignAdverts != 1 || r.ForeignClaims != 0 {
		t.Errorf("%+v, %d adverts", f, r.ForeignAdverts)
	}
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, "VRID 255 on eth0") || len(r.Holding) != 2 {
		t.Errorf("problems %v, holding %v", r.Problems, r.Holding)
	}
	ours, ok := router.next(10 * time.Second)
	if !ok || ours.VRID != 1 || ours.Priority != advertPriority {
		t.Errorf("advert %+v, %v", ours, ok)
	}
}

// A VRID that the operator shares with a foreign router is spoken for at once, and
// again as soon as he speaks.
func TestFixedVRIDIsDefended(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	node, other := n.host6(1), n.host6(2)
	vip := vipOf("10.77.0.10")
	router := other.router(vip.Addr)
	p := node.parent()
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: []VIP{vip}, VRRP: VRRP{VRID: 51, Fixed: true}})
	if first, ok := router.next(listenFirst / 2); !ok || first.VRID != 51 {
		t.Errorf("first advert %+v, %v", first, ok)
	}
	router.say(Advert{VRID: 51, Priority: 200, Interval: 100, Addrs: []netip.Addr{vip.Addr}})
	if again, ok := router.next(5 * time.Second); !ok || again.VRID != 51 {
		t.Errorf("advert %+v, %v", again, ok)
	}
	p.until("he is reported", func(r Report) bool { return len(r.Foreign) == 1 && r.Routers[0].VRID == 51 && r.Routers[0].Sending })
}

// Unicast adverts go to peers on the link, from an address of their network.
func TestUnicastAdverts(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	node, peer, stranger := n.host6(1), n.host6(2), n.host6(3)
	got := map[netip.Addr]*foreignRouter{}
	for _, v := range both {
		got[v.Addr] = peer.router(v.Addr)
	}
	others := stranger.router(both[0].Addr)
	p := node.parent()
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: both, VRRP: VRRP{
		VRID: 51, Fixed: true, Peers: []netip.Addr{peer.ip, peer.ip6, netip.MustParseAddr("192.0.2.1")},
	}})
	for v, r := range got {
		a, ok := r.next(5 * time.Second)
		if !ok || a.hops != 255 || a.src != node.ip && a.src != node.ip6 || len(a.Addrs) != 1 || a.Addrs[0] != v {
			t.Errorf("%s: %+v, %v", v, a, ok)
		}
	}
	if a, ok := others.next(1500 * time.Millisecond); ok {
		t.Errorf("a stranger hears %+v", a)
	}
}
