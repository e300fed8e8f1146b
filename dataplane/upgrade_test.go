package dataplane

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"lbd/store/model"
)

const (
	wsRequest = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	wsAnswer  = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)

// tunnelHead reads the head of an answer and leaves what follows.
func tunnelHead(w *wire) string {
	w.t.Helper()
	h := head(w.r)
	if h == "" {
		w.t.Fatal("no answer")
	}
	return h
}

func TestUpgradeTunnels(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		h := head(r)
		if len(field(h, "Upgrade")) != 1 || len(field(h, "Sec-WebSocket-Key")) != 1 {
			t.Errorf("the member got %q", h)
		}
		io.WriteString(c, wsAnswer+"server first|")
		io.Copy(c, r)
		io.WriteString(c, "|server last")
	})
	n := start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("%s", wsRequest+"early ")
	h := tunnelHead(w)
	if !strings.HasPrefix(h, "HTTP/1.1 101 ") || len(field(h, "Upgrade")) != 1 {
		t.Fatalf("answer %q", h)
	}
	big := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB: spliced
	go func() {
		w.send("%s", big)
		w.CloseWrite() // half-close: the member's last words still come
	}()
	got, err := io.ReadAll(w.r)
	if want := "server first|early " + big + "|server last"; err != nil || string(got) != want {
		t.Errorf("%d bytes through the tunnel, want %d; %v", len(got), len(want), err)
	}
	in, out := w.out.Load(), w.in.Load()
	c := n.counters("l", "the tunnel is over", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
	if c.BytesIn != in || c.BytesOut != out || c.Requests != 1 || c.RequestErrors != 0 {
		t.Errorf("counters %+v, want %d in and %d out", c, in, out)
	}
}

func TestUpgradeRefusedByTheMember(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, page(t, "plain").addr))
	w := dial(t, addr)
	w.send("%s", wsRequest)
	if body := w.status("GET", 200); body != "plain" {
		t.Errorf("body %q", body)
	}
	if _, body := w.get("/"); body != "plain" { // the connection stays HTTP
		t.Errorf("second request: %q", body)
	}
}

func TestOtherUpgradesAreNotPassedOn(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, empty200)
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
	w.status("GET", 200)
	h := <-heads
	if field(h, "Upgrade") != nil || field(h, "HTTP2-Settings") != nil {
		t.Errorf("the member got %q", h)
	}
}

func TestUpgradeToAnotherProtocolThanAsked(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, strings.Replace(wsAnswer, "websocket", "other", 1))
		io.Copy(io.Discard, r)
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("%s", wsRequest)
	w.status("GET", 502)
}
