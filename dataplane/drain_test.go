package dataplane

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"lbd/dataplane/semantics"
	"lbd/store/model"
)

func TestDrainClosesIdleConnectionsAtOnce(t *testing.T) {
	addr := freeAddr(t)
	svc := web(addr, page(t, "one").addr)
	n := start(t, Config{}, svc)
	served, fresh := dial(t, addr), dial(t, addr)
	served.get("/")
	n.counters("l", "both connections are taken", func(c model.ListenerCounters) bool { return c.TotalConnections == 2 })
	n.apply(edit(svc, func(l *model.Listener) { l.AdminStateUp = false }))
	if err := served.closed(); err != nil {
		t.Errorf("kept-alive connection: %v, want a clean end", err)
	}
	if err := fresh.closed(); err != nil {
		t.Errorf("connection without a request: %v, want a clean end", err)
	}
	if _, err := net.Dial("tcp", addr.String()); err == nil {
		t.Error("the socket of a listener that is down still accepts")
	}
	c := n.counters("l", "no connection is left", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
	if c.Requests != 1 || c.TotalConnections != 2 || c.RequestErrors != 0 {
		t.Errorf("counters %+v", c)
	}
}

// TestDrainWaitsForWhoHasJustConnected: a client that is slower than a planned move gets its
// answer; one that asks nothing holds nobody up.
func TestDrainWaitsForWhoHasJustConnected(t *testing.T) {
	addr := freeAddr(t)
	svc := web(addr, page(t, "one").addr)
	for try := range 20 {
		n := start(t, Config{}, svc)
		began := time.Now()
		asks, silent := dial(t, addr), dial(t, addr)
		n.counters("l", "both connections are taken", func(c model.ListenerCounters) bool { return c.TotalConnections == 2 })
		n.apply()
		asks.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if sent := time.Since(began); sent > semantics.Newcomer/2 {
			t.Logf("try %d: the request was sent after %s, on a busy machine", try, sent)
			n.stop()
			continue
		}
		if resp, body := asks.answer("GET"); body != "one" || !resp.Close {
			t.Errorf("answer %q with close=%v, want the page and Connection: close", body, resp.Close)
		}
		if err := silent.closed(); err != nil {
			t.Errorf("a connection without a request: %v, want a clean end", err)
		}
		if took := time.Since(began); took < semantics.Newcomer {
			t.Errorf("it ended after %s, want %s at least", took, semantics.Newcomer)
		}
		return
	}
	t.Error("no request could be sent in time in 20 tries")
}

func TestDrainLetsTheAnswerUnderWayFinish(t *testing.T) {
	addr := freeAddr(t)
	arrived, finish := make(chan bool), make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			arrived <- true
			<-finish
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
		}
	})
	n := start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	idle := make([]*wire, 16) // so many that each event loop has some
	for i := range idle {
		idle[i] = dial(t, addr)
	}
	n.counters("l", "all connections are taken", func(c model.ListenerCounters) bool { return c.TotalConnections == int64(len(idle))+1 })
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	n.apply()                // everything is deleted
	for _, c := range idle { // the last one's end is every loop's word that it knows
		if err := c.closed(); err != nil {
			t.Errorf("connection without a request: %v, want a clean end", err)
		}
	}
	close(finish)
	resp, body := w.answer("GET")
	if body != "done" || !resp.Close {
		t.Errorf("answer %q with close=%v, want done and Connection: close", body, resp.Close)
	}
	if err := w.closed(); err != nil {
		t.Errorf("end: %v", err)
	}
}

func TestDrainCutsAfterItsBound(t *testing.T) {
	for _, mode := range []string{"http", "tcp"} {
		t.Run(mode, func(t *testing.T) {
			addr := freeAddr(t)
			arrived := make(chan bool)
			ended := make(chan error, 1)
			b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				head(r)
				arrived <- true
				_, err := r.ReadByte() // never answers
				ended <- err
			})
			svc := web(addr, b.addr)
			if mode == "tcp" {
				svc = tcp(svc)
			}
			n := start(t, Config{Drain: 200 * time.Millisecond}, svc)
			w := dial(t, addr)
			w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			<-arrived
			begin := time.Now()
			n.apply()
			w.closed()
			if took := time.Since(begin); took < 150*time.Millisecond || took > 3*time.Second {
				t.Errorf("cut after %s, want about 200ms", took)
			}
			if err := <-ended; err == nil {
				t.Error("the member's connection goes on")
			}
		})
	}
}

// TestDrainDoesNotWaitForWhomNothingReaches: a tunnel to an address that has gone to
// another node ends at once, whether it drains already or is about to.
func TestDrainDoesNotWaitForWhomNothingReaches(t *testing.T) {
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) { io.Copy(c, r) })
	for _, order := range []string{"drained, then abandoned", "abandoned, then drained"} {
		t.Run(order, func(t *testing.T) {
			gone := freeAddr(t)
			stays := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), gone.Port())
			svc := tcp(web(gone, b.addr))
			svc.Addresses = append(svc.Addresses, stays.Addr())
			n := start(t, Config{Drain: time.Hour}, svc)
			lost, kept := dial(t, gone), dial(t, stays)
			echoes := func(w *wire) {
				t.Helper()
				w.send("hello\n")
				if got, err := w.r.ReadString('\n'); got != "hello\n" {
					t.Fatalf("echo %q, %v", got, err)
				}
			}
			echoes(lost)
			echoes(kept)
			if order == "drained, then abandoned" {
				n.apply()
				echoes(lost)
				n.Abandon([]netip.Addr{gone.Addr()})
			} else {
				n.Abandon([]netip.Addr{gone.Addr()})
				echoes(lost)
				n.apply()
			}
			if _, err := lost.r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the tunnel to the address that has gone: %v, want its end", err)
			}
			echoes(kept)
			kept.Close()
		})
	}
}

func TestDrainOnStop(t *testing.T) {
	addr := freeAddr(t)
	arrived, finish := make(chan bool), make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			arrived <- true
			<-finish
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
		}
	})
	n := start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	stopped := make(chan bool)
	go func() { n.stop(); close(stopped) }()
	until(t, "the socket is closed", func() bool {
		c, err := net.Dial("tcp", addr.String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	close(finish)
	if _, body := w.answer("GET"); body != "done" {
		t.Errorf("answer %q", body)
	}
	<-stopped
}

func TestRemovedMemberFinishesItsRequests(t *testing.T) {
	addr := freeAddr(t)
	arrived, finish := make(chan bool), make(chan bool)
	old := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			arrived <- true
			<-finish
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
		}
	})
	svc := web(addr, old.addr)
	n := start(t, Config{}, svc)
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	next := web(addr, page(t, "new").addr)
	next.Pools[0].Members[0].ID = "other"
	n.apply(next)
	close(finish)
	if resp, body := w.answer("GET"); body != "old" || resp.Close {
		t.Errorf("request under way: %q, close=%v", body, resp.Close)
	}
	if _, body := w.get("/"); body != "new" {
		t.Errorf("next request on the same connection went to %q", body)
	}
}
