package vrrp

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestLatecomersReachTheNewOwner: who asks for a connection while a VIP moves is
// served by its new owner, long before his kernel would ask again.
func TestLatecomersReachTheNewOwner(t *testing.T) {
	for _, vip := range []string{"10.77.0.100", "fd77::100"} {
		t.Run(vip, func(t *testing.T) { testLatecomers(t, netip.MustParseAddr(vip)) })
	}
}

func testLatecomers(t *testing.T, vip netip.Addr) {
	n := newNetwork(t)
	client, before, after := n.host6(1), n.host6(2), n.host6(3)
	before.puts(vip, true)
	greet := before.greeter(vip)
	// A new port of a bridge loses frames for a while.
	for _, h := range []*host{client, after} {
		eventually(t, "the VIP can be reached before the move", func() bool { _, err := h.get(vip); return err == nil }, func() string { return "no answer" })
	}
	// The new owner knows the client, as it would its router: a question that is
	// lost is asked again after a second.
	clientIP := client.ip
	if vip.Is6() {
		clientIP = client.ip6
	}
	defer client.greeter(clientIP).Close()
	eventually(t, "the new owner can reach the client", func() bool { _, err := after.get(clientIP); return err == nil }, func() string { return "no answer" })
	var late *Latecomers
	before.do(func() (err error) {
		late, err = CatchLatecomers([]VIP{{vip, "eth0"}}, nil)
		return err
	})
	defer late.Close()
	greet.Close()
	before.puts(vip, false)

	served := make(chan error, 1)
	go func() {
		served <- client.try(func() error {
			c, err := net.DialTimeout("tcp", netip.AddrPortFrom(vip, 80).String(), 10*time.Second)
			if err != nil {
				return err
			}
			return c.Close()
		})
	}()
	caught := func() bool {
		late.mu.Lock()
		defer late.mu.Unlock()
		return len(late.waiting[vip].frames) > 0
	}
	eventually(t, "the request is caught", caught, func() string { return "nothing is kept" })
	after.puts(vip, true)
	defer after.greeter(vip).Close()
	out := after.neighbours(vip)
	// From here on: how long the kernel takes to change addresses says nothing.
	began := time.Now()
	var err error
	for waiting := true; waiting; { // frames get lost: the holder says it again, too
		if _, err := out.announce(vip); err != nil {
			t.Fatal(err)
		}
		select {
		case err = <-served:
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err != nil {
		t.Errorf("after the move: %v", err)
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("served %v after the announcement: by the client's second try, not by its first", took)
	}
	select {
	case <-late.settled:
	default:
		t.Error("the new owner is not known")
	}
}

// puts addr on eth0, or takes it off.
func (h *host) puts(addr netip.Addr, on bool) {
	h.t.Helper()
	h.do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		a := &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(addr.BitLen(), addr.BitLen())}}
		if addr.Is6() {
			a.Flags = unix.IFA_F_NODAD
		}
		if on {
			return netlink.AddrAdd(l, a)
		}
		return netlink.AddrDel(l, a)
	})
}

// greeter says hello to whoever connects to addr, port 80.
func (h *host) greeter(addr netip.Addr) net.Listener {
	h.t.Helper()
	var ln net.Listener
	h.do(func() (err error) {
		ln, err = net.Listen("tcp", netip.AddrPortFrom(addr, 80).String())
		return err
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "hello")
			c.Close()
		}
	}()
	return ln
}
