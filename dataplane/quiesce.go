package dataplane

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"lbd/dataplane/table"
)

// Quiesce makes connections end before the addresses of which moves tells so go to
// another node, where they would be reset: requests for new connections are left
// unanswered, as if the frame were lost, and HTTP connections are drained. It
// returns when no HTTP connection is left, when ctx ends, and after quiesceWithin
// at the latest: tunnels and downloads do not end for it. Resume takes it back.
// Run must be running.
func (e *Engine) Quiesce(ctx context.Context, moves func(netip.Addr) bool) {
	ctx, cancel := context.WithTimeout(ctx, quiesceWithin)
	defer cancel()
	if !e.inRun(ctx, func() { e.sockets.hush(moves) }) {
		return
	}
	// Who has just connected sends his request now.
	select {
	case <-time.After(quiesceSettle):
	case <-ctx.Done():
		return
	}
	var empty []<-chan struct{}
	for begun, queued := time.Now(), true; queued; {
		if !e.inRun(ctx, func() {
			// At a listener's limit only draining makes room.
			if queued = e.sockets.queued(moves) && time.Since(begun) < quiesceWithin/2; !queued {
				empty = e.sockets.renew(moves)
			}
		}) {
			return
		}
		if !queued {
			break
		}
		select {
		case <-time.After(quiesceLook):
		case <-ctx.Done():
			return
		}
	}
	for _, ch := range empty {
		select {
		case <-ch:
		case <-ctx.Done():
			return
		}
	}
}

// Resume answers requests for new connections again; connections that are being
// drained go on ending.
func (e *Engine) Resume(ctx context.Context) { e.inRun(ctx, e.sockets.unhush) }

// inRun has fn done by Run, to which the sockets belong, and reports whether it
// was done.
func (e *Engine) inRun(ctx context.Context, fn func()) bool {
	done := make(chan struct{})
	select {
	case e.asks <- func() { fn(); close(done) }:
	case <-e.ended:
		return false
	case <-ctx.Done():
		return false
	}
	<-done
	return true
}

// hush has the kernel drop requests for new connections to some addresses, also on
// sockets that are opened from now on.
func (s *sockets) hush(which func(netip.Addr) bool) {
	s.hushed = which
	for addr, sock := range s.open {
		if which(addr.Addr()) {
			s.silence(sock)
		}
	}
}

func (s *sockets) unhush() {
	s.hushed = nil
	for _, sock := range s.open {
		if err := sockControl(sock.ln, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }); err != nil && err != unix.ENOENT {
			s.log.Error("a socket takes no connections", "addr", sock.cur.Load().addr.String(), "err", err)
		}
	}
}

// silence leaves a socket's requests for connections unanswered. What is in the
// accept queue, or has been answered, is not touched.
func (s *sockets) silence(sock *socket) {
	if err := sockControl(sock.ln, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, noNewcomers())
	}); err != nil {
		s.log.Warn("a socket goes on taking connections", "addr", sock.cur.Load().addr.String(), "err", err)
	}
}

// queued tells whether the kernel has connected somebody, to a web listener's address,
// who was not accepted yet: on a busy machine, or at a listener's limit.
func (s *sockets) queued(which func(netip.Addr) bool) (some bool) {
	for addr, sock := range s.open {
		if !which(addr.Addr()) || sock.cur.Load().lis.Load().Mode != table.ModeHTTP {
			continue
		}
		_ = sockControl(sock.ln, func(fd int) error {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			some = some || err == nil && info.Unacked > 0 // of a listening socket: its accept queue
			return err
		})
	}
	return some
}

// renew drains the connections of some addresses; their sockets are ready for new
// ones. The channels are closed when the HTTP connections have ended.
func (s *sockets) renew(which func(netip.Addr) bool) (empty []<-chan struct{}) {
	for addr, sock := range s.open {
		if !which(addr.Addr()) {
			continue
		}
		b := sock.cur.Load()
		l := b.lis.Load()
		sock.cur.Store(s.newBinding(addr, l))
		close(b.stop)
		s.drained(b)
		if l.Mode == table.ModeHTTP {
			empty = append(empty, b.group.Drain())
		}
	}
	return empty
}

// noNewcomers is a socket filter that drops segments with SYN and without ACK; a
// listening socket's filter sees the TCP header first.
func noNewcomers() *unix.SockFprog {
	const flags, syn, ack = 13, 0x02, 0x10
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: flags, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: syn | ack},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: syn, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 0xffffffff},
	})
	if err != nil {
		panic(fmt.Sprintf("assemble a constant program: %v", err)) // cannot happen
	}
	f := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		f[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return &unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
}

// sockControl runs fn on a listening socket's descriptor.
func sockControl(ln *net.TCPListener, fn func(fd int) error) error {
	raw, err := ln.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) { err = fn(int(fd)) })
	if cerr != nil {
		return cerr
	}
	return err
}
