package harness

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/netlab"
)

// helper is the test binary running in a namespace; it ends when its standard
// input closes, that is with the test at the latest.
type helper struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}

	mu    sync.Mutex
	lines []string // guarded by mu
}

// spawn starts a helper and waits for its first line, which says "ready".
func (w *World) spawn(h *netlab.Host, args ...string) *helper {
	w.T.Helper()
	self, err := os.Executable()
	w.must(err)
	c := h.Command(context.Background(), self, args...)
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	w.must(err)
	stdout, err := c.StdoutPipe()
	w.must(err)
	w.must(c.Start())
	p := &helper{cmd: c, stdin: stdin, done: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(p.done)
		sc := bufio.NewScanner(stdout)
		if sc.Scan() {
			close(ready)
		}
		for sc.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, sc.Text())
			p.mu.Unlock()
		}
		c.Wait()
	}()
	select {
	case <-ready:
	case <-p.done:
		w.T.Fatalf("helper %v on %s ended at once", args, h.Name)
	case <-time.After(10 * time.Second):
		w.T.Fatalf("helper %v on %s is not ready", args, h.Name)
	}
	w.T.Cleanup(func() { p.stop() })
	return p
}

// stop ends the helper and returns all lines it printed.
func (p *helper) stop() []string {
	p.stdin.Close()
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
	return p.snapshot()
}

func (p *helper) snapshot() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// Now is CLOCK_MONOTONIC, which all processes of a machine share.
func Now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// output writes whole lines to standard output, flushed every 20 ms.
type output struct {
	mu sync.Mutex
	w  *bufio.Writer // guarded by mu
}

func newOutput() *output {
	o := &output{w: bufio.NewWriter(os.Stdout)}
	fmt.Println("ready")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		o.flush()
		os.Exit(0)
	}()
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			o.flush()
		}
	}()
	return o
}

func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w.Flush()
}

func (o *output) printf(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.w, format, args...)
}
