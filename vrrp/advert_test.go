package vrrp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// heardAdvert is an advert as a foreign speaker receives it.
type heardAdvert struct {
	Advert
	src netip.Addr
	ttl int
	at  int64
}

// speaker is a foreign VRRP router on the link.
type foreignRouter struct {
	t    *testing.T
	conn *ipv4.PacketConn
	host *host
}

func (h *host) router() *foreignRouter {
	h.t.Helper()
	r := &foreignRouter{t: h.t, host: h}
	h.do(func() error {
		c, err := net.ListenPacket("ip4:112", "0.0.0.0")
		if err != nil {
			return err
		}
		r.conn = ipv4.NewPacketConn(c)
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		for _, err := range []error{
			r.conn.SetMulticastTTL(255), r.conn.SetMulticastInterface(ifi), r.conn.SetMulticastLoopback(false),
			r.conn.SetControlMessage(ipv4.FlagTTL|ipv4.FlagDst, true),
			r.conn.JoinGroup(ifi, &net.IPAddr{IP: Group.AsSlice()}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	h.t.Cleanup(func() { r.conn.Close() })
	return r
}

// next advert, or false when none comes within d.
func (r *foreignRouter) next(d time.Duration) (heardAdvert, bool) {
	r.t.Helper()
	if err := r.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		r.t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, cm, from, err := r.conn.ReadFrom(buf)
	if err != nil {
		return heardAdvert{}, false
	}
	src, _ := netip.AddrFromSlice(from.(*net.IPAddr).IP.To4())
	a, err := ParseAdvert(buf[:n], src, Group)
	if err != nil {
		r.t.Fatalf("advert of %s: %v", src, err)
	}
	return heardAdvert{a, src, cm.TTL, Monotonic()}, true
}

func (r *foreignRouter) say(a Advert) {
	r.t.Helper()
	b, err := a.Marshal(r.host.ip, Group, false)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.conn.WriteTo(b, nil, &net.IPAddr{IP: Group.AsSlice()}); err != nil {
		r.t.Fatal(err)
	}
}

func TestAdvertsAreSentAfterListeningAndResignedOnRelease(t *testing.T) {
	n := newNetwork(t)
	node, other := n.host(1), n.host(2)
	router := other.router()
	p, vip := node.parent(), vipOf("10.77.0.10")
	start := Monotonic()
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: []VIP{vip}, VRID: 51})
	first, ok := router.next(6 * time.Second)
	if !ok {
		t.Fatal("no advert")
	}
	if waited := time.Duration(first.at - start); waited < listenFirst {
		t.Errorf("first advert after %v", waited)
	}
	if first.VRID != 51 || first.Priority != advertPriority || first.Interval != 100 || first.ttl != 255 || first.src != node.ip {
		t.Errorf("advert %+v", first)
	}
	if len(first.Addrs) != 1 || first.Addrs[0] != vip.Addr {
		t.Errorf("addresses %v", first.Addrs)
	}
	second, ok := router.next(2 * time.Second)
	if gap := time.Duration(second.at - first.at); !ok || gap < 700*time.Millisecond || gap > 1500*time.Millisecond {
		t.Errorf("second advert after %v", gap)
	}
	p.tell(command{Do: "release"})
	if last, ok := router.next(500 * time.Millisecond); !ok || last.Priority != PriorityResign {
		t.Errorf("resignation: %+v, %v", last, ok)
	}
	if more, ok := router.next(1500 * time.Millisecond); ok {
		t.Errorf("after the resignation: %+v", more)
	}
}

func TestVRIDInUseIsLeftAlone(t *testing.T) {
	n := newNetwork(t)
	node, other := n.host(1), n.host(2)
	router := other.router()
	p, vip := node.parent(), vipOf("10.77.0.10")
	p.tell(command{Do: "hold", Term: 1, Hold: time.Minute, VIPs: []VIP{vip}, VRID: 51})
	p.untilHolding(vip)
	theirs := Advert{Priority: 100, Interval: 100, Addrs: []netip.Addr{other.ip}}
	for i := range 5 { // longer than the time of listening
		theirs.VRID = 51
		router.say(theirs)
		theirs.VRID = 52 // nobody's
		router.say(theirs)
		if a, ok := router.next(time.Second); ok {
			t.Fatalf("advert in second %d: %+v", i, a)
		}
	}
	r := p.report()
	if len(r.Foreign) != 1 || r.Foreign[0].Kind != "vrrp" || r.Foreign[0].VRID != 51 || r.Foreign[0].Addr != other.ip || r.Foreign[0].Link != "eth0" {
		t.Errorf("foreign %+v", r.Foreign)
	}
	if len(r.Holding) != 1 {
		t.Error("the VIP is held by the lease, whoever advertises")
	}
}
