package raft

import (
	"fmt"
	"net"
	"net/netip"
)

// advertised is the host:port peers use: what was asked for, completed from the
// port that was taken and, without a host, from the interface that leads outside.
func advertised(want string, taken net.Addr) (string, error) {
	tcp, ok := taken.(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("peer port: %v is not a TCP address", taken)
	}
	host, port := want, ""
	if h, p, err := net.SplitHostPort(want); err == nil {
		host, port = h, p
	}
	if port == "" || port == "0" {
		port = fmt.Sprint(tcp.Port)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		if host = tcp.IP.String(); tcp.IP.IsUnspecified() {
			host = outsideAddr()
		}
	}
	return net.JoinHostPort(host, port), nil
}

// outsideAddr is the address from which this machine would speak to the world.
// No packet is sent: connecting a UDP socket only looks up the route.
func outsideAddr() string {
	for _, to := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} {
		c, err := net.Dial("udp", to)
		if err != nil {
			continue
		}
		defer c.Close()
		if u, ok := c.LocalAddr().(*net.UDPAddr); ok && !u.IP.IsUnspecified() {
			return u.IP.String()
		}
	}
	for _, p := range interfaceAddrs() {
		return p.Addr().String()
	}
	return "127.0.0.1"
}

// interfaceAddrs are this machine's addresses that others may reach.
func interfaceAddrs() []netip.Prefix {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range addrs {
		ipn, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(ipn.IP)
		ip = ip.Unmap()
		bits, _ := ipn.Mask.Size()
		if !ok || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || bits > ip.BitLen() {
			continue
		}
		out = append(out, netip.PrefixFrom(ip, bits))
	}
	return out
}
