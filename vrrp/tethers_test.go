package vrrp

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/tether"
)

// tie ties the parent's holder to a server on h and returns what gets the time
// when the server knew that the holder was gone.
func (p *parent) tie(h *host) <-chan int64 {
	p.t.Helper()
	var s *tether.Server
	err := h.try(func() (err error) { s, err = tether.Listen(""); return err })
	if errors.Is(err, tether.ErrUnsupported) {
		p.t.Skipf("SKIP %s: %v", p.t.Name(), err)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { s.Close() })
	ended := make(chan int64, 1)
	port, key, token, err := s.Expect(func() { ended <- Monotonic() })
	if err != nil {
		p.t.Fatal(err)
	}
	p.tell(command{Do: "tie", Tether: tether.Target{Addr: netip.AddrPortFrom(h.ip, port), Key: key, Token: token}})
	p.until("tied", func(r Report) bool { return slices.Contains(r.Tied, "peer") })
	return ended
}

// A tether's end is the proof on which another node claims: from then on nothing
// may answer, whichever process died and however.
func TestNothingAnswersOnceATetherHasEnded(t *testing.T) {
	for _, how := range []struct {
		name string
		kill func(*parent)
	}{
		{"holder killed", func(p *parent) { p.signalHolder(unix.SIGKILL) }},
		{"parent killed", func(p *parent) { p.kill() }},
		{"both killed", func(p *parent) {
			pid := p.report().PID
			for _, s := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} {
				_ = unix.Kill(pid, s) // alive, or else the test fails for want of an end
				_ = unix.Kill(p.cmd.Process.Pid, s)
			}
			p.killed = true
		}},
	} {
		t.Run(how.name, func(t *testing.T) {
			for range 4 {
				n := newNetwork(t)
				node, client := n.host(1), n.host(2)
				p, vips := node.parent(), manyVIPs(100)
				w := client.watch(50*time.Microsecond, vips[0].Addr, vips[99].Addr)
				ended := p.tie(client)
				p.hold(1, time.Minute, 0, vips...)
				p.untilHolding(vips...)
				w.await("an ARP answer", answered)
				if how.name == "holder killed" {
					p.tell(command{Do: "order"}) // or the next one would claim
					p.hold(1, time.Minute, 0, vips...)
				}
				begun := Monotonic()
				how.kill(p)
				var at int64
				select {
				case at = <-ended:
				case <-time.After(10 * time.Second):
					t.Fatal("the tether has not ended")
				}
				if how.name != "parent killed" && how.name != "both killed" {
					p.tell(command{Do: "order"})
				}
				w.quiet(20 * time.Millisecond)
				late := lastAfter(w.stop(), node.mac, begun)
				t.Logf("the end after %v, the last answer after %v", time.Duration(at-begun), late)
				if late > time.Duration(at-begun) {
					t.Errorf("answered for %v after the tether's end", late-time.Duration(at-begun))
				}
				p.end()
			}
		})
	}
}

// Without this, a program that the kernel refuses would only cost time.
func TestExitHookLoadsAndKnowsThisProcess(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, for eBPF")
	}
	g, err := newGate(&bestHook{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	h, err := watchExit(g.deadline)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOENT) {
		t.Skipf("SKIPPED: tracepoints may not be used here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var dead uint64
	if err := g.deadline.Lookup(deadMark, &dead); err != nil || dead != 0 {
		t.Errorf("the mark of a living process is %d, %v", dead, err)
	}
}
