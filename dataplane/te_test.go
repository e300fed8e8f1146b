package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lbd/dataplane/semantics"
)

// trailing answers with chunks and the trailer section it is given.
func trailing(t testing.TB, head_, section string) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n%s\r\n", head_, section)
		}
	})
}

func TestTrailersOfAnAnswer(t *testing.T) {
	addr := freeAddr(t)
	member := trailing(t, "Trailer: X-Sum\r\n", "X-Sum: 42\r\nContent-Length: 7\r\nSet-Cookie: a=b\r\nX_Real.IP: 1.2.3.4\r\n")
	start(t, Config{}, web(addr, member.addr))
	w := dial(t, addr)
	for range 2 { // the member's connection is used again
		w.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
		resp, body := w.answer("GET")
		if body != "ok" || len(resp.Trailer) != 1 || resp.Trailer.Get("X-Sum") != "42" {
			t.Errorf("asked for: %s %q, trailers %v", resp.Status, body, resp.Trailer)
		}
		w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, body = w.answer("GET")
		if body != "ok" || len(resp.Trailer) != 1 {
			t.Errorf("not asked for: %s %q, trailers %v", resp.Status, body, resp.Trailer)
		}
	}
	if n := member.conns.Load(); n != 1 {
		t.Errorf("%d connections to the member", n)
	}
	w.send("GET / HTTP/1.0\r\nHost: a\r\nTE: trailers\r\n\r\n")
	if resp, body := w.answer("GET"); body != "ok" || len(resp.Trailer) != 0 {
		t.Errorf("HTTP/1.0: %s %q, trailers %v", resp.Status, body, resp.Trailer)
	}
}

func TestTrailersOfARequest(t *testing.T) {
	addr := freeAddr(t)
	seen := make(chan http.Header, 1)
	member := handler(t, func(_ http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err != nil || len(b) == 0 {
			t.Errorf("the member read %d bytes: %v", len(b), err)
		}
		seen <- r.Trailer
	})
	start(t, Config{}, web(addr, member))
	for _, size := range []int{2, 100 << 10} { // within the first buffer, and by the upload
		w := dial(t, addr)
		w.send("POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n%sX-Sum: 42\r\nX-Client-IP: 6.6.6.6\r\n\r\n",
			strings.TrimSuffix(chunk(strings.Repeat("y", size), 1000), "\r\n"))
		w.status("POST", 200)
		if tr := <-seen; tr.Get("X-Sum") != "42" || tr.Get("X-Client-IP") != "" {
			t.Errorf("%d bytes: the member got trailers %v", size, tr)
		}
	}
	w := dial(t, addr)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")
	w.status("POST", 400)
}

// A body of a GET has no meaning but is framed like any other (RFC 9110 9.3.1): it
// goes on with its framing, and what follows is the next request.
func TestGETWithABody(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, handler(t, mirror)))
	w := dial(t, addr)
	smuggled := "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
	w.send("GET /length HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(smuggled), smuggled)
	if body := w.status("GET", 200); body != smuggled {
		t.Errorf("the member read %q", body)
	}
	w.send("GET /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s", chunk("abc", 2))
	if body := w.status("GET", 200); body != "abc" {
		t.Errorf("the member read %q", body)
	}
}

// Old clients send CRLF behind a body: the connection is idle then, not in a head.
func TestStrayLineBeforeARequest(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{Limits: semantics.Limits{Head: 50 * time.Millisecond, KeepAlive: 10 * time.Second}}, web(addr, handler(t, mirror)))
	w := dial(t, addr)
	for _, stray := range []string{"\r\n", "\r", "\r\n"} {
		w.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
		w.status("POST", 200)
		w.send("%s", stray)
		w.SetReadDeadline(time.Now().Add(300 * time.Millisecond)) // longer than a head may take
		if b, err := w.r.Peek(1); err == nil || len(b) > 0 {
			t.Fatalf("after %q the client is told %q, %v", stray, b, err)
		}
		w.SetReadDeadline(time.Now().Add(10 * time.Second))
		if stray == "\r" {
			w.send("\n")
		}
	}
	w.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\nPOST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ndef")
	w.status("POST", 200)
	if body := w.status("POST", 200); body != "def" {
		t.Errorf("behind the stray line: %q", body)
	}
	w.send("\r\n\r\n") // twice: a head has begun, and does not go on
	w.status("GET", 408)
}
