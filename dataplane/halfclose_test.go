package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lbd/store/model"
)

// echo is a member that sends back what it gets and passes on the end.
func echo(t testing.TB) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		io.Copy(c, r)
		c.CloseWrite()
	})
}

func TestTCPHalfCloseFromTheClient(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		got, _ := io.ReadAll(r) // ends only when the client's FIN arrives
		fmt.Fprintf(c, "got %d bytes", len(got))
	})
	start(t, Config{}, tcp(web(addr, b.addr)))
	w := dial(t, addr)
	w.send("%s", strings.Repeat("x", 300<<10))
	w.CloseWrite()
	if got, err := io.ReadAll(w); string(got) != "got 307200 bytes" || err != nil {
		t.Errorf("answer %q, %v", got, err)
	}
}

func TestTCPHalfCloseFromTheMember(t *testing.T) {
	addr := freeAddr(t)
	rest := make(chan string, 1)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		fmt.Fprint(c, "greeting")
		c.CloseWrite()
		got, _ := io.ReadAll(r)
		rest <- string(got)
	})
	start(t, Config{}, tcp(web(addr, b.addr)))
	w := dial(t, addr)
	if got, err := io.ReadAll(w); string(got) != "greeting" || err != nil {
		t.Fatalf("greeting %q, %v", got, err)
	}
	w.send("still here")
	w.CloseWrite()
	if got := <-rest; got != "still here" {
		t.Errorf("the member got %q", got)
	}
}

func TestTCPResetIsPassedOn(t *testing.T) {
	addr := freeAddr(t)
	started, ended := make(chan bool), make(chan error, 1)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		r.ReadByte()
		started <- true
		_, err := r.ReadByte()
		ended <- err
	})
	start(t, Config{}, tcp(web(addr, b.addr)))
	w := dial(t, addr)
	w.send("x")
	<-started
	w.SetLinger(0)
	w.Close()
	if err := <-ended; err == nil || err == io.EOF {
		t.Errorf("the member saw %v, want a reset", err)
	}
}

func TestTCPBulkBothWays(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, tcp(web(addr, echo(t).addr)))
	w := dial(t, addr)
	const size = 32 << 20
	go func() {
		buf := make([]byte, 1<<20)
		for i := range buf {
			buf[i] = byte(i * 7)
		}
		for range size / len(buf) {
			w.Write(buf)
		}
		w.CloseWrite()
	}()
	buf := make([]byte, 1<<20)
	for i := range size / len(buf) {
		if _, err := io.ReadFull(w, buf); err != nil {
			t.Fatalf("after %d MiB: %v", i, err)
		}
		for j := range buf {
			if buf[j] != byte(j*7) {
				t.Fatalf("byte %d of MiB %d is %d", j, i, buf[j])
			}
		}
	}
	if _, err := w.Read(buf); err != io.EOF {
		t.Errorf("end: %v", err)
	}
	c := n.counters("l", "the connection is over", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
	if c.BytesIn != size || c.BytesOut != size || c.TotalConnections != 1 {
		t.Errorf("counters %+v, want %d each way", c, size)
	}
}

func TestTCPRedispatchesOnConnectFailure(t *testing.T) {
	addr := freeAddr(t)
	good := echo(t)
	start(t, Config{}, tcp(web(addr, freeAddr(t), good.addr)))
	for i := range 4 {
		w := dial(t, addr)
		w.send("hello %d", i)
		w.CloseWrite()
		if got, err := io.ReadAll(w); string(got) != fmt.Sprintf("hello %d", i) || err != nil {
			t.Errorf("connection %d: %q, %v", i, got, err)
		}
	}
}

func TestTCPIdleTimeouts(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for range 11 { // the client is silent, but takes bytes for longer than its timeout: not idle
			time.Sleep(60 * time.Millisecond)
			fmt.Fprint(c, "tick")
		}
		r.ReadByte()
	})
	start(t, Config{}, edit(tcp(web(addr, b.addr)), func(l *model.Listener) { l.TimeoutClientData, l.TimeoutMemberData = 600, 60000 }))
	w := dial(t, addr)
	begin := time.Now()
	got, _ := io.ReadAll(w)
	took := time.Since(begin)
	if string(got) != strings.Repeat("tick", 11) || took < 1200*time.Millisecond || took > 10*time.Second {
		t.Errorf("got %q and the end after %s", got, took)
	}
}

func TestTCPWithoutMember(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, tcp(web(addr, freeAddr(t))))
	w := dial(t, addr)
	w.closed()
	if got, err := io.ReadAll(w); len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestHTTPHalfClosedClientGetsItsAnswer(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			time.Sleep(50 * time.Millisecond)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.CloseWrite()
	w.status("GET", 200)
}

func TestHTTPClientAbortIsPassedOn(t *testing.T) {
	for name, end := range map[string]func(*wire){
		"reset": func(w *wire) { w.SetLinger(0); w.Close() },
		"close": func(w *wire) { w.Close() },
	} {
		for _, answer := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst part"} {
			t.Run(fmt.Sprintf("%s/%d bytes answered", name, len(answer)), func(t *testing.T) {
				addr := freeAddr(t)
				arrived, gone := make(chan bool), make(chan time.Time, 1)
				b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
					if head(r) == "" {
						return
					}
					io.WriteString(c, answer)
					arrived <- true
					r.ReadByte()
					gone <- time.Now()
				})
				n := start(t, Config{}, edit(web(addr, b.addr), func(l *model.Listener) { l.TimeoutMemberData = 60000 }))
				w := dial(t, addr)
				w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				<-arrived
				begin := time.Now()
				end(w)
				if took := (<-gone).Sub(begin); took > finBound {
					t.Errorf("the member worked on for %s", took)
				}
				n.counters("l", "the abort is counted", func(c model.ListenerCounters) bool {
					return c.RequestErrors == 1 && c.ActiveConnections == 0
				})
			})
		}
	}
}

// finBound is generous: the grace for a half-closed client and a poll.
const finBound = 3 * time.Second
