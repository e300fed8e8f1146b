package dataplane

import (
	"net"
	"runtime/debug"
	"time"

	"lbd/dataplane/netio"
	"lbd/dataplane/table"
)

// serve takes over an accepted connection that holds a slot of its listener.
func (e *Engine) serve(tcp *net.TCPConn, b *binding) {
	l := b.lis.Load()
	if !e.clients.Take(fdsPerConnection) {
		if l.Mode == table.ModeHTTP && l.TLS == nil {
			e.http.Refuse(tcp)
		}
		tcp.Close()
		l.Live.Leave()
		return
	}
	e.conns.Go(func() {
		defer e.clients.Give(fdsPerConnection)
		defer l.Live.Leave()
		defer func() {
			if p := recover(); p != nil {
				tcp.Close()
				e.panics.Add(1)
				e.log.Error("connection handler panicked", "listener", string(l.ID), "err", p, "stack", string(debug.Stack()))
			}
		}()
		c, err := netio.NewConn(tcp, e.pools)
		if err != nil {
			tcp.Close()
			return
		}
		if l.Mode == table.ModeHTTP {
			e.http.Serve(c, &b.lis, b.group)
		} else {
			e.tcp.Serve(c, l, b.group)
		}
	})
}

// drain ends the connections of a binding that is not served any more: asked
// first, cut after Config.Drain.
func (e *Engine) drain(b *binding) {
	empty := b.group.Drain()
	e.conns.Go(func() {
		t := time.NewTimer(e.cfg.Drain)
		defer t.Stop()
		select {
		case <-empty:
			return
		case <-t.C:
		}
		e.log.Info("connections cut after drain", "listener", string(b.lis.Load().ID), "addr", b.addr.String(), "count", b.group.Len())
		b.group.Cut()
	})
}
