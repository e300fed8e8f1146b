package netio

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Dial connects to addr within timeout (> 0), or until ctx ends.
func Dial(ctx context.Context, addr netip.AddrPort, timeout time.Duration, pools *Pools) (*Conn, error) {
	// Keep-alive probes are off: every wait on the connection has a deadline.
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	tcp, err := d.DialTCP(ctx, "tcp", netip.AddrPort{}, addr)
	if err != nil {
		return nil, unwrapOp(err)
	}
	c, err := NewConn(tcp, pools)
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return c, nil
}
