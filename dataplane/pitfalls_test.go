package dataplane

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// What bites event loops, one test each; those that other files have already are
// framing, retries, half-closes and limits.

// A short read does not mean that nothing follows when the end comes with it.
func TestEndThatComesWithTheDataIsSeen(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, tcp(web(addr, echo(t).addr)))
	for i := range 50 {
		w := dial(t, addr)
		w.send("%d", i)
		w.CloseWrite()
		if got, err := io.ReadAll(w); string(got) != fmt.Sprint(i) || err != nil {
			t.Fatalf("connection %d: %q, %v", i, got, err)
		}
		w.Close()
	}
	n.counters("l", "no connection leaks", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
}

// After a stall no new edge tells that there was more to read.
func TestTCPGoesOnAfterAStall(t *testing.T) {
	addr := freeAddr(t)
	const size = 24 << 20
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		r.ReadByte()
		io.Copy(c, io.LimitReader(zeroes{}, size))
	})
	start(t, Config{}, tcp(web(addr, b.addr)))
	w := dial(t, addr)
	if err := w.SetReadBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	w.send("x")
	got := int64(0)
	for range 5 { // stop and go
		time.Sleep(20 * time.Millisecond)
		n, err := io.CopyN(io.Discard, w, 1<<20)
		got += n
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
	}
	n, err := io.Copy(io.Discard, w)
	if got += n; got != size || err != nil {
		t.Errorf("%d bytes, want %d; %v", got, size, err)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// Few long connections must not all land on one loop.
func TestConnectionsAreSpreadOverLoops(t *testing.T) {
	if !withLoops {
		t.Skip("no loops")
	}
	addr := freeAddr(t)
	n := start(t, Config{Loops: 2}, web(addr, page(t, "x").addr))
	const count = 64
	for range count {
		dial(t, addr).get("/")
	}
	n.until("both loops have their share", func() bool {
		return n.workers[0].loop.Load() >= count/4 && n.workers[1].loop.Load() >= count/4
	})
}

// Bytes that nobody asked for, sent after an answer, are no answer to the next request.
func TestUnaskedBytesOnAParkedConnection(t *testing.T) {
	addr := freeAddr(t)
	extra, sent := make(chan bool), make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			<-extra
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			sent <- true
		}
	})
	start(t, Config{Loops: 1}, web(addr, b.addr))
	w := dial(t, addr)
	for i := range 50 {
		if _, body := w.get("/"); body != "ok" {
			t.Fatalf("request %d got %q", i, body)
		}
		extra <- true
		<-sent
	}
}

func TestAcceptedSocketsDoNotDelay(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr, page(t, "x").addr))
	raw, err := n.sockets.open[addr].ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if v, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY); v != 1 || err != nil {
			t.Errorf("TCP_NODELAY is %d, %v", v, err)
		}
	})
}

func TestPanicEndsOneConnectionOnly(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{Loops: 1}, web(addr, page(t, "x").addr))
	n.rule(decides{"/boom", func() { panic("boom") }})
	other, w := dial(t, addr), dial(t, addr)
	other.get("/")
	w.send("GET /boom HTTP/1.1\r\nHost: a\r\n\r\n")
	w.closed()
	other.get("/")
	dial(t, addr).get("/")
	n.until("it is counted", func() bool { return n.panics.Load() == 1 })
	n.counters("l", "the connection is given back", func(c model.ListenerCounters) bool { return c.ActiveConnections == 2 })
	n.panics.Store(0) // the harness wants none
}

// A kept-alive connection in clear meets a pool whose members speak TLS: another
// engine goes on with it, and what was read already goes with it.
func TestPipelinedRequestsSurviveAHandOver(t *testing.T) {
	addr := freeAddr(t)
	m := secureMember(t, &tls.Config{Certificates: []tls.Certificate{pki.NewCA(t, "ca").ECDSA("member").TLS()}}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.URL.Path)
	})
	n := start(t, Config{Keys: clear{}}, web(addr, page(t, "clear").addr))
	w := dial(t, addr)
	w.get("/")
	svc := web(addr, m)
	svc.Pools[0].Pool.TLS = &model.PoolTLS{Enabled: true, Versions: []string{"TLSv1.3"}, ALPN: []string{"http/1.1"}}
	n.apply(svc)
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
	}
	w.send("%s", all.String())
	for i := range 20 {
		if body := w.status("GET", 200); body != fmt.Sprintf("/%d", i) {
			t.Fatalf("answer %d is %q", i, body)
		}
	}
	in, out := w.out.Load(), w.in.Load()
	w.Close()
	c := n.counters("l", "the connection is over", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
	if c.TotalConnections != 1 || c.Requests != 21 || c.BytesIn != in || c.BytesOut != out || c.RequestErrors != 0 {
		t.Errorf("counters %+v, want %d in and %d out", c, in, out)
	}
}
