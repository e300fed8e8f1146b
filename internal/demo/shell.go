package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"lbd/internal/netlab"
)

// shell runs commands in hosts and shows each of them first.
type shell struct {
	out  io.Writer
	self string // path of this binary
	mu   sync.Mutex
	// procs are the processes still to be ended; guarded by mu.
	procs []*process
}

// process is one that runs in the background.
type process struct {
	cmd  *exec.Cmd
	log  *tail
	done chan struct{}
	err  error // valid after done is closed
}

func (s *shell) say(format string, args ...any) { fmt.Fprintf(s.out, "\n# "+format+"\n", args...) }

func (s *shell) show(command string) {
	fmt.Fprintf(s.out, "$ %s\n", strings.ReplaceAll(command, s.self, "lbd"))
}

// run runs a command in a host, shows what it prints, and returns it trimmed.
func (s *shell) run(ctx context.Context, h *netlab.Host, args ...string) (string, error) {
	s.show("ip netns exec " + h.NS() + " " + quote(args))
	out, err := h.Run(ctx, args[0], args[1:]...)
	fmt.Fprint(s.out, out)
	return strings.TrimSpace(out), err
}

// start runs a command in the background until the demo ends. When ready is
// not nil the first line it prints to standard output must satisfy it.
func (s *shell) start(ctx context.Context, h *netlab.Host, ready func(line string) bool, args ...string) (*process, error) {
	s.show("ip netns exec " + h.NS() + " " + quote(args) + " &")
	p := &process{cmd: h.Command(ctx, args[0], args[1:]...), log: &tail{}, done: make(chan struct{})}
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.procs = append(s.procs, p)
	s.mu.Unlock()
	line := make(chan string, 1)
	go func() {
		defer close(p.done)
		r := bufio.NewReader(stdout)
		if l, err := r.ReadString('\n'); err == nil {
			line <- l
		}
		io.Copy(io.Discard, r)
		p.err = p.cmd.Wait()
	}()
	if ready == nil {
		return p, nil
	}
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	select {
	case l := <-line:
		fmt.Fprint(s.out, l)
		if !ready(l) {
			return nil, fmt.Errorf("unexpected first line: %s", l)
		}
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%s ended: %w\n%s", args[0], errors.Join(p.err, errors.New("before it was ready")), p.log)
	case <-timeout.C:
		return nil, fmt.Errorf("%s was not ready within 20 s\n%s", args[0], p.log)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stopAll ends what start began.
func (s *shell) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.procs {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
	s.procs = nil
}

// tail keeps the last 4 KiB written to it.
type tail struct {
	mu sync.Mutex
	b  []byte // guarded by mu
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if n := len(t.b) - 4096; n > 0 {
		t.b = t.b[n:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// quote joins args so that a shell would take them apart again.
func quote(args []string) string {
	q := make([]string, len(args))
	for i, a := range args {
		if strings.ContainsAny(a, " '\"{}[]$&?*;<>|\\") || a == "" {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		q[i] = a
	}
	return strings.Join(q, " ")
}
