package dataplane

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"lbd/internal/testutil/poll"
	"lbd/store/model"
)

func everything(netip.Addr) bool { return true }

// TestQuiesceEndsWhatRunsAndLeavesNewcomersUnanswered is what a planned move of the
// VIPs rests on: no request is cut, and no client is told anything but silence.
func TestQuiesceEndsWhatRunsAndLeavesNewcomersUnanswered(t *testing.T) {
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
	busy := dial(t, addr)
	idle := make([]*wire, 16) // so many that each event loop has some
	for i := range idle {
		idle[i] = dial(t, addr)
		go func() { <-arrived; finish <- true }()
		idle[i].get("/")
	}
	busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	quiet := make(chan bool)
	go func() { n.Quiesce(context.Background(), everything); close(quiet) }()
	for _, c := range idle { // the last one's end is every loop's word that it knows
		if err := c.closed(); err != nil {
			t.Errorf("kept-alive connection: %v, want a clean end", err)
		}
	}
	select {
	case <-quiet:
		t.Error("Quiesce did not wait for the answer under way")
	default:
	}
	newcomer := make(chan error, 1)
	go func() {
		c, err := net.DialTimeout("tcp", addr.String(), 10*time.Second)
		if err == nil {
			c.Close()
		}
		newcomer <- err
	}()
	finish <- true
	if resp, body := busy.answer("GET"); body != "done" || !resp.Close {
		t.Errorf("answer %q with close=%v, want done and Connection: close", body, resp.Close)
	}
	<-quiet
	select {
	case err := <-newcomer:
		t.Fatalf("a newcomer was answered while the node is quiet: %v", err)
	default:
	}
	n.Resume(context.Background())
	if err := <-newcomer; err != nil { // its kernel asks again after a second
		t.Errorf("a newcomer after Resume: %v", err)
	}
	go func() { <-arrived; finish <- true }()
	dial(t, addr).get("/")
}

// TestQuiesceWaitsForWhomTheKernelHasConnected: a request in the accept queue, as on a
// busy machine, is answered before the addresses may move.
func TestQuiesceWaitsForWhomTheKernelHasConnected(t *testing.T) {
	addr := freeAddr(t)
	arrived, finish := make(chan bool), make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			arrived <- true
			<-finish
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone")
		}
	})
	n := start(t, Config{}, edit(web(addr, b.addr), func(l *model.Listener) { l.ConnectionLimit = 1 }))
	waiting := make([]*wire, 4) // one is served, others wait at the limit and in the queue
	for i := range waiting {
		waiting[i] = dial(t, addr)
		waiting[i].send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	<-arrived
	quiet := make(chan bool)
	go func() { n.Quiesce(context.Background(), everything); close(quiet) }()
	poll.Until(t, "newcomers are left unanswered", func() (hushed bool) {
		return n.inRun(t.Context(), func() { hushed = n.sockets.hushed != nil }) && hushed
	})
	time.Sleep(2 * quiesceSettle) // who was waited for by time is forgotten by now
	for range waiting[1:] {
		finish <- true
		<-arrived
	}
	select {
	case <-quiet:
		t.Error("Quiesce did not wait for the request that was in the queue")
	case <-time.After(quiesceWithin / 10):
	}
	finish <- true
	for _, c := range waiting {
		if _, body := c.answer("GET"); body != "done" {
			t.Errorf("answer %q, want done", body)
		}
	}
	<-quiet
}

// TestQuiesceIsBounded: what does not end by itself holds nothing up.
func TestQuiesceIsBounded(t *testing.T) {
	addr := freeAddr(t)
	arrived := make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		close(arrived)
		_, _ = r.ReadByte() // until the client has gone
	})
	n := start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	began := time.Now()
	n.Quiesce(context.Background(), everything)
	if took := time.Since(began); took < quiesceWithin || took > quiesceWithin+2*time.Second {
		t.Errorf("Quiesce took %v, want %v", took, quiesceWithin)
	}
	w.Close()
}

// TestQuiesceLeavesOtherAddressesAlone: those that do not move go on.
func TestQuiesceLeavesOtherAddressesAlone(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr, page(t, "one").addr))
	w := dial(t, addr)
	w.get("/")
	n.Quiesce(context.Background(), func(netip.Addr) bool { return false })
	w.get("/")
	dial(t, addr).get("/")
	n.stop()
	n.Quiesce(context.Background(), everything) // after the end: returns
}
