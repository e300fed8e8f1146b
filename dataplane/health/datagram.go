package health

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// datagram asks whether a member refuses datagrams: it sends one with a single
// byte and waits until ctx ends. Silence is good, as it is in Octavia: what the
// member understands is not known. An answer is better, and ends the wait. A member
// whose host says that nobody listens, or that cannot be reached, is down.
func datagram(ctx context.Context, to netip.AddrPort) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(end); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := c.Write([]byte{0}); err != nil {
		return err
	}
	var b [1]byte
	_, err = c.Read(b[:])
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EMSGSIZE) {
		return nil
	}
	return err
}
