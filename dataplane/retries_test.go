package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// onceThenClosed answers one request per connection and then closes it without
// saying so beforehand: what is pooled is always stale.
func onceThenClosed(t testing.TB, body string, requests *atomic.Int64) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		if head(r) == "" {
			return
		}
		requests.Add(1)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	})
}

func TestStalePooledConnectionIsNotSeen(t *testing.T) {
	for _, method := range []string{"GET", "PUT", "POST"} {
		t.Run(method, func(t *testing.T) {
			addr := freeAddr(t)
			var requests atomic.Int64
			b := onceThenClosed(t, "ok", &requests)
			start(t, Config{}, web(addr, b.addr))
			w := dial(t, addr)
			for i := range 20 {
				w.send("%s /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", method, i)
				if body := w.status(method, 200); body != "ok" {
					t.Fatalf("request %d: %q", i, body)
				}
				if method == "POST" {
					time.Sleep(5 * time.Millisecond) // the member's FIN is here: it is looked for
				}
			}
			if n := requests.Load(); n != 20 {
				t.Errorf("the member answered %d requests, want 20", n)
			}
		})
	}
}

// refuser takes requests and closes without an answer.
func refuser(t testing.TB, requests *atomic.Int64) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		if head(r) != "" {
			requests.Add(1)
		}
	})
}

func TestIdempotentRequestIsRepeatedOnceElsewhere(t *testing.T) {
	addr := freeAddr(t)
	var bad atomic.Int64
	start(t, Config{}, web(addr, refuser(t, &bad).addr, page(t, "good").addr))
	for range 4 {
		w := dial(t, addr)
		if resp, body := w.get("/"); resp.StatusCode != 200 || body != "good" {
			t.Errorf("%s %q", resp.Status, body)
		}
	}
	if bad.Load() == 0 {
		t.Error("the bad member was never tried")
	}
}

func TestOthersAreNotRepeated(t *testing.T) {
	addr := freeAddr(t)
	var n atomic.Int64
	start(t, Config{}, web(addr, refuser(t, &n).addr, refuser(t, &n).addr))
	w := dial(t, addr)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
	w.status("POST", 502)
	if n.Load() != 1 {
		t.Errorf("a POST was sent %d times", n.Load())
	}
	n.Store(0)
	w = dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.status("GET", 502)
	if n.Load() != 2 {
		t.Errorf("a GET was sent %d times, want 2: once and one repetition", n.Load())
	}
}

func TestConnectFailureGoesToAnotherMember(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, freeAddr(t), page(t, "good").addr, freeAddr(t)))
	w := dial(t, addr)
	for i := range 6 { // POST: nothing was sent, so it may go elsewhere
		w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
		resp, body := w.answer("POST")
		// This member does not read bodies; only the status matters.
		if resp.StatusCode != 200 {
			t.Fatalf("request %d: %s %q", i, resp.Status, body)
		}
		w = dial(t, addr)
	}
}

func TestNoMemberIs503(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr))
	for name, svc := range map[string]func(){
		"no members":         func() { n.apply(web(addr)) },
		"no pool":            func() { s := web(addr); s.Listeners[0].DefaultPool = ""; n.apply(s) },
		"pool not there":     func() { s := web(addr); s.Pools = nil; n.apply(s) },
		"connection refused": func() { n.apply(web(addr, freeAddr(t))) },
		"weight 0":           func() { s := web(addr, page(t, "x").addr); s.Pools[0].Members[0].Weight = 0; n.apply(s) },
		"member down":        func() { s := web(addr, page(t, "x").addr); s.Pools[0].Members[0].AdminStateUp = false; n.apply(s) },
	} {
		svc()
		w := dial(t, addr)
		for range 2 { // and the connection stays usable
			w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, _ := w.answer("GET")
			if resp.StatusCode != 503 {
				t.Errorf("%s: %s", name, resp.Status)
			}
		}
		w.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
		if body := w.status("HEAD", 503); body != "" {
			t.Errorf("%s: body %q for HEAD", name, body)
		}
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		want   int // 0: the client must not take it for complete
	}{
		"not HTTP":           {"SSH-2.0-x\r\n\r\n", 502},
		"half a head":        {"HTTP/1.1 200 OK\r\nContent-", 502},
		"both framings":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502},
		"two lengths":        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502},
		"head too long":      {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", 502},
		"unasked 101":        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 502},
		"endless 1xx":        {strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 40), 502},
		"short body":         {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello", 0},
		"short large body":   {"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + strings.Repeat("x", 100<<10), 0},
		"broken chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n", 502},
		"chunks break later": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n96000\r\n" + strings.Repeat("y", 0x96000) + "\r\nnonsense\r\n", 0},
		"chunks without end": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			addr := freeAddr(t)
			b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				head(r)
				io.WriteString(c, tc.answer)
				c.CloseWrite()
				io.Copy(io.Discard, r)
			})
			start(t, Config{}, web(addr, b.addr))
			for _, version := range []string{"1.1", "1.0"} {
				w := dial(t, addr)
				w.send("POST / HTTP/%s\r\nHost: a\r\nContent-Length: 0\r\n\r\n", version)
				resp, body, err := w.tryAnswer("POST")
				for err == nil && resp.StatusCode/100 == 1 {
					resp, body, err = w.tryAnswer("POST")
				}
				switch {
				case tc.want != 0 && (err != nil || resp.StatusCode != tc.want):
					t.Errorf("HTTP/%s: %v, %v, want %d", version, resp, err, tc.want)
				case tc.want == 0 && err == nil:
					t.Errorf("HTTP/%s: %s with %d bytes looks complete", version, resp.Status, len(body))
				}
			}
		})
	}
}

func TestBytesBehindAnAnswerAreDropped(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		}
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for range 5 {
		if _, body := w.get("/"); body != "ok" {
			t.Fatalf("answer %q", body)
		}
	}
	if n := b.conns.Load(); n != 5 {
		t.Errorf("%d connections for 5 requests: one with bytes left over was used again", n)
	}
}

func TestPooledConnectionsAreReused(t *testing.T) {
	addr := freeAddr(t)
	b := page(t, "x")
	start(t, Config{Loops: 1}, web(addr, b.addr)) // every loop has its own
	for range 10 {
		w := dial(t, addr)
		w.get("/")
		w.Close()
	}
	if n := b.conns.Load(); n != 1 {
		t.Errorf("%d member connections for requests one after the other, want 1", n)
	}
}
