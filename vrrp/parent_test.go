package vrrp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/tether"
)

// command to a test parent, one JSON object per line; every command is answered
// by one reply line.
type command struct {
	Do     string // "hold", "release", "report", "order", "arbiter", "succeed"
	Hold   time.Duration
	Renew  time.Duration // 0: once
	VIPs   []VIP
	Term   uint64
	VRRP   VRRP
	Raw    Order         // "order": as it is, plus
	Within time.Duration // its deadline from now, 0 for none
	Tether tether.Target // "tie"
}

type reply struct {
	At     int64 // Monotonic when the (first) order was given, or now
	Report Report
	// Answers of the arbiter, which the first "arbiter" command starts.
	Answers bool
	Gone    bool
	Told    int64 // how often Changed was signalled
	Err     string
}

// parentMain runs a Holder and does what it is told until its input closes.
func parentMain() int {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	out := json.NewEncoder(os.Stdout)
	h, err := StartHolder(HolderConfig{Command: []string{os.Args[0], HolderCommand}, Log: log})
	if err != nil {
		_ = out.Encode(reply{Err: err.Error()})
		return 1
	}
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		_ = out.Encode(reply{Err: err.Error()})
		return 1
	}
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			_, _ = io.WriteString(c, "hello")
			c.Close()
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Run(ctx); err != nil {
			log.Error("holder", "err", err)
		}
	})
	_ = out.Encode(reply{Report: h.Report()})
	stop := func() {}
	var arbiter *Arbiter
	var told atomic.Int64
	in := json.NewDecoder(os.Stdin)
	for {
		var c command
		if in.Decode(&c) != nil {
			break
		}
		r := reply{At: Monotonic()}
		switch c.Do {
		case "hold":
			stop()
			stop = holdOn(h, c)
		case "order":
			stop()
			if c.Within != 0 {
				c.Raw.Deadline = r.At + int64(c.Within)
			}
			h.Order(c.Raw)
		case "arbiter":
			if arbiter == nil {
				var cfg ArbiterConfig
				for _, v := range c.VIPs {
					cfg.Addrs = append(cfg.Addrs, v.Addr)
				}
				if arbiter, err = NewArbiter(cfg); err != nil {
					r.Err = err.Error()
					break
				}
				wg.Go(func() { _ = arbiter.Run(ctx) })
				wg.Go(func() {
					for {
						select {
						case <-arbiter.Changed():
							told.Add(1)
						case <-ctx.Done():
							return
						}
					}
				})
			}
			r.Answers, r.Gone, r.Told = arbiter.Answers(), arbiter.Gone(), told.Load()
		case "tie":
			h.Tie(h.ID(), "peer", c.Tether)
		case "succeed": // another Holder, as in another process, goes on with the child
			stop()
			stop = func() {}
			h2, err := NewHolder(HolderConfig{Log: log})
			if err == nil {
				var b *Bequest
				if b, err = h.Bequeath(ctx); err == nil {
					err = h2.Adopt(ctx, b)
				}
			}
			if err != nil {
				r.Err = err.Error()
				break
			}
			h.Abandon()
			h = h2
			wg.Go(func() { _ = h2.Run(ctx) })
			stop = holdOn(h, c)
		case "release":
			stop()
			rctx, done := context.WithTimeout(ctx, 2*time.Second)
			if err := h.Release(rctx); err != nil {
				r.Err = err.Error()
			}
			done()
		}
		r.Report = h.Report()
		_ = out.Encode(r)
	}
	stop()
	cancel()
	wg.Wait()
	return 0
}

// holdOn orders once and then every c.Renew until the returned function is called.
func holdOn(h *Holder, c command) func() {
	give := func() {
		h.Order(Order{Term: c.Term, Deadline: Monotonic() + int64(c.Hold), VIPs: c.VIPs, VRRP: c.VRRP})
	}
	give()
	if c.Renew == 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(c.Renew)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				give()
			}
		}
	}()
	return sync.OnceFunc(func() { close(done); <-ended })
}

// parent is a test parent process inside a host.
type parent struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder

	ended  sync.Once
	killed bool
}

func (h *host) parent() *parent {
	h.t.Helper()
	p, err := h.tryParent()
	if err != "" {
		h.t.Fatal(err)
	}
	return p
}

// tryParent returns the one line that a parent that cannot start would print.
func (h *host) tryParent() (started *parent, fault string) {
	h.t.Helper()
	p := &parent{t: h.t}
	h.do(func() error {
		p.cmd = exec.Command(os.Args[0], "parent")
		var err error
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return err
		}
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if os.Getenv("LBD_TEST_LOG") != "" {
			p.cmd.Stderr = os.Stderr
		}
		p.out = json.NewDecoder(out)
		return p.cmd.Start()
	})
	p.t.Cleanup(p.end)
	r := p.answer()
	return p, r.Err
}

// end closes the parent's input, which ends it, and waits.
func (p *parent) end() { p.ended.Do(p.leave) }

func (p *parent) leave() {
	p.in.Close()
	killed := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer killed.Stop()
	if err := p.cmd.Wait(); err != nil && !p.killed {
		p.t.Errorf("test parent: %v", err)
	}
}

// kill the parent without a warning.
func (p *parent) kill() {
	p.t.Helper()
	p.killed = true
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *parent) answer() reply {
	p.t.Helper()
	var r reply
	if err := p.out.Decode(&r); err != nil {
		p.t.Fatalf("test parent: %v", err)
	}
	return r
}

func (p *parent) tell(c command) reply {
	p.t.Helper()
	if err := json.NewEncoder(p.in).Encode(c); err != nil {
		p.t.Fatalf("test parent: %v", err)
	}
	r := p.answer()
	if r.Err != "" {
		p.t.Fatalf("%s: %s", c.Do, r.Err)
	}
	return r
}

func (p *parent) hold(term uint64, hold, renew time.Duration, vips ...VIP) reply {
	p.t.Helper()
	return p.tell(command{Do: "hold", Term: term, Hold: hold, Renew: renew, VIPs: vips})
}

func (p *parent) report() Report { return p.tell(command{Do: "report"}).Report }

// until waits for a report that the condition holds for.
func (p *parent) until(what string, ok func(Report) bool) Report {
	p.t.Helper()
	var r Report
	eventually(p.t, what, func() bool { r = p.report(); return ok(r) }, func() string { return fmt.Sprintf("%+v", r) })
	return r
}

func (p *parent) untilHolding(vips ...VIP) Report {
	p.t.Helper()
	return p.until("VIPs held", func(r Report) bool {
		return !slices.ContainsFunc(vips, func(v VIP) bool { return !slices.Contains(r.Holding, v.Addr) })
	})
}

// signal the holder process, or the parent itself.
func (p *parent) signalHolder(s unix.Signal) {
	p.t.Helper()
	if err := unix.Kill(p.report().PID, s); err != nil {
		p.t.Fatal(err)
	}
}

// alive: a process that waits to be reaped has released everything.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(b, []byte(") Z "))
}

// eventually polls a condition for at most 10 s.
func eventually(t *testing.T, what string, ok func() bool, state func() string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in 10 s: %s; state: %s", what, state())
		}
		<-time.After(2 * time.Millisecond)
	}
}

func vipOf(s string) VIP { return VIP{netip.MustParseAddr(s), "eth0"} }
