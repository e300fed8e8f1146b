package vrrp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ndConn speaks Neighbour Discovery on one link. The kernel answers for an IPv6
// address only on the link that has it, and ours are on a device of their own, so
// this process answers; when it is dead or frozen, nobody does.
type ndConn struct {
	ethernetLink
	inbox
	as voice

	mu     sync.Mutex
	groups groups                  // guarded by mu
	joined map[netip.Addr]struct{} // guarded by mu; addresses whose group is joined
}

func openND(link string) (*ndConn, error) {
	l, err := ethernetLinkOf(link)
	if err != nil {
		return nil, fmt.Errorf("open Neighbour Discovery on %s: %w", link, err)
	}
	off, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + link + "/disable_ipv6")
	if err != nil || strings.TrimSpace(string(off)) != "0" {
		return nil, fmt.Errorf("IPv6 is off on link %s (net.ipv6.conf.%s.disable_ipv6)", link, link)
	}
	c, err := packet.Listen(l.ifi, packet.Raw, unix.ETH_P_IPV6, nil)
	if err != nil {
		return nil, fmt.Errorf("open Neighbour Discovery on %s: %w", link, err)
	}
	err = attachFilter(c, []bpf.Instruction{
		bpf.LoadAbsolute{Off: etherHeader + 6, Size: 1}, // next header
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: icmpV6, SkipTrue: 4},
		bpf.LoadAbsolute{Off: etherHeader + ip6Header, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: ndSolicitation, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: ndAdvertisement, SkipTrue: 1},
		bpf.RetConstant{Val: 1514},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("filter Neighbour Discovery on %s: %w", link, err), c.Close())
	}
	return &ndConn{
		ethernetLink: l, inbox: inbox{conn: c, decode: heardND}, as: voice{conn: c, index: l.index},
		groups: groups{index: l.index}, joined: map[netip.Addr]struct{}{},
	}, nil
}

// about has nothing to do: questions go to the few that an address's group has, and
// answers to who asked.
func (c *ndConn) about(interest) error { return nil }

// join makes the link deliver questions for an address: by the network card's
// filter, and by MLD past switches that look.
func (c *ndConn) join(addr netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.joined[addr]; ok {
		return nil
	}
	if err := c.groups.join(solicitedNode(addr)); err != nil {
		return fmt.Errorf("join the group of questions for %s on %s: %w", addr, c.link, err)
	}
	c.joined[addr] = struct{}{}
	return nil
}

func (c *ndConn) leave(addr netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.joined[addr]; ok {
		delete(c.joined, addr)
		c.groups.leave(solicitedNode(addr))
	}
}

// ask who has addr, as a host does that wants to use it (RFC 4862 section
// 5.4.2), with the source address ::. The answer goes to all nodes and is true,
// so nobody's cache suffers.
func (c *ndConn) ask(addr netip.Addr) error {
	group := solicitedNode(addr)
	return c.send(c.mac, groupMAC(group), ndMessage{Src: netip.IPv6Unspecified(), Dst: group, Target: addr})
}

func (c *ndConn) askAs(sender, addr netip.Addr, owner net.HardwareAddr) error {
	m := ndMessage{Src: sender, Dst: addr, Target: addr, Link: c.mac}
	if owner == nil {
		m.Dst = solicitedNode(addr)
		owner = groupMAC(m.Dst)
	}
	return c.send(c.mac, owner, m)
}

// announce by an unsolicited advertisement that overrides what caches have (RFC
// 4861 section 7.2.6).
func (c *ndConn) announce(addr netip.Addr) (frames int, err error) {
	from := c.as.says(c.mac)
	m := ndMessage{Advert: true, Src: addr, Dst: allNodes, Target: addr, Link: from, Override: true}
	return 1, c.send(from, groupMAC(allNodes), m)
}

// answer a question for an address of ours.
func (c *ndConn) answer(h heard) error {
	from := c.as.says(c.mac)
	a := h.question.answer(from)
	to := h.mac
	if a.Dst == allNodes {
		to = groupMAC(allNodes)
	}
	return c.send(from, to, a)
}

func (c *ndConn) speakAs(a hwAddr) error { return c.as.become(a) }

func (c *ndConn) send(from, to net.HardwareAddr, m ndMessage) error {
	f := ethernet.Frame{Destination: to, Source: from, EtherType: ethernet.EtherTypeIPv6, Payload: m.marshal()}
	frame, err := f.MarshalBinary()
	if err != nil {
		return fmt.Errorf("make Neighbour Discovery for %s: %w", m.Target, err)
	}
	if _, err := c.conn.WriteTo(frame, &packet.Addr{HardwareAddr: to}); err != nil {
		return fmt.Errorf("send Neighbour Discovery on %s: %w", c.link, err)
	}
	return nil
}

// heardND decodes a frame without VLAN tag.
func heardND(frame []byte) (heard, bool) {
	var f ethernet.Frame
	if f.UnmarshalBinary(frame) != nil {
		return heard{}, false
	}
	m, err := parseND(f.Payload)
	if err != nil {
		return heard{}, false
	}
	mac := m.Link
	if mac == nil {
		mac = f.Source
	}
	if m.Advert {
		return heard{claims: m.Target, mac: mac, reply: true, toAll: m.Dst == allNodes}, true
	}
	return heard{claims: m.Src, mac: mac, question: m}, true
}

func (c *ndConn) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups.close()
	return c.inbox.close()
}
