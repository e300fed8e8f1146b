package dataplane

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Trailers cross in both directions; what must not be there does not, and a
// connection that carried them is used again (RFC 9110 section 6.5).
func TestTrailersAreSentOn(t *testing.T) {
	addr := freeAddr(t)
	got := make(chan http.Header, 1)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
			got <- req.Trailer
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\nX-Forwarded-For: spoofed\r\nContent-Length: 9\r\n\r\n")
		}
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for range 3 {
		w.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")
		resp, body := w.answer("POST")
		if body != "ok" || resp.Trailer.Get("Grpc-Status") != "0" || len(resp.Trailer) != 1 {
			t.Errorf("answer %q with trailers %v", body, resp.Trailer)
		}
		if sum := (<-got).Get("X-Sum"); sum != "7" {
			t.Errorf("the member got X-Sum %q", sum)
		}
	}
	if n := b.conns.Load(); n != 1 {
		t.Errorf("%d member connections", n)
	}
}

// A body without them does not get those of the body before it.
func TestTrailersDoNotLinger(t *testing.T) {
	addr := freeAddr(t)
	answers := []string{
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", // sent on in chunks
	}
	n := 0
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			a := answers[n]
			n++
			io.WriteString(c, a)
			if strings.Contains(a, "close") {
				return
			}
		}
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for i, want := range []int{1, 0} {
		w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, body := w.answer("GET")
		if body != "ok" || len(resp.Trailer) != want {
			t.Errorf("answer %d: %q with trailers %v", i, body, resp.Trailer)
		}
	}
}
