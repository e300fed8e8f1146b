package vrrp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// arpConn sends and receives ARP on one link. Writing and one reader may run at
// the same time.
type arpConn struct {
	link  string
	index int
	mac   net.HardwareAddr
	conn  *packet.Conn
	buf   [1514]byte // the reader's
}

func openARP(link string) (*arpConn, error) {
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return nil, fmt.Errorf("open ARP on %s: %w", link, err)
	}
	if len(ifi.HardwareAddr) != 6 {
		return nil, fmt.Errorf("open ARP on %s: it is no Ethernet interface", link)
	}
	c, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ARP, nil)
	if err != nil {
		return nil, fmt.Errorf("open ARP on %s: %w", link, err)
	}
	// Frames of a VLAN arrive here with the tag taken off; they are another
	// link's.
	untagged, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipFalse: 1},
		bpf.RetConstant{Val: 1514},
		bpf.RetConstant{Val: 0},
	})
	if err == nil {
		err = c.SetBPF(untagged)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("filter ARP on %s: %w", link, err), c.Close())
	}
	return &arpConn{link: link, index: ifi.Index, mac: ifi.HardwareAddr, conn: c}, nil
}

var zeroMAC = make(net.HardwareAddr, 6)

// ask who has addr, with sender address 0: an ARP probe (RFC 5227 section
// 2.1.1). Nobody's cache changes by it.
func (c *arpConn) ask(addr netip.Addr) error {
	return c.send(ethernet.Broadcast, arp.OperationRequest, netip.IPv4Unspecified(), zeroMAC, addr)
}

// askAs asks with an address of our own, to everybody or, with a known hardware
// address, to its owner alone (RFC 1122 section 2.3.2.1 (2)).
func (c *arpConn) askAs(sender, addr netip.Addr, owner net.HardwareAddr) error {
	if owner == nil {
		owner = ethernet.Broadcast
	}
	return c.send(owner, arp.OperationRequest, sender, zeroMAC, addr)
}

// announce that addr is here, in both forms: equipment differs in which it
// honours (RFC 5227 section 3 explains the request form).
func (c *arpConn) announce(addr netip.Addr) error {
	if err := c.send(ethernet.Broadcast, arp.OperationRequest, addr, zeroMAC, addr); err != nil {
		return err
	}
	return c.send(ethernet.Broadcast, arp.OperationReply, addr, ethernet.Broadcast, addr)
}

func (c *arpConn) send(to net.HardwareAddr, op arp.Operation, sender netip.Addr, targetMAC net.HardwareAddr, target netip.Addr) error {
	p, err := arp.NewPacket(op, c.mac, sender, targetMAC, target)
	if err != nil {
		return fmt.Errorf("make ARP for %s: %w", target, err)
	}
	body, err := p.MarshalBinary()
	if err != nil {
		return fmt.Errorf("make ARP for %s: %w", target, err)
	}
	f := ethernet.Frame{Destination: to, Source: c.mac, EtherType: ethernet.EtherTypeARP, Payload: body}
	frame, err := f.MarshalBinary()
	if err != nil {
		return fmt.Errorf("make ARP for %s: %w", target, err)
	}
	if _, err := c.conn.WriteTo(frame, &packet.Addr{HardwareAddr: to}); err != nil {
		return fmt.Errorf("send ARP on %s: %w", c.link, err)
	}
	return nil
}

// read returns the next well-formed ARP packet, or the error of the socket, such
// as os.ErrDeadlineExceeded.
func (c *arpConn) read() (*arp.Packet, error) {
	for {
		n, _, err := c.conn.ReadFrom(c.buf[:])
		if err != nil {
			return nil, err
		}
		var f ethernet.Frame
		var p arp.Packet
		if f.UnmarshalBinary(c.buf[:n]) != nil || p.UnmarshalBinary(f.Payload) != nil {
			continue // not ours to judge
		}
		if len(p.SenderHardwareAddr) == 6 && p.SenderIP.Is4() {
			return &p, nil
		}
	}
}

func (c *arpConn) readUntil(t time.Time) error { return c.conn.SetReadDeadline(t) }

func (c *arpConn) close() error { return c.conn.Close() }
