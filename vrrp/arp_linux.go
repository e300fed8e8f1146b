package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// arpConn is neighbours by ARP, for IPv4.
type arpConn struct {
	ethernetLink
	inbox
	as voice
}

func openARP(link string) (*arpConn, error) {
	l, err := ethernetLinkOf(link)
	if err != nil {
		return nil, fmt.Errorf("open ARP on %s: %w", link, err)
	}
	c, err := packet.Listen(l.ifi, packet.Raw, unix.ETH_P_ARP, nil)
	if err != nil {
		return nil, fmt.Errorf("open ARP on %s: %w", link, err)
	}
	if err := attachFilter(c, []bpf.Instruction{bpf.RetConstant{Val: 1514}}); err != nil {
		return nil, errors.Join(fmt.Errorf("filter ARP on %s: %w", link, err), c.Close())
	}
	return &arpConn{ethernetLink: l, inbox: inbox{conn: c, decode: heardARP}, as: voice{conn: c, index: l.index}}, nil
}

// about is a filter in the kernel: everybody's questions for everybody come to every
// node of a link, and each would wake this process.
func (c *arpConn) about(in interest) error {
	const yes, no = 1514, 0
	var f []bpf.Instruction
	if in.answers {
		f = append(f,
			bpf.LoadAbsolute{Off: arpOperation, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(arp.OperationReply), SkipTrue: 1},
			bpf.RetConstant{Val: no})
	}
	if len(in.addrs) > maxAbout {
		f = append(f, bpf.RetConstant{Val: yes})
	} else {
		f = append(f, bpf.LoadAbsolute{Off: arpSender, Size: 4})
	}
	for _, a := range in.addrs[:min(len(in.addrs), maxAbout)] {
		b := a.As4()
		f = append(f, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(b[:]), SkipTrue: 1}, bpf.RetConstant{Val: yes})
	}
	if err := attachFilter(c.conn, append(f, bpf.RetConstant{Val: no})); err != nil {
		return fmt.Errorf("filter ARP on %s: %w", c.link, err)
	}
	return nil
}

// join has nothing to do: questions go to everybody.
func (c *arpConn) join(netip.Addr) error { return nil }
func (c *arpConn) leave(netip.Addr)      {}

// answer has nothing to do: the kernel answers on all links for addresses on any.
func (c *arpConn) answer(heard) error { return nil }

var zeroMAC = make(net.HardwareAddr, 6)

// ask with sender address 0: an ARP probe (RFC 5227 section 2.1.1).
func (c *arpConn) ask(addr netip.Addr) error {
	return c.send(c.mac, ethernet.Broadcast, arp.OperationRequest, netip.IPv4Unspecified(), zeroMAC, addr)
}

// askAs to the owner alone: RFC 1122 section 2.3.2.1 (2).
func (c *arpConn) askAs(sender, addr netip.Addr, owner net.HardwareAddr) error {
	if owner == nil {
		owner = ethernet.Broadcast
	}
	return c.send(c.mac, owner, arp.OperationRequest, sender, zeroMAC, addr)
}

// announce in both forms, request and reply: equipment differs in which it
// honours (RFC 5227 section 3 explains the request form).
func (c *arpConn) announce(addr netip.Addr) (frames int, err error) {
	from := c.as.says(c.mac)
	if err := c.send(from, ethernet.Broadcast, arp.OperationRequest, addr, zeroMAC, addr); err != nil {
		return 0, err
	}
	return framesEach, c.send(from, ethernet.Broadcast, arp.OperationReply, addr, ethernet.Broadcast, addr)
}

func (c *arpConn) speakAs(a hwAddr) error { return c.as.become(a) }

func (c *arpConn) send(from, to net.HardwareAddr, op arp.Operation, sender netip.Addr, targetMAC net.HardwareAddr, target netip.Addr) error {
	p, err := arp.NewPacket(op, from, sender, targetMAC, target)
	if err != nil {
		return fmt.Errorf("make ARP for %s: %w", target, err)
	}
	body, err := p.MarshalBinary()
	if err != nil {
		return fmt.Errorf("make ARP for %s: %w", target, err)
	}
	f := ethernet.Frame{Destination: to, Source: from, EtherType: ethernet.EtherTypeARP, Payload: body}
	frame, err := f.MarshalBinary()
	if err != nil {
		return fmt.Errorf("make ARP for %s: %w", target, err)
	}
	if _, err := c.conn.WriteTo(frame, &packet.Addr{HardwareAddr: to}); err != nil {
		return fmt.Errorf("send ARP on %s: %w", c.link, err)
	}
	return nil
}

// heardARP decodes a frame without VLAN tag.
func heardARP(frame []byte) (heard, bool) {
	var f ethernet.Frame
	var p arp.Packet
	if f.UnmarshalBinary(frame) != nil || p.UnmarshalBinary(f.Payload) != nil || len(p.SenderHardwareAddr) != 6 || !p.SenderIP.Is4() {
		return heard{}, false // not ours to judge
	}
	return heard{claims: p.SenderIP, mac: slices.Clone(p.SenderHardwareAddr), reply: p.Operation == arp.OperationReply}, true
}
