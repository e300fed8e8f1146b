package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"lbd/internal/netlab"
)

// forward makes a TCP service inside a namespace reachable on this machine's
// loopback, without a link between the two: it dials from a thread that has
// entered the namespace. It ends with ctx.
func forward(ctx context.Context, l net.Listener, h *netlab.Host, target string) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		wg.Go(func() {
			defer c.Close()
			up, err := h.Dial(ctx, "tcp", target)
			if err != nil {
				return
			}
			defer up.Close()
			stop := context.AfterFunc(ctx, func() { c.Close(); up.Close() })
			defer stop()
			done := make(chan struct{})
			go func() {
				defer close(done)
				io.Copy(up, c)
				up.(*net.TCPConn).CloseWrite()
			}()
			io.Copy(c, up)
			c.(*net.TCPConn).CloseWrite()
			<-done
		})
	}
}
