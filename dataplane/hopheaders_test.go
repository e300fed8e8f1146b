package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"lbd/store/model"
)

// recorder keeps the heads it was sent and answers 200.
func recorder(t testing.TB, answer string) (*raw, <-chan string) {
	heads := make(chan string, 64)
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			heads <- h
			io.WriteString(c, answer)
		}
	}), heads
}

const empty200 = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

func field(head, name string) []string {
	var out []string
	for _, line := range strings.Split(head, "\r\n")[1:] {
		k, v, _ := strings.Cut(line, ":")
		if strings.EqualFold(k, name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

func TestHopByHopHeadersStayOnTheirHop(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: yes\r\n\r\n")
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: 300\r\nTE: gzip\r\nProxy-Connection: x\r\nX-End: to-end\r\n\r\n")
	resp, _ := w.answer("GET")
	h := <-heads
	if !strings.HasPrefix(h, "GET /a?b HTTP/1.1\r\n") {
		t.Errorf("request line in %q", h)
	}
	for _, name := range []string{"X-Private", "Keep-Alive", "Proxy-Connection", "TE"} {
		if v := field(h, name); v != nil {
			t.Errorf("%s %q reached the member", name, v)
		}
	}
	if v := field(h, "X-End"); len(v) != 1 || v[0] != "to-end" {
		t.Errorf("X-End is %q at the member", v)
	}
	if resp.Header.Get("X-Secret") != "" || resp.Header.Get("Keep-Alive") != "" || resp.Header.Get("X-Kept") != "yes" {
		t.Errorf("answer fields %v", resp.Header)
	}
}

func TestInsertedHeadersCannotBeForged(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, empty200)
	start(t, Config{}, edit(web(addr, b.addr), func(l *model.Listener) {
		l.InsertHeaders = map[string]string{"X-Forwarded-Proto": "true", "X-Forwarded-Port": "True", "X-Forwarded-For": "true", "X-Real-IP": "false"}
	}))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-Proto, X-Forwarded-Port\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\n\r\n")
	w.status("GET", 200)
	h := <-heads
	for name, want := range map[string]string{"X-Forwarded-Proto": "http", "X-Forwarded-Port": fmt.Sprint(addr.Port())} {
		if v := field(h, name); len(v) != 1 || v[0] != want {
			t.Errorf("%s is %q at the member, want only %q", name, v, want)
		}
	}
	if v := field(h, "X-Forwarded-For"); len(v) == 0 || !strings.HasSuffix(v[len(v)-1], "127.0.0.1") {
		t.Errorf("X-Forwarded-For is %q at the member", v)
	}
	if v := field(h, "X-Real-IP"); v != nil {
		t.Errorf("X-Real-IP is %q although it is off", v)
	}
}

func TestNodeHeader(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{NodeName: "node-1", NodeHeader: "X-Served-By"}, web(addr, page(t, "x").addr))
	w := dial(t, addr)
	if resp, _ := w.get("/"); resp.Header.Get("X-Served-By") != "node-1" {
		t.Errorf("answer fields %v", resp.Header)
	}
	svc := web(addr)
	n.apply(svc)
	if resp, _ := w.get("/"); resp.StatusCode != 503 || resp.Header.Get("X-Served-By") != "node-1" {
		t.Errorf("own answer: %s %v", resp.Status, resp.Header)
	}
}

func TestFramingAttacksAreRefused(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, empty200)
	n := start(t, Config{}, web(addr, b.addr))
	bad := []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	}
	for _, req := range bad {
		w := dial(t, addr)
		w.send("%s", req)
		w.CloseWrite()
		resp, _, err := w.tryAnswer("POST")
		if err == nil && (resp.StatusCode < 400 || resp.StatusCode > 505 || !resp.Close) {
			t.Errorf("%q: %s, close=%v", req, resp.Status, resp.Close)
		}
	}
	select {
	case h := <-heads:
		t.Errorf("the member got %q", h)
	default:
	}
	c := n.counters("l", "every one is counted", func(c model.ListenerCounters) bool { return c.RequestErrors >= int64(len(bad)) })
	if c.RequestErrors != int64(len(bad)) || c.Requests != 0 {
		t.Errorf("counters %+v for %d bad requests", c, len(bad))
	}
}

func TestMalformedChunkMidway(t *testing.T) {
	addr := freeAddr(t)
	arrived, ended := make(chan bool, 1), make(chan string, 1)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		arrived <- true
		rest, _ := io.ReadAll(r)
		ended <- string(rest)
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	<-arrived
	w.send("zz\r\nabc\r\n0\r\n\r\n")
	w.status("POST", 400)
	w.closed()
	if got := <-ended; strings.Contains(got, "0\r\n\r\n") {
		t.Errorf("the member got a complete body: %q", got)
	}
}
