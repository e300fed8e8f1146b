package dataplane

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"lbd/dataplane/health"
	"lbd/dataplane/live"
	"lbd/store/model"
)

// Open is a socket that this engine listens on.
type Open struct {
	Network string // as in package net
	Addr    netip.AddrPort
	Conn    syscall.Conn
}

// Open lists the listening sockets, for a process that goes on with them: all of
// every address, so that no queue is left without somebody who accepts. Run must
// be running, and the configuration must not change any more.
func (e *Engine) Open(ctx context.Context) (all []Open, err error) {
	if !e.inRun(ctx, func() {
		for addr, sock := range e.sockets.open {
			all = append(all, Open{"tcp", addr, sock.ln})
		}
		for addr, p := range e.ports.open {
			for _, r := range p.readers {
				all = append(all, Open{"udp", addr, rawDescriptor(r.fd)})
			}
		}
	}) {
		return nil, fmt.Errorf("list the listening sockets: the data plane has ended")
	}
	return all, nil
}

// Begin lets an engine that was held accept.
func (e *Engine) Begin(ctx context.Context) bool {
	return e.inRun(ctx, func() {
		e.sockets.held = false
		for _, sock := range e.sockets.open {
			e.sockets.appoint(sock, sock.cur.Load().lis.Load())
		}
		e.ports.begin()
	})
}

// Retire leaves the sockets to another process that has them as well: what was
// accepted is served, what waits in a queue is the other's. It returns when no
// connection is left, and after within, or when ctx ends, the rest having been
// cut. An idle connection of HTTP stays until its next request has been answered
// or its time is over: a request may be on its way.
func (e *Engine) Retire(ctx context.Context, within time.Duration) {
	var groups []*live.Group
	if !e.inRun(ctx, func() { groups = append(e.sockets.leave(), e.ports.leave()...) }) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var empty []<-chan struct{}
	for _, g := range groups {
		empty = append(empty, g.Retire())
	}
	for _, ch := range empty {
		select {
		case <-ch:
		case <-ctx.Done():
		}
	}
	if ctx.Err() == nil {
		return
	}
	cut := 0
	for _, g := range groups {
		cut += g.Len()
		g.Cut()
	}
	e.log.Info("connections cut after the hand-over", "count", cut, "within", within)
}

// Verdicts are what the monitors have found of members so far.
func (e *Engine) Verdicts() map[live.Key]model.MemberHealth {
	all := map[live.Key]model.MemberHealth{}
	if st := e.state.Load(); st != nil {
		for _, sv := range st.table.Services {
			for _, p := range sv.Pools {
				for i := range p.Members {
					m := &p.Members[i]
					if m.Monitored {
						all[live.Key{Pool: p.ID, Member: m.ID()}] = m.Live.Health()
					}
				}
			}
		}
	}
	return all
}

// Relearn has the monitors ask Config.Verdict again for the members of which they
// have found out nothing. false: the engine has ended, or ctx.
func (e *Engine) Relearn(ctx context.Context) bool {
	return e.inRun(ctx, e.checker.Relearn)
}

// Connections is how many client connections are open.
func (e *Engine) Connections() (n int64) {
	if st := e.state.Load(); st != nil {
		for _, sv := range st.table.Services {
			for _, l := range sv.Listeners {
				n += l.Live.Counters().ActiveConnections
			}
		}
	}
	return n
}

// leave ends accepting, closes the sockets and retires what they have brought.
func (s *sockets) leave() (groups []*live.Group) {
	for addr, sock := range s.open {
		delete(s.open, addr)
		b := sock.cur.Load()
		groups = append(groups, b.group)
		sock.left.Store(true)
		sock.closing.Store(true)
		close(b.stop)
		s.dismiss(sock)
		sock.ln.Close()
		s.budget.Give(1)
	}
	s.wg.Wait()
	// A loop may have handed a connection to another behind that one's last turn.
	var wg sync.WaitGroup
	for _, w := range s.workers {
		wg.Add(1)
		if !w.loop.Post(wg.Done) {
			wg.Done()
		}
	}
	wg.Wait()
	return groups
}

// inherit makes fd the listener of addr.
func inherit(fd int, addr netip.AddrPort) (*net.TCPListener, error) {
	f := os.NewFile(uintptr(fd), "")
	ln, err := net.FileListener(f)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("listen %s on an inherited socket: %w", addr, innermost(err))
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok || tcp.Addr().(*net.TCPAddr).AddrPort().Port() != addr.Port() {
		ln.Close()
		return nil, fmt.Errorf("listen %s on an inherited socket: it is bound to %s", addr, ln.Addr())
	}
	return tcp, nil
}

// verdict is what an earlier process knew of a member.
func (e *Engine) verdict(s health.Subject) (model.MemberHealth, bool) {
	m, ok := s.(*live.Member)
	if !ok || e.cfg.Verdict == nil {
		return model.MemberHealth{}, false
	}
	return e.cfg.Verdict(m.Key.Pool, m.Key.Member)
}
