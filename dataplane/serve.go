package dataplane

import (
	"net"
	"os"
	"time"

	"lbd/dataplane/evhttp"
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
		e.guard(tcp, l, func(c *netio.Conn) {
			if l.Mode == table.ModeHTTP {
				e.http.Serve(c, &b.lis, b.group)
			} else {
				e.tcp.Serve(c, l, b.group)
			}
		})
	})
}

// guard runs a connection's goroutine and gives back what it held.
func (e *Engine) guard(tcp *net.TCPConn, l *table.Listener, serve func(*netio.Conn)) {
	defer e.clients.Give(fdsPerConnection)
	defer l.Live.Leave()
	defer func() {
		if p := recover(); p != nil {
			tcp.Close()
			e.panicked(p)
		}
	}()
	c, err := netio.NewConn(tcp, e.pools)
	if err != nil {
		tcp.Close()
		return
	}
	serve(c)
}

// takeOver goes on with a connection that an event loop has served so far and
// whose next request needs a goroutine.
func (e *Engine) takeOver(h evhttp.HandedOver) {
	e.conns.Go(func() {
		l := h.Door.Src.Load()
		f := os.NewFile(uintptr(h.FD), "")
		nc, err := net.FileConn(f)
		f.Close()
		tcp, ok := nc.(*net.TCPConn)
		if err != nil || !ok {
			e.log.Warn("take over connection", "listener", string(l.ID), "err", err)
			h.Door.Leave(h.Was)
			return
		}
		e.guard(tcp, l, func(c *netio.Conn) {
			c.Unread(h.Read)
			e.http.Continue(c, h.Door.Src, h.Door.Group, h.Was)
		})
	})
}

// drain ends the connections of a binding that is not served any more: asked
// first, cut after Config.Drain, or as soon as nothing can come from their clients.
func (e *Engine) drain(b *binding) {
	empty := b.group.Drain()
	e.conns.Go(func() {
		t := time.NewTimer(e.cfg.Drain)
		defer t.Stop()
		for abandoned, over := e.abandoned.done, false; !over; {
			select {
			case <-empty:
				return
			case <-t.C:
				over = true
			case <-abandoned:
				over, abandoned = e.abandoned.covers(b.addr.Addr()), nil
			}
		}
		e.log.Info("connections cut after drain", "listener", string(b.lis.Load().ID), "addr", b.addr.String(), "count", b.group.Len())
		b.group.Cut()
	})
}
