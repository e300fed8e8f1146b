package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// HolderWire is the version of the messages between parent and child. A parent
// goes on with the child of another one only when both have the same; see
// TestTheWireHasAVersion.
const HolderWire = 2

// Bequest is a running child and what it takes to go on with it in another process.
// Its descriptors are copies.
type Bequest struct {
	ID   uint64
	PID  int
	Seq  uint64
	Conn int // this end of the socket to it
	Life int // of its lifeline
	Proc int // a pidfd: the process may not be the new parent's child
}

// Close closes the descriptors.
func (b *Bequest) Close() {
	for _, fd := range []int{b.Conn, b.Life, b.Proc} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	b.Conn, b.Life, b.Proc = -1, -1, -1
}

// Bequeath has Run let go of the child, which goes on by the order that stands,
// until its deadline, and returns what another process needs for Adopt. Exactly one
// process may give orders: after it was adopted, Abandon; after a failure, Run again.
func (h *Holder) Bequeath(ctx context.Context) (*Bequest, error) {
	h.mu.Lock()
	leave, left := h.leave, h.left
	h.mu.Unlock()
	close(leave)
	select {
	case <-left:
	case <-ctx.Done():
		return nil, fmt.Errorf("let go of the VIP holder: %w", context.Cause(ctx))
	}
	h.mu.Lock()
	p := h.proc
	seq := h.seq
	h.leave, h.left = make(chan struct{}), make(chan struct{})
	h.mu.Unlock()
	if p == nil {
		return nil, errors.New("there is no VIP holder to go on with")
	}
	b := &Bequest{ID: p.id, PID: p.pid, Seq: seq, Conn: -1, Life: -1, Proc: -1}
	var err error
	if b.Conn, err = dup(p.conn); err == nil {
		b.Life, err = dup(p.life)
	}
	if err == nil {
		b.Proc, err = unix.PidfdOpen(p.pid, 0)
	}
	select {
	case <-p.dead: // the number may be somebody else's by now
		err = errors.Join(err, errors.New("the VIP holder has died"))
	default:
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("pass the VIP holder on: %w", err)
	}
	return b, nil
}

// Abandon lets go of a child that another process has adopted.
func (h *Holder) Abandon() {
	h.mu.Lock()
	p := h.proc
	h.proc, h.report = nil, Report{}
	h.mu.Unlock()
	if p != nil {
		_ = p.conn.Close() // the other process has its own
		p.life.Close()
	}
}

// Adopt goes on with the child of another process: it returns when the child has
// been heard. The descriptors are the Holder's, also on failure. Run must follow.
func (h *Holder) Adopt(ctx context.Context, b *Bequest) (err error) {
	defer func() {
		if err != nil {
			b.Close()
			err = fmt.Errorf("go on with the VIP holder: %w", err)
		}
	}()
	for _, fd := range []int{b.Conn, b.Life, b.Proc} {
		unix.CloseOnExec(fd)
	}
	f := os.NewFile(uintptr(b.Conn), "holder")
	c, err := net.FileConn(f)
	f.Close()
	b.Conn = -1
	if err != nil {
		return err
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return errors.New("its socket is no Unix socket")
	}
	proc := b.Proc
	p := &process{
		pid: b.PID, id: b.ID, conn: conn, dead: make(chan struct{}),
		kill: func() { _ = unix.PidfdSendSignal(proc, unix.SIGKILL, nil, 0) },
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = p.hear(h.log)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return err
	}
	p.life = os.NewFile(uintptr(b.Life), "life")
	b.Life, b.Proc = -1, -1
	go func() { // ends with the child
		defer close(p.dead)
		waitFor(proc)
		unix.Close(proc)
	}()
	h.mu.Lock()
	h.seq = b.Seq
	h.mu.Unlock()
	h.adopt(p)
	return nil
}

// waitFor returns when the process of a pidfd has ended.
func waitFor(pidfd int) {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(fds, -1); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (h *Holder) leaving() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.leave
}

func dup(c interface {
	SyscallConn() (rc syscall.RawConn, err error)
},
) (int, error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd, derr := -1, error(nil)
	err = rc.Control(func(p uintptr) { fd, derr = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 3) })
	return fd, errors.Join(err, derr)
}

// tieLife has the kernel kill this process as soon as nobody has the other end of
// the pipe fd any more, also when it is frozen and so does not see its socket
// close. (The parent-death signal is bound to the process that has started this
// one, and so could not follow when another goes on with it.)
func tieLife(fd int) error {
	for _, set := range [][2]int{{unix.F_SETOWN, os.Getpid()}, {unix.F_SETSIG, int(unix.SIGKILL)}} {
		if _, err := unix.FcntlInt(uintptr(fd), set[0], set[1]); err != nil {
			return fmt.Errorf("tie to the parent's life: %w", err)
		}
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_ASYNC)
	}
	if err != nil {
		return fmt.Errorf("tie to the parent's life: %w", err)
	}
	unix.CloseOnExec(fd)
	fds := []unix.PollFd{{Fd: int32(fd)}}
	if _, err := unix.Poll(fds, 0); err == nil && fds[0].Revents&unix.POLLHUP != 0 {
		return errors.New("the parent is gone")
	}
	return nil
}
