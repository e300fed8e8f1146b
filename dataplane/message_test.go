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

	"lbd/store/model"
)

// mirror answers with the body it got, framed as the path asks.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.URL.Path == "/length" {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	w.Header().Set("X-Trailers", fmt.Sprint(len(r.Trailer)))
	if r.URL.Path == "/chunked" {
		w.(http.Flusher).Flush()
	}
	w.Write(body)
}

func chunk(body string, size int) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

func TestBodiesInEveryFramingAndSize(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, handler(t, mirror)))
	w := dial(t, addr)
	for _, size := range []int{0, 1, 10, 4 << 10, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64 << 10, 200 << 10, 3 << 20} {
		body := strings.Repeat("0123456789", size/10+1)[:size]
		for _, path := range []string{"/length", "/chunked"} {
			for _, up := range []string{"length", "chunked", "chunked in bytes"} {
				if up == "chunked in bytes" && size > 64<<10 {
					continue
				}
				done := make(chan bool)
				go func() {
					defer close(done)
					switch up {
					case "length":
						w.send("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, size, body)
					case "chunked":
						w.send("POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s", path, chunk(body, 5000))
					default:
						w.send("POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s", path, chunk(body, 7))
					}
				}()
				resp, got := w.answer("POST")
				<-done
				if resp.StatusCode != 200 || got != body {
					t.Fatalf("%d bytes %s to %s: %s with %d bytes", size, up, path, resp.Status, len(got))
				}
				if resp.Close {
					t.Errorf("%d bytes %s to %s: the connection is closed", size, up, path)
					w = dial(t, addr)
				}
			}
		}
	}
}

func TestRequestInSingleBytes(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, handler(t, mirror)))
	w := dial(t, addr)
	for _, req := range []string{
		"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	} {
		for i := range len(req) {
			w.send("%s", req[i:i+1])
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		if body := w.status("POST", 200); body != "hello" {
			t.Errorf("body %q", body)
		}
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, handler(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "0") {
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Fprintf(w, "%s %s", r.URL.Path, body)
	})))
	w := dial(t, addr)
	var all strings.Builder
	for i := range 50 {
		if i%3 == 0 {
			fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i)
		} else {
			fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		}
	}
	w.send("%s", all.String())
	for i := range 50 {
		want := fmt.Sprintf("/%d ", i)
		if i%3 == 0 {
			want += "abc"
		}
		if body := w.status("GET", 200); body != want {
			t.Fatalf("answer %d is %q, want %q", i, body, want)
		}
	}
}

func TestAnswersWithoutBody(t *testing.T) {
	addr := freeAddr(t)
	answers := map[string]string{
		"/204":  "HTTP/1.1 204 No Content\r\n\r\n",
		"/304":  "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: \"x\"\r\n\r\n",
		"/head": "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
		"/te":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	}
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			io.WriteString(c, answers[strings.Fields(h)[1]])
		}
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for _, tc := range []struct{ method, path string }{{"GET", "/204"}, {"GET", "/304"}, {"HEAD", "/head"}, {"HEAD", "/te"}, {"GET", "/204"}} {
		w.send("%s %s HTTP/1.1\r\nHost: a\r\n\r\n", tc.method, tc.path)
		resp, body := w.answer(tc.method)
		if body != "" || resp.Close {
			t.Errorf("%s %s: %s, body %q, close %v", tc.method, tc.path, resp.Status, body, resp.Close)
		}
	}
	if n := b.conns.Load(); n != 1 {
		t.Errorf("%d member connections, want 1", n)
	}
}

func TestUntilCloseAnswer(t *testing.T) {
	addr := freeAddr(t)
	body := strings.Repeat("x", 100000)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		if head(r) != "" {
			io.WriteString(c, "HTTP/1.0 200 OK\r\nX: y\r\n\r\n"+body)
		}
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for range 2 {
		if resp, got := w.get("/"); got != body || resp.Close {
			t.Errorf("%d bytes, close %v; want %d on a connection that stays", len(got), resp.Close, len(body))
		}
	}
	w.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
	if resp, got := w.answer("GET"); got != body || len(resp.TransferEncoding) > 0 {
		t.Errorf("HTTP/1.0: %d bytes, coding %v", len(got), resp.TransferEncoding)
	}
	w.closed()
}

func TestHTTP10Clients(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, handler(t, mirror)))
	for _, tc := range []struct {
		fields string
		keep   bool
	}{{"", false}, {"Connection: keep-alive\r\n", true}} {
		w := dial(t, addr)
		w.send("POST /length HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n%s\r\nhi", tc.fields)
		resp, body := w.answer("POST")
		if body != "hi" || len(resp.TransferEncoding) > 0 {
			t.Errorf("%q: body %q, coding %v", tc.fields, body, resp.TransferEncoding)
		}
		if !tc.keep {
			w.closed()
			continue
		}
		w.send("POST /chunked HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n%s\r\nho", tc.fields)
		if resp, body := w.answer("POST"); body != "ho" || len(resp.TransferEncoding) > 0 {
			t.Errorf("chunked answer: body %q, coding %v", body, resp.TransferEncoding)
		}
		w.closed() // without a length only the end can delimit
	}
}

func TestExpectContinue(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, handler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			http.Error(w, "no", http.StatusExpectationFailed)
			return
		}
		mirror(w, r)
	})))
	w := dial(t, addr)
	w.send("POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	if h := head(w.r); !strings.HasPrefix(h, "HTTP/1.1 100 ") {
		t.Fatalf("before the body: %q", h)
	}
	w.send("hello")
	if body := w.status("POST", 200); body != "hello" {
		t.Errorf("body %q", body)
	}
	w.send("POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	resp, _ := w.answer("POST")
	if resp.StatusCode != 417 || !resp.Close {
		t.Errorf("refusal: %s, close %v", resp.Status, resp.Close)
	}
	w.closed()
}

func TestInformationalAnswers(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	n := start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if h := head(w.r); !strings.HasPrefix(h, "HTTP/1.1 103 ") || len(field(h, "Link")) != 1 {
		t.Errorf("hint %q", h)
	}
	w.status("GET", 200)
	w.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
	if body := w.status("GET", 200); body != "ok" {
		t.Errorf("HTTP/1.0: %q", body)
	}
	n.counters("l", "only final answers are counted", func(c model.ListenerCounters) bool { return c.Requests == 2 })
}

func TestEarlyAnswerWhileTheUploadGoesOn(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		buf := make([]byte, 5)
		for range 3 { // echoes while the request is not complete
			if _, err := io.ReadFull(r, buf); err != nil {
				return
			}
			fmt.Fprintf(c, "5\r\n%s\r\n", buf)
		}
		io.WriteString(c, "0\r\n\r\n")
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n")
	resp, err := http.ReadResponse(w.r, &http.Request{Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	for i := range 3 {
		msg := fmt.Sprintf("ping%d", i)
		w.send("%s", msg)
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != msg {
			t.Fatalf("echo %d: %q, %v", i, buf, err)
		}
	}
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("rest %q, %v", rest, err)
	}
}

func TestEarlyRefusalEndsTheUpload(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntoo big")
		c.CloseWrite()
		time.Sleep(50 * time.Millisecond)
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
	go func() {
		part := make([]byte, 64<<10)
		for {
			if _, err := w.TCPConn.Write(part); err != nil {
				return
			}
		}
	}()
	resp, body := w.answer("POST")
	if resp.StatusCode != 413 || body != "too big" || !resp.Close {
		t.Errorf("%s %q close=%v", resp.Status, body, resp.Close)
	}
}

func TestAlgorithmsShareTraffic(t *testing.T) {
	addr := freeAddr(t)
	a, b := page(t, "a").addr, page(t, "b").addr
	svc := web(addr, a, b)
	n := start(t, Config{}, svc)
	count := func() map[string]int {
		got := map[string]int{}
		w := dial(t, addr)
		for range 12 {
			_, body := w.get("/")
			got[body]++
		}
		return got
	}
	if got := count(); got["a"] != 6 || got["b"] != 6 {
		t.Errorf("round robin: %v", got)
	}
	weighted := web(addr, a, b)
	weighted.Pools[0].Members[0].Weight = 3
	n.apply(weighted)
	if got := count(); got["a"] != 9 || got["b"] != 3 {
		t.Errorf("weights 3 and 1: %v", got)
	}
	source := web(addr, a, b)
	source.Pools[0].Pool.Algorithm = model.SourceIP
	n.apply(source)
	if got := count(); len(got) != 1 {
		t.Errorf("source IP: %v", got)
	}
	backup := web(addr, a, b)
	backup.Pools[0].Members[0].Backup = true
	n.apply(backup)
	if got := count(); got["b"] != 12 {
		t.Errorf("a is backup: %v", got)
	}
}
