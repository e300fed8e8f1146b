package netlab

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects from inside the host's namespace.
func (h *Host) Dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	e := h.Do(func() error {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, addr)
		return err
	})
	return c, e
}

// Do runs fn on a thread that has entered the host's namespace. Sockets that fn
// makes stay there.
func (h *Host) Do(fn func() error) error {
	ch := make(chan error, 1)
	go h.enter(ch, fn)
	return <-ch
}

// enter never gives its thread back to the runtime: the thread ends with the
// goroutine. The process's main thread is not used, as it stands for the whole
// process in /proc: while this goroutine holds it, the next one gets another.
func (h *Host) enter(ch chan<- error, fn func() error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		inner := make(chan error, 1)
		go h.enter(inner, fn)
		ch <- <-inner
		runtime.UnlockOSThread()
		return
	}
	f, err := os.Open("/run/netns/" + h.NS())
	if err != nil {
		ch <- err
		return
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		ch <- fmt.Errorf("enter namespace %s: %w", h.NS(), err)
		return
	}
	ch <- fn()
}
