package dataplane

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"

	"lbd/dataplane/conn"
	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// Who wants to hold lbd up, or to make it hold much: it has bounds, and others
// are served meanwhile.

// heap is what is in use; a second collection empties pools.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// stalls waits until progress tells of nothing more for a while, and gives the last word.
func stalls(progress <-chan int) (last int) {
	for {
		select {
		case last = <-progress:
		case <-time.After(400 * time.Millisecond):
			return last
		}
	}
}

// An upload is as fast as the member takes it: what it does not take stays with
// the client, whatever there is of it.
func TestUploadWaitsForTheMember(t *testing.T) {
	const part = 64 << 10
	size := 96 << 20
	if !withLoops {
		size = 40 << 20 // TLS under the race detector takes its time
	}
	for _, framing := range []string{"length", "chunked"} {
		t.Run(framing, func(t *testing.T) {
			read, got := make(chan bool), make(chan int64, 1)
			b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				if err := c.SetReadBuffer(64 << 10); err != nil {
					t.Error(err)
				}
				h := head(r)
				<-read
				if framing == "length" {
					n, _ := io.CopyN(io.Discard, r, int64(size))
					got <- n
				} else {
					n := int64(0)
					for line, err := r.ReadString('\n'); err == nil && line != "0\r\n"; line, err = r.ReadString('\n') {
						var k int64
						fmt.Sscanf(line, "%x", &k)
						m, _ := io.CopyN(io.Discard, r, k)
						r.Discard(2)
						n += m
					}
					r.Discard(2)
					got <- n
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 0*len(h))
			})
			e, _ := newEdge(t, b.addr, func(l *model.Listener) { l.TimeoutClientData, l.TimeoutMemberData = 20_000, 20_000 })
			c, r := e.dial()
			before := heap()
			progress, rest := make(chan int, 4096), make(chan error, 1)
			go func() {
				p := []byte(strings.Repeat("x", part))
				how := fmt.Sprintf("Content-Length: %d", size)
				if framing == "chunked" {
					how = "Transfer-Encoding: chunked"
					p = fmt.Appendf(nil, "%x\r\n%s\r\n", part, p)
				}
				_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", how)
				for n := 0; n < size && err == nil; n += part {
					_, err = c.Write(p)
					progress <- n
				}
				if framing == "chunked" && err == nil {
					_, err = io.WriteString(c, "0\r\n\r\n")
				}
				rest <- err
			}()
			if n := stalls(progress); n > size*3/4 {
				t.Errorf("%d MiB went to a member that reads nothing", n>>20)
			}
			if grown := heap() - before; grown > 4<<20 {
				t.Errorf("%d KiB are held for it", grown>>10)
			}
			close(read)
			if err := <-rest; err != nil {
				t.Fatal(err)
			}
			if n := <-got; n != int64(size) {
				t.Errorf("%d bytes arrived, want %d", n, size)
			}
			if h := head(r); !strings.HasPrefix(h, "HTTP/1.1 200 ") {
				t.Errorf("answer %q", h)
			}
		})
	}
}

// Hundreds that trickle heads and bodies, or read nothing, cost a socket each, and
// are cut off at their time; who asks meanwhile is answered.
func TestSlowClientsHoldNobodyUp(t *testing.T) {
	const each = 40
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			switch {
			case h == "":
				return
			case strings.Contains(h, " /big "):
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64<<20)
				if _, err := io.Copy(c, io.LimitReader(zeroes{}, 64<<20)); err != nil {
					return
				}
			case strings.HasPrefix(h, "POST "):
				io.Copy(io.Discard, r)
				return
			default:
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
	const patience = 600
	n := start(t, Config{Limits: conn.Limits{Head: patience * time.Millisecond}}, edit(web(addr, b.addr), func(l *model.Listener) { l.TimeoutClientData = patience }))
	good := dial(t, addr)
	good.get("/")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	trickle := func(w *wire, what string) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
				if _, err := io.WriteString(w.TCPConn, what); err != nil {
					return
				}
			}
		})
	}
	for range each {
		head, body, reader := dial(t, addr), dial(t, addr), dial(t, addr)
		head.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
		trickle(head, "y")
		body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n") // and nothing of it
		reader.SetReadBuffer(16 << 10)
		reader.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	n.counters("l", "all of them are here", func(c model.ListenerCounters) bool { return c.TotalConnections == 3*each+1 })
	for range 30 {
		good.status1(t)
	}
	n.counters("l", "all of them are cut off", func(c model.ListenerCounters) bool { return c.ActiveConnections == 1 && c.RequestErrors == 3*each })
	good.status1(t)
	close(stop)
	wg.Wait()
}

// status1 is one request that must be answered.
func (w *wire) status1(t *testing.T) {
	t.Helper()
	w.SetDeadline(time.Now().Add(10 * time.Second))
	if resp, body := w.get("/"); resp.StatusCode != 200 || body != "ok" {
		t.Fatalf("%s %q", resp.Status, body)
	}
}

// What one HTTP/2 connection does to be a burden ends that connection, or stays
// within its bounds; another one is served all the time.
func TestHTTP2FloodsLeaveOthersAlone(t *testing.T) {
	e, _ := http2Edge(t)
	good := e.dialHTTP2()
	id := uint32(1)
	before := heap()
	served := func(during string) {
		t.Helper()
		good.SetDeadline(time.Now().Add(e.wait))
		good.headers(id, true, asks(":path", "/probe"))
		if got := good.outcome(id); got != "200" {
			t.Fatalf("during %s another connection got %q", during, got)
		}
		id += 2
	}
	// open begins a request that is never complete.
	open := func(w *h2Wire, i uint32) { w.headers(2*i+1, false, asks(":method", "POST", "content-length", "5")) }
	for name, flood := range map[string]func(w *h2Wire, i uint32) error{
		"rapid reset": func(w *h2Wire, i uint32) error {
			open(w, i)
			return w.fr.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
		},
		"resets that we send": func(w *h2Wire, i uint32) error {
			w.headers(2*i+1, true, asks("X", "malformed"))
			return nil
		},
		"resets by bad windows": func(w *h2Wire, i uint32) error {
			open(w, i)
			return w.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, 2*i+1, make([]byte, 4))
		},
		"settings": func(w *h2Wire, i uint32) error {
			return w.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: i})
		},
		"settings by the thousand": func(w *h2Wire, i uint32) error {
			many := make([]http2.Setting, 2730)
			for j := range many {
				many[j] = http2.Setting{ID: http2.SettingInitialWindowSize, Val: i}
			}
			return w.fr.WriteSettings(many...)
		},
		"a block that unpacks to 16 MiB": func(w *h2Wire, i uint32) error {
			block := bytes.Repeat([]byte{0xbe}, 4<<10) // the newest of the table
			if i == 0 {
				block = w.block(asks("x", strings.Repeat("y", 4000)))
			}
			return w.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block, EndStream: true, EndHeaders: true})
		},
		"tables of no size": func(w *h2Wire, i uint32) error {
			block := bytes.Repeat([]byte{0x20}, 4<<10)
			return w.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block, EndStream: true, EndHeaders: true})
		},
		"ping":           func(w *h2Wire, i uint32) error { return w.fr.WritePing(false, [8]byte{}) },
		"priority":       func(w *h2Wire, i uint32) error { return w.fr.WritePriority(2*i+1, http2.PriorityParam{StreamDep: 0}) },
		"window in ones": func(w *h2Wire, i uint32) error { return w.fr.WriteWindowUpdate(0, 1) },
		"unknown":        func(w *h2Wire, i uint32) error { return w.fr.WriteRawFrame(0x77, 0, 0, nil) },
		"empty data": func(w *h2Wire, i uint32) error {
			return openThen(w, i, func() error { return w.fr.WriteData(1, false, nil) })
		},
		"one byte at a time": func(w *h2Wire, i uint32) error {
			return openThen(w, i, func() error { return w.fr.WriteData(1, false, []byte("x")) })
		},
		"padding alone": func(w *h2Wire, i uint32) error {
			return openThen(w, i, func() error { return w.fr.WriteDataPadded(1, false, nil, make([]byte, 200)) })
		},
		"continuation": func(w *h2Wire, i uint32) error {
			if i == 0 {
				return w.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, w.block(asks()))
			}
			return w.fr.WriteContinuation(1, false, nil)
		},
		"large continuation": func(w *h2Wire, i uint32) error {
			if i == 0 {
				return w.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, w.block(asks()))
			}
			return w.fr.WriteContinuation(1, false, w.block([]string{"x", strings.Repeat("y", 10000)}))
		},
	} {
		w := e.dialHTTP2()
		sent := make(chan bool)
		go func() {
			defer close(sent)
			for i := range uint32(20_000) {
				if flood(w, i) != nil {
					return // it was cut
				}
			}
		}()
		served(name)
		got := w.outcome(0)
		if got != "goaway ENHANCE_YOUR_CALM" && !(strings.HasPrefix(got, "end: ") && !strings.Contains(got, "timeout")) {
			t.Errorf("%s: %q", name, got)
		}
		if grown := heap() - before; grown > 8<<20 { // by all of them together
			t.Errorf("%s: %d KiB are held for it", name, grown>>10)
		}
		w.Close()
		<-sent
		served(name)
	}
}

// openThen opens stream 1 first.
func openThen(w *h2Wire, i uint32, f func() error) error {
	if i == 0 {
		w.headers(1, false, asks(":method", "POST"))
	}
	return f()
}

// A client that asks for much and opens no window is held to what it may have:
// members are not read for it, and its streams end at their time.
func TestHTTP2ShutWindows(t *testing.T) {
	const streams, size = 40, 8 << 20
	var sent, over atomic.Int64
	block := make([]byte, 64<<10) // of all members: what they hold themselves is not judged
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		if head(r) == "" {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		for n := 0; n < size; n += len(block) {
			if _, err := c.Write(block); err != nil {
				break
			}
			sent.Add(int64(len(block)))
		}
		over.Add(1)
	})
	e := &edge{t: t, addr: freeAddr(t), wait: 20 * time.Second}
	n := start(t, Config{Keys: clear{}}, edit(https(keep(web(e.addr, b.addr), pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")), nil), func(l *model.Listener) { l.TimeoutClientData = 800 }))
	w := e.dialHTTP2()
	before := heap()
	w.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for i := range uint32(streams) {
		w.headers(2*i+1, true, asks())
	}
	until(t, "all streams are at their member", func() bool { return b.conns.Load() == streams })
	if grown := heap() - before; grown > streams*128<<10 {
		t.Errorf("%d KiB are held for %d streams", grown>>10, streams)
	}
	resets := 0
	for resets < streams {
		f, err := w.fr.ReadFrame()
		if err != nil {
			t.Fatalf("after %d resets: %v", resets, err)
		}
		switch f.(type) {
		case *http2.RSTStreamFrame:
			resets++
		case *http2.DataFrame:
			t.Fatal("DATA through a shut window")
		}
	}
	until(t, "the members are let go", func() bool { return over.Load() == streams })
	if got := sent.Load(); got > streams*size*3/4 {
		t.Errorf("members could send %d of %d MiB", got>>20, streams*size>>20)
	}
	w.Close()
	n.counters("l", "the connection is over", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
}

// Signals interrupt system calls, and asynchronous preemption is made of them.
func TestSignalsInterruptNothing(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr, page(t, "x").addr))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			tasks, err := os.ReadDir("/proc/self/task")
			if err != nil {
				t.Error(err)
				return
			}
			for _, task := range tasks {
				var tid int
				fmt.Sscan(task.Name(), &tid)
				unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // what the runtime uses: it ignores those it has not sent
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	w := dial(t, addr)
	for range 300 {
		w.get("/")
		dial(t, addr).get("/")
	}
	close(stop)
	wg.Wait()
	n.counters("l", "all were counted", func(c model.ListenerCounters) bool { return c.Requests == 600 && c.RequestErrors == 0 })
}
