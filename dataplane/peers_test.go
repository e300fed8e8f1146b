package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// raw is a member that a test scripts: fn serves each connection, which is
// closed when it returns.
type raw struct {
	addr  netip.AddrPort
	conns atomic.Int64 // accepted so far
	ln    net.Listener
}

func backend(t testing.TB, fn func(c *net.TCPConn, r *bufio.Reader)) *raw {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &raw{addr: ln.Addr().(*net.TCPAddr).AddrPort(), ln: ln}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		open = make(map[net.Conn]bool)
		over bool
	)
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b.conns.Add(1)
			mu.Lock()
			if over {
				c.Close()
			}
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				fn(c.(*net.TCPConn), bufio.NewReader(c))
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		over = true
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return b
}

// head reads a request head as it came, "" at the end of the stream.
func head(r *bufio.Reader) string {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return ""
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// page answers every request, kept alive, with body and counts.
func page(t testing.TB, body string) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			if strings.HasPrefix(h, "HEAD ") {
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
				continue
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
}

// handler is a member served by net/http: a second opinion on what we send.
func handler(t testing.TB, fn http.HandlerFunc) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: fn, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(ln)
	}()
	t.Cleanup(func() { srv.Close(); <-done })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// wire is a client that writes and reads bytes.
type wire struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader

	in, out atomic.Int64 // bytes read and written
}

func dial(t testing.TB, addr netip.AddrPort) *wire {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr.String(), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{TCPConn: c.(*net.TCPConn), t: t}
	w.r = bufio.NewReader(w)
	w.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { w.Close() })
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.TCPConn.Read(p)
	w.in.Add(int64(n))
	return n, err
}

// send writes formatted bytes.
func (w *wire) send(format string, args ...any) {
	w.t.Helper()
	n, err := fmt.Fprintf(w.TCPConn, format, args...)
	w.out.Add(int64(n))
	if err != nil {
		w.t.Fatalf("send: %v", err)
	}
}

// answer reads one answer to a request with method, with its body.
func (w *wire) answer(method string) (*http.Response, string) {
	w.t.Helper()
	resp, body, err := w.tryAnswer(method)
	if err != nil {
		w.t.Fatalf("read answer: %v (body so far %q)", err, body)
	}
	return resp, body
}

func (w *wire) tryAnswer(method string) (*http.Response, string, error) {
	resp, err := http.ReadResponse(w.r, &http.Request{Method: method})
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// get is one request on the connection.
func (w *wire) get(path string) (*http.Response, string) {
	w.t.Helper()
	w.send("GET %s HTTP/1.1\r\nHost: www.example.test\r\n\r\n", path)
	return w.answer("GET")
}

// status wants code from one answer.
func (w *wire) status(method string, code int) string {
	w.t.Helper()
	resp, body := w.answer(method)
	if resp.StatusCode != code {
		w.t.Fatalf("status %s, want %d (body %q)", resp.Status, code, body)
	}
	return body
}

// closed waits for the end of the stream and says how it ended.
func (w *wire) closed() error {
	w.t.Helper()
	b, err := io.ReadAll(w.r)
	if len(b) > 0 {
		w.t.Errorf("%q before the end of the stream", b)
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		w.t.Fatal("the connection stays open")
	}
	return err
}
