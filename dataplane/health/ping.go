package health

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ping sends one echo request and waits for its reply until ctx ends. The socket
// is the kernel's unprivileged one where this process may have it
// (net.ipv4.ping_group_range), else a raw one, which needs CAP_NET_RAW.
func ping(ctx context.Context, to netip.Addr) error {
	to = to.Unmap()
	network, raw, proto := "udp4", "ip4:icmp", 1 // IANA protocol numbers
	var ask, answer icmp.Type = ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply
	if to.Is6() {
		network, raw, proto = "udp6", "ip6:ipv6-icmp", 58
		ask, answer = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
	}
	var dst net.Addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	c, err := icmp.ListenPacket(network, "")
	if err != nil {
		dst = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
		if c, err = icmp.ListenPacket(raw, ""); err != nil {
			return fmt.Errorf("open a socket: %w", err)
		}
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	// Replies are told apart by bytes nobody else sends: a raw socket sees those of
	// every probe on the machine.
	var mark [16]byte
	_, _ = rand.Read(mark[:]) // never fails
	b, err := (&icmp.Message{Type: ask, Body: &icmp.Echo{ID: int(mark[0])<<8 | int(mark[1]), Seq: 1, Data: mark[:]}}).Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(b, dst); err != nil {
		return err
	}
	buf := make([]byte, 1500)
	for ctx.Err() == nil {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		m, err := icmp.ParseMessage(proto, buf[:n])
		if err != nil || m.Type != answer {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && bytes.Equal(e.Data, mark[:]) {
			return nil
		}
	}
	return ctx.Err()
}
