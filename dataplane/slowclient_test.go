package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lbd/dataplane/conn"
	"lbd/store/model"
)

func TestHeadTimeoutIsAbsolute(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{Limits: conn.Limits{Head: 300 * time.Millisecond}}, web(addr, page(t, "x").addr))
	w := dial(t, addr)
	begin := time.Now()
	go func() { // a byte now and then must not extend it
		for range 100 {
			if _, err := w.TCPConn.Write([]byte("G")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	resp, _ := w.answer("GET")
	if took := time.Since(begin); resp.StatusCode != 408 || took < 250*time.Millisecond || took > 2*time.Second {
		t.Errorf("status %d after %s, want 408 after 300ms", resp.StatusCode, took)
	}
	n.counters("l", "the error is counted", func(c model.ListenerCounters) bool { return c.RequestErrors == 1 && c.Requests == 0 })
}

func TestIdleConnectionIsClosedSilently(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{Limits: conn.Limits{KeepAlive: 100 * time.Millisecond}}, web(addr, page(t, "x").addr))
	w := dial(t, addr)
	w.get("/")
	if err := w.closed(); err != nil {
		t.Errorf("end: %v", err)
	}
	if err := dial(t, addr).closed(); err != nil {
		t.Errorf("without a request: %v", err)
	}
	if c := n.Report().Listeners["l"]; c.RequestErrors != 0 {
		t.Errorf("%d request errors", c.RequestErrors)
	}
}

func TestBodyTimeout(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, edit(web(addr, page(t, "x").addr), func(l *model.Listener) { l.TimeoutClientData = 200 }))
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		io.Copy(io.Discard, r)
	})
	n.apply(edit(web(addr, b.addr), func(l *model.Listener) { l.TimeoutClientData = 200 }))
	w := dial(t, addr)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
	w.status("POST", 408)
	w.closed()
}

func TestMemberTimeout(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
		}
	})
	n := start(t, Config{}, edit(web(addr, b.addr), func(l *model.Listener) { l.TimeoutMemberData = 200 }))
	w := dial(t, addr)
	begin := time.Now()
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.status("GET", 504)
	if took := time.Since(begin); took < 150*time.Millisecond || took > 2*time.Second {
		t.Errorf("504 after %s, want about 200ms", took)
	}
	if c := b.conns.Load(); c != 1 {
		t.Errorf("%d connections: a request that may have arrived was repeated after a timeout", c)
	}
	n.counters("l", "the request is counted as answered", func(c model.ListenerCounters) bool { return c.Requests == 1 && c.RequestErrors == 0 })
}

// kernelHolds returns how many bytes the kernel may keep of an answer that nobody reads:
// the member's send buffer, lbd's receive and send buffers, each as large as the kernel
// lets it grow by itself (32 MiB of tcp_rmem since Linux 6.18), and the client's 128 KiB.
func kernelHolds(t *testing.T) int {
	t.Helper()
	most := func(name string) int {
		text, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
		if err != nil {
			t.Fatal(err)
		}
		v := strings.Fields(string(text))
		n, err := strconv.Atoi(v[len(v)-1])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return 2*most("tcp_wmem") + most("tcp_rmem") + 128<<10
}

func TestSlowReaderHoldsTheMemberBack(t *testing.T) {
	const ours = 4 << 20 // more than lbd itself may keep of one answer
	bound := kernelHolds(t) + ours
	part := strings.Repeat("x", 64<<10)
	size := (bound + 16<<20) / len(part) * len(part)
	for _, framing := range []string{"length", "chunked", "close"} {
		t.Run(framing, func(t *testing.T) {
			addr := freeAddr(t)
			sent := make(chan int, 1)
			progress := make(chan int, 1024)
			b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				head(r)
				switch framing {
				case "length":
					fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
				case "chunked":
					fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
				case "close":
					fmt.Fprint(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
				}
				n := 0
				for n < size {
					var err error
					if framing == "chunked" {
						_, err = fmt.Fprintf(c, "%x\r\n%s\r\n", len(part), part)
					} else {
						_, err = io.WriteString(c, part)
					}
					if err != nil {
						break
					}
					n += len(part)
					progress <- n
				}
				if framing == "chunked" {
					fmt.Fprint(c, "0\r\n\r\n")
				}
				sent <- n
			})
			start(t, Config{}, web(addr, b.addr))
			w := dial(t, addr)
			// What the kernel holds for a client that does not read is not ours to bound.
			if err := w.SetReadBuffer(64 << 10); err != nil {
				t.Fatal(err)
			}
			w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			last := 0
			for stalled := false; !stalled; {
				select {
				case last = <-progress:
				case <-time.After(300 * time.Millisecond):
					stalled = true
				}
			}
			if last > bound {
				t.Errorf("the member could send %d MiB to a client that reads nothing, want at most %d", last>>20, bound>>20)
			}
			go func() {
				for range progress {
				}
			}()
			_, body := w.answer("GET")
			if len(body) != size || <-sent != size {
				t.Errorf("%d bytes arrived, want %d", len(body), size)
			}
			close(progress)
		})
	}
}

func TestStalledReaderIsCutOff(t *testing.T) {
	addr := freeAddr(t)
	over := make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		const size = 256 << 20 // more than the kernel holds for who does not read
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		if n, err := io.Copy(c, io.LimitReader(zeroes{}, size)); err == nil {
			t.Errorf("the member could send all %d bytes", n)
		}
		close(over)
	})
	n := start(t, Config{}, edit(web(addr, b.addr), func(l *model.Listener) { l.TimeoutClientData = 200 }))
	w := dial(t, addr)
	if err := w.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-over // its write fails
	n.counters("l", "the abort is counted", func(c model.ListenerCounters) bool { return c.RequestErrors == 1 && c.ActiveConnections == 0 })
}
