package vrrp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// advertConn carries VRRP packets of one family.
type advertConn interface {
	join(*net.Interface) error
	send(b []byte, by *net.Interface, src, dst netip.Addr) error
	read(buf []byte) (advertPacket, error)
	close() error
}

// advertPacket is a packet as it came.
type advertPacket struct {
	body  []byte
	src   netip.Addr
	hops  int // TTL or hop limit; 0 when unknown
	index int // of the interface
}

func openAdverts(v6 bool) (advertConn, error) {
	if v6 {
		c, err := net.ListenPacket(fmt.Sprintf("ip6:%d", Protocol), "::")
		if err != nil {
			return nil, err
		}
		p := ipv6.NewPacketConn(c)
		err = errors.Join(
			p.SetMulticastHopLimit(255), p.SetHopLimit(255), // receivers refuse any other (RFC 9568 section 7.1)
			p.SetMulticastLoopback(false),
			p.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagDst|ipv6.FlagInterface, true),
		)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return adverts6{p}, nil
	}
	c, err := net.ListenPacket(fmt.Sprintf("ip4:%d", Protocol), "0.0.0.0")
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(c)
	err = errors.Join(
		p.SetMulticastTTL(255), p.SetTTL(255), // as above
		p.SetMulticastLoopback(false),
		p.SetControlMessage(ipv4.FlagTTL|ipv4.FlagSrc|ipv4.FlagDst|ipv4.FlagInterface, true),
	)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return adverts4{p}, nil
}

type adverts4 struct{ *ipv4.PacketConn }

func (c adverts4) join(ifi *net.Interface) error {
	return c.JoinGroup(ifi, &net.IPAddr{IP: Group.AsSlice()})
}

func (c adverts4) send(b []byte, by *net.Interface, src, dst netip.Addr) error {
	_, err := c.WriteTo(b, &ipv4.ControlMessage{IfIndex: by.Index, Src: src.AsSlice()}, &net.IPAddr{IP: dst.AsSlice()})
	return err
}

func (c adverts4) read(buf []byte) (advertPacket, error) {
	n, cm, from, err := c.ReadFrom(buf)
	if err != nil || cm == nil {
		return advertPacket{}, err
	}
	return advertPacket{buf[:n], addrOf(from), cm.TTL, cm.IfIndex}, nil
}

func (c adverts4) close() error { return c.Close() }

type adverts6 struct{ *ipv6.PacketConn }

func (c adverts6) join(ifi *net.Interface) error {
	return c.JoinGroup(ifi, &net.IPAddr{IP: Group6.AsSlice()})
}

func (c adverts6) send(b []byte, by *net.Interface, src, dst netip.Addr) error {
	to := &net.IPAddr{IP: dst.AsSlice(), Zone: strconv.Itoa(by.Index)} // by number: names are kept for a minute
	_, err := c.WriteTo(b, &ipv6.ControlMessage{IfIndex: by.Index, Src: src.AsSlice()}, to)
	return err
}

func (c adverts6) read(buf []byte) (advertPacket, error) {
	n, cm, from, err := c.ReadFrom(buf)
	if err != nil || cm == nil {
		return advertPacket{}, err
	}
	return advertPacket{buf[:n], addrOf(from), cm.HopLimit, cm.IfIndex}, nil
}

func (c adverts6) close() error { return c.Close() }

func addrOf(a net.Addr) netip.Addr {
	ip, ok := a.(*net.IPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(ip.IP)
	return addr.Unmap()
}
