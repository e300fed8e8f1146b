package vrrp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var virtual7 = VRRP{VRID: 7, VirtualMAC: true, Silent: true}

// holdVirtually with the virtual hardware address of VRID 7.
func (p *parent) holdVirtually(term uint64, hold, renew time.Duration, vips ...VIP) reply {
	p.t.Helper()
	return p.tell(command{Do: "hold", Term: term, Hold: hold, Renew: renew, VIPs: vips, VRRP: virtual7})
}

// TestVirtualMACStaysThroughATakeover: clients keep what they know of a VIP, whatever
// becomes of its owner, and the dead or frozen one sends nothing from there any more.
func TestVirtualMACStaysThroughATakeover(t *testing.T) {
	for name, end := range map[string]func(*parent){
		"killed": func(p *parent) { p.signalHolder(unix.SIGKILL); p.kill() },
		"frozen": func(p *parent) { p.signalHolder(unix.SIGSTOP) },
		"handed": func(p *parent) { p.tell(command{Do: "release"}) },
	} {
		t.Run(name, func(t *testing.T) {
			eachFamily(t, func(t *testing.T, vip VIP) { testVirtualTakeover(t, vip, end) })
		})
	}
}

func testVirtualTakeover(t *testing.T, vip VIP, end func(*parent)) {
	n := newNetwork(t)
	first, second, client := n.host6(1), n.host6(2), n.host6(3)
	mac := virtualMAC(7, vip.Addr.Is6()).String()
	p1, p2 := first.parent(), second.parent()
	// What comes in at the switch, and what the client gets.
	from1, from2, got := n.sw.sniff("p1eth0"), n.sw.sniff("p2eth0"), client.sniff("eth0")

	p1.holdVirtually(1, lease, renew, vip)
	p1.untilHolding(vip)
	served := func(what string) {
		t.Helper()
		var err error
		eventually(t, what, func() bool { _, err = client.get(vip.Addr); return err == nil }, func() string { return fmt.Sprint(err) })
	}
	served("served by the first node")
	if m := client.knows(vip.Addr); m != mac {
		t.Errorf("the client takes %s for %s, want %s", m, vip.Addr, mac)
	}
	if r := p1.untilHolding(vip); !slices.Equal(r.Virtual, []VirtualMAC{{"eth0", vip.Addr.Is6(), mac}}) || len(r.Foreign)+len(r.Routers) > 0 {
		t.Errorf("report %+v", r)
	}
	if !slices.Contains(first.passes(), mac) {
		t.Error("the link is not told to pass the virtual hardware address")
	}

	change := client.watchEntry(vip.Addr)
	end(p1)
	silent := Monotonic() + int64(lease)
	for Monotonic() < silent { // the lease: nobody else may claim before
		<-time.After(time.Duration(silent - Monotonic()))
	}
	p2.holdVirtually(2, time.Minute, 0, vip)
	p2.untilHolding(vip)
	served("served by the second node")
	if m := client.knows(vip.Addr); m != mac {
		t.Errorf("after the takeover the client takes %s for %s", m, vip.Addr)
	}
	if m := change(); len(m) > 0 {
		t.Errorf("the client's entry was at %v meanwhile", m)
	}
	if port := n.sw.portOf(mac); port != "p2eth0" {
		t.Errorf("the switch has the virtual hardware address at %q", port)
	}
	for _, f := range from1() {
		if late := f.at - silent; f.src == mac && late > int64(tolerance) {
			t.Errorf("the first node sent from the virtual hardware address %v after its lease", time.Duration(late))
		}
	}
	if !slices.ContainsFunc(from2(), func(f sniffed) bool { return f.src == mac }) {
		t.Error("the second node sent nothing from the virtual hardware address")
	}
	for _, f := range got() {
		if f.speaks == vip.Addr && f.src != mac {
			t.Errorf("%s spoke from %s", vip.Addr, f.src)
		}
	}
}

// TestVirtualMACLeavesNothingBehind: no device, and no address that the link passes,
// after the holder was killed, and after orders without one.
func TestVirtualMACLeavesNothingBehind(t *testing.T) {
	n := newNetwork(t)
	node := n.host6(1)
	vips := []VIP{vipOf("10.77.0.10"), vipOf("fd77::a:0:10")}
	both := []string{virtualMAC(7, false).String(), virtualMAC(7, true).String()}
	devices := func() (names []string) {
		node.do(func() error {
			l, err := listLinks()
			for name := range l {
				names = append(names, name)
			}
			return err
		})
		slices.Sort(names)
		return names
	}
	before := devices()
	p := node.parent()
	p.holdVirtually(1, time.Minute, 0, vips...)
	p.untilHolding(vips...)
	for _, m := range both {
		if !slices.Contains(node.passes(), m) {
			t.Errorf("%s is not passed", m)
		}
	}
	p.hold(1, time.Minute, 0, vips...)
	p.until("the links' own addresses", func(r Report) bool { return len(r.Virtual) == 0 && len(r.Holding) == 2 })
	clean := func(when string) {
		t.Helper()
		eventually(t, when, func() bool {
			return !slices.ContainsFunc(node.passes(), func(m string) bool { return slices.Contains(both, m) })
		}, func() string { return fmt.Sprint(node.passes()) })
	}
	clean("nothing is passed without virtual addresses")
	p.holdVirtually(1, time.Minute, 0, vips...)
	p.until("virtual again", func(r Report) bool { return len(r.Virtual) == 2 })
	p.signalHolder(unix.SIGKILL)
	p.kill()
	clean("nothing is passed after a crash")
	eventually(t, "the devices of before", func() bool { return slices.Equal(devices(), before) }, func() string { return fmt.Sprint(devices()) })
}

// TestAClaimFromTheVirtualMACIsForeign: that two own a VIP is seen although both speak
// from the same hardware address.
func TestAClaimFromTheVirtualMACIsForeign(t *testing.T) {
	eachFamily(t, func(t *testing.T, vip VIP) {
		n := newNetwork(t)
		p := n.host6(1).parent()
		p.holdVirtually(1, time.Minute, 0, vip)
		p.untilHolding(vip)
		mac := virtualMAC(7, vip.Addr.Is6())
		c := n.host6(2).neighbours(vip.Addr)
		if err := c.speakAs(mac); err != nil {
			t.Fatal(err)
		}
		r := p.until("the claim is reported", func(r Report) bool {
			if _, err := c.announce(vip.Addr); err != nil { // a new port of a bridge loses frames for a while
				t.Fatal(err)
			}
			return len(r.Foreign) > 0
		})
		if f := r.Foreign[0]; f.Addr != vip.Addr || f.MAC != mac.String() {
			t.Errorf("foreign %+v", f)
		}
	})
}

// TestVirtualMACIsLeftToAForeignRouter: one who advertises the VRID has that hardware
// address too, perhaps; the switch must not see it in two places.
func TestVirtualMACIsLeftToAForeignRouter(t *testing.T) { eachFamily(t, testVirtualForeign) }

func testVirtualForeign(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, other, client := n.host6(1), n.host6(2), n.host6(3)
	p := node.parent()
	p.holdVirtually(1, time.Minute, 0, vip)
	p.untilHolding(vip)
	r := other.router(vip.Addr)
	ad := Advert{VRID: 7, Priority: 100, Interval: 100, Addrs: []netip.Addr{vip.Addr.Next()}}
	b, err := ad.Marshal(r.src, groupOf(vip.Addr.Is6()), true)
	if err != nil {
		t.Fatal(err)
	}
	w := client.watch(time.Millisecond, vip.Addr)
	eventually(t, "the virtual hardware address is given up", func() bool {
		if err := r.conn.send(b, r.ifi, r.src, groupOf(vip.Addr.Is6())); err != nil {
			t.Fatal(err)
		}
		return len(p.report().Virtual) == 0
	}, func() string { return fmt.Sprintf("%+v", p.report()) })
	since := Monotonic()
	w.await("an announcement from the link's own", func(c claim) bool { return c.gratu && c.mac == node.mac })
	w.await("an answer from the link's own", func(c claim) bool { return answered(c) && c.mac == node.mac && c.at > since })
	if rep := p.report(); len(rep.Holding) != 1 || len(rep.Problems) != 1 || rep.Foreign[0].Kind != "vrrp" {
		t.Errorf("report %+v", rep)
	}
}

// sniffed is one frame that a link received.
type sniffed struct {
	at     int64      // Monotonic
	src    string     // Ethernet
	speaks netip.Addr // whom it comes from: IP source, ARP sender, target of an advertisement
}

// sniff notes what the link receives until the returned function is called.
func (h *host) sniff(link string) func() []sniffed {
	h.t.Helper()
	var fd int
	h.do(func() error {
		ifi, err := net.InterfaceByName(link)
		if err != nil {
			return err
		}
		all := uint16(networkOrder(unix.ETH_P_ALL))
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index}); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return err
		}
		return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
	})
	offset := clock(unix.CLOCK_REALTIME) - Monotonic()
	var out []sniffed
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer unix.Close(fd)
		buf, oob := make([]byte, 2048), make([]byte, 128)
		for {
			n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, 0)
			if err != nil {
				select {
				case <-done:
					return
				default:
					continue
				}
			}
			if ll, ok := from.(*unix.SockaddrLinklayer); !ok || ll.Pkttype == unix.PACKET_OUTGOING || n < etherHeader {
				continue
			}
			msgs, _ := unix.ParseSocketControlMessage(oob[:oobn])
			for _, m := range msgs {
				if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
					at := int64(binary.NativeEndian.Uint64(m.Data))*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:])) - offset
					out = append(out, sniffed{at, net.HardwareAddr(bytes.Clone(buf[6:12])).String(), speaker46(buf[:n])})
				}
			}
		}
	}()
	stop := sync.OnceValue(func() []sniffed { close(done); <-ended; return out })
	h.t.Cleanup(func() { stop() })
	return stop
}

// speaker46 is whom a frame without VLAN tag comes from.
func speaker46(f []byte) netip.Addr {
	b := f[etherHeader:]
	switch kind := binary.BigEndian.Uint16(f[12:]); {
	case kind == etherARP && len(b) >= 28:
		return netip.AddrFrom4([4]byte(b[14:]))
	case kind == etherIPv4 && len(b) >= ip4Header:
		return netip.AddrFrom4([4]byte(b[12:]))
	case kind == etherIPv6 && len(b) >= ip6Header:
		if h, ok := heardND(f); ok && h.reply {
			return h.claims
		}
		return netip.AddrFrom16([16]byte(b[8:]))
	}
	return netip.Addr{}
}

// entries of the kernel's table for a link: neighbours, or hardware addresses.
func (h *host) entries(link string, family int) (out []netlink.Neigh) {
	h.t.Helper()
	h.do(func() error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return err
		}
		out, err = netlink.NeighList(l.Attrs().Index, family)
		return err
	})
	return out
}

// knows is where h's kernel takes addr to be, "" when it does not know.
func (h *host) knows(addr netip.Addr) string {
	family := netlink.FAMILY_V4
	if addr.Is6() {
		family = netlink.FAMILY_V6
	}
	for _, e := range h.entries("eth0", family) {
		if e.IP.Equal(addr.AsSlice()) {
			return e.HardwareAddr.String()
		}
	}
	return ""
}

// watchEntry notes, until the returned function is called, which other hardware
// addresses h's entry for addr had than at first.
func (h *host) watchEntry(addr netip.Addr) func() []string {
	h.t.Helper()
	updates, done := make(chan netlink.NeighUpdate, 1024), make(chan struct{})
	was := h.knows(addr)
	h.do(func() error { return netlink.NeighSubscribe(updates, done) })
	stop := sync.OnceFunc(func() { close(done) })
	h.t.Cleanup(stop)
	return func() (others []string) {
		stop()
		for {
			select {
			case u, ok := <-updates:
				if !ok {
					return others
				}
				if m := u.HardwareAddr.String(); u.IP.Equal(addr.AsSlice()) && m != was {
					others = append(others, m)
				}
			default:
				return others
			}
		}
	}
}

// passes are the hardware addresses that eth0 passes beside its own.
func (h *host) passes() (macs []string) {
	for _, e := range h.entries("eth0", unix.AF_BRIDGE) {
		macs = append(macs, e.HardwareAddr.String())
	}
	return macs
}

// portOf is the port of the bridge at which mac is, "" for none.
func (h *host) portOf(mac string) string {
	for _, port := range []string{"p1eth0", "p2eth0", "p3eth0"} {
		for _, e := range h.entries(port, unix.AF_BRIDGE) {
			if e.HardwareAddr.String() == mac {
				return port
			}
		}
	}
	return ""
}
