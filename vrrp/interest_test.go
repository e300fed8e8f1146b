package vrrp

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/ethernet"
)

// What concerns nobody here is kept out in the kernel: the first message that comes is the
// one that was waited for, though others were sent before it.
func TestOthersQuestionsWakeNobody(t *testing.T) {
	n := newNetwork(t)
	node, other, router := n.host(1), n.host(2), n.host(254)
	listen := func(in interest) *arpConn {
		c := node.arp()
		if err := c.about(in); err != nil {
			t.Fatal(err)
		}
		return c
	}
	many := make([]netip.Addr, maxAbout+1)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 78, byte(i >> 8), byte(i)})
	}
	claims := listen(interest{addrs: []netip.Addr{netip.MustParseAddr("10.77.0.9"), router.ip}})
	answers := listen(interest{addrs: []netip.Addr{router.ip}, answers: true})
	all := listen(interest{addrs: many})
	nothing := listen(interest{})

	if err := other.arp().askAs(other.ip, netip.MustParseAddr("10.77.0.200"), nil); err != nil {
		t.Fatal(err)
	}
	r := router.arp()
	if err := r.askAs(router.ip, node.ip, ethernet.Broadcast); err != nil {
		t.Fatal(err)
	}
	if _, err := r.announce(router.ip); err != nil { // a question and an answer
		t.Fatal(err)
	}
	if err := other.arp().askAs(other.ip, node.ip, nil); err != nil { // the last of all
		t.Fatal(err)
	}
	heard := func(c *arpConn, want ...heard) {
		t.Helper()
		for _, w := range want {
			if h, err := c.read(); err != nil || h.claims != w.claims || h.reply != w.reply {
				t.Errorf("heard %v, reply %v (%v), want %v, %v", h.claims, h.reply, err, w.claims, w.reply)
			}
		}
	}
	question, answer := heard1(router.ip, false), heard1(router.ip, true)
	heard(all, heard1(other.ip, false), question, question, answer, heard1(other.ip, false))
	heard(claims, question, question, answer)
	heard(answers, answer)
	for _, c := range []*arpConn{claims, answers, all, nothing} {
		if h, ok := c.waiting(); ok { // all of it has arrived, as that one heard
			t.Errorf("heard more: %+v", h)
		}
	}
}

func heard1(addr netip.Addr, reply bool) heard { return heard{claims: addr, reply: reply} }
