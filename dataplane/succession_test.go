package dataplane

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/store/model"
)

// succeed starts a second engine on the sockets of n, as another process would
// that got copies of the descriptors. It accepts nothing yet.
func succeed(t *testing.T, n *node, verdict func(model.PoolID, model.MemberID) (model.MemberHealth, bool), services ...*model.Service) *node {
	t.Helper()
	open, err := n.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	fds := map[netip.AddrPort]int{}
	for _, o := range open {
		rc, err := o.Conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := rc.Control(func(fd uintptr) { fds[o.Addr], err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) }); err != nil {
			t.Fatal(err)
		}
	}
	return start(t, Config{Held: true, Verdict: verdict, Inherited: func(network string, a netip.AddrPort) (int, bool) {
		fd, ok := fds[a]
		delete(fds, a)
		return fd, ok && network == "tcp"
	}}, services...)
}

// TestSuccessionFailsNoRequest: under new and kept connections an engine gives its
// sockets to another one, and nobody notices; what is under way ends well.
func TestSuccessionFailsNoRequest(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
		}
	})
	old := start(t, Config{}, web(addr, b.addr))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	var asked, kept, closes atomic.Int64
	for i := range 6 {
		wg.Go(func() {
			var w *wire
			for ctx.Err() == nil {
				if w == nil {
					w = dial(t, addr)
				}
				w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				resp, body := w.answer("GET")
				if body != "done" {
					t.Errorf("answer %q", body)
					return
				}
				asked.Add(1)
				if kept.Add(1); resp.Close {
					closes.Add(1)
				}
				if resp.Close || i%2 == 0 {
					w.Close()
					w = nil
				}
			}
		})
	}
	silent := dial(t, addr) // connected, and asks later
	old.until("requests", func() bool { return asked.Load() > 100 })
	heir := succeed(t, old, nil, web(addr, b.addr))
	if !heir.Begin(context.Background()) {
		t.Fatal("the successor has ended")
	}
	idle := make(chan bool)
	go func() { old.Retire(context.Background(), 20*time.Second); close(idle) }()
	heir.counters("l", "the successor serves", func(c model.ListenerCounters) bool { return c.Requests > 100 })
	select {
	case <-idle:
		t.Error("the old engine does not wait for who has connected and not asked")
	default:
	}
	if resp, body := silent.get("/"); body != "done" || !resp.Close {
		t.Errorf("late request: %q, close=%v; want done and Connection: close", body, resp.Close)
	}
	<-idle
	cancel()
	wg.Wait()
	old.stop()
	if closes.Load() == 0 {
		t.Error("no kept connection was told to go")
	}
	dial(t, addr).get("/")
}

// TestSuccessionKeepsRelays: a TCP connection goes on in the old engine for as long
// as its ends want, and is cut at the bound.
func TestSuccessionKeepsRelays(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(c, l)
		}
	})
	old := start(t, Config{}, tcp(web(addr, b.addr)))
	echo := func(w *wire, s string) {
		t.Helper()
		w.send("%s\n", s)
		if l, err := w.r.ReadString('\n'); err != nil || l != s+"\n" {
			t.Fatalf("echo of %s: %q, %v", s, l, err)
		}
	}
	one, two := dial(t, addr), dial(t, addr)
	echo(one, "before")
	echo(two, "before")
	heir := succeed(t, old, nil, tcp(web(addr, b.addr)))
	heir.Begin(context.Background())
	ctx, cut := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() { old.Retire(ctx, time.Hour); close(done) }()
	old.until("the old engine has let go of its sockets", func() bool {
		open, err := old.Open(context.Background())
		return err == nil && len(open) == 0
	})
	third := dial(t, addr)
	echo(third, "new")
	heir.counters("l", "the new connection is the successor's", func(c model.ListenerCounters) bool { return c.ActiveConnections == 1 })
	echo(one, "after")
	if n := old.Connections(); n != 2 {
		t.Errorf("the old engine has %d connections, want 2", n)
	}
	one.Close()
	old.until("the first is gone", func() bool { return old.Connections() == 1 })
	cut()
	<-done
	if err := two.closed(); err == nil {
		t.Error("a connection beyond the bound ended cleanly, want a reset")
	}
	echo(third, "after the end")
}

// TestSuccessorKnowsWhoIsDown: no request goes to a member that the process before
// has found down.
func TestSuccessorKnowsWhoIsDown(t *testing.T) {
	addr := freeAddr(t)
	svc := web(addr, freeAddr(t))
	svc.Pools[0].Monitor = &model.HealthMonitor{
		Base: svc.Listeners[0].Base, ID: "hm", Pool: "p", Type: model.MonitorTCP, Delay: 3600, Timeout: 1, MaxRetries: 3, MaxRetriesDown: 3,
	}
	since := time.Now().Add(-time.Minute)
	known := model.MemberHealth{Status: model.Failing, Reason: "refused", Since: since}
	heir := start(t, Config{Verdict: func(p model.PoolID, m model.MemberID) (model.MemberHealth, bool) {
		return known, p == "p" && m == "m0"
	}}, svc)
	h := heir.Report().Members["m0"]
	if h.Status != model.Failing || !h.Since.Equal(since) {
		t.Errorf("the successor begins with %+v, want %+v", h, known)
	}
}
