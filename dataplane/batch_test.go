package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"lbd/dataplane/http1"
	"lbd/dataplane/route"
	"lbd/dataplane/table"
	"lbd/store/model"
)

// What one batch of events brings: tests hold a loop up, let things happen in an
// order of theirs, and let it go.

// hold stops the only loop of n until release.
func (n *node) hold() (release func()) {
	n.t.Helper()
	held, free := make(chan bool), make(chan bool)
	n.workers[0].loop.Post(func() {
		close(held)
		<-free
	})
	<-held
	return func() { close(free) }
}

// decides is a rule that calls a function, on the loop, for requests with a path.
type decides struct {
	path string
	fn   func()
}

func (d decides) Decide(r *http1.Request, _ *route.Client) (route.Verdict[*table.Pool], bool) {
	if string(r.Path) == d.path {
		d.fn()
	}
	return route.Verdict[*table.Pool]{}, false
}

// rule puts a step before those of n's listener "l".
func (n *node) rule(step route.Step[*table.Pool]) {
	for _, s := range n.sockets.open {
		b := s.cur.Load()
		if l := *b.lis.Load(); l.ID == "l" {
			l.Route.Steps = []route.Step[*table.Pool]{step}
			b.lis.Store(&l)
		}
	}
}

// babbler is a member that says something unasked behind its answer to /first when told.
func babbler(t *testing.T) (b *raw, arrived, answer, extra, sent chan bool) {
	arrived, answer, extra, sent = make(chan bool), make(chan bool), make(chan bool), make(chan bool)
	b = backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			first := strings.HasPrefix(h, "GET /first ")
			if first {
				arrived <- true
				<-answer
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if first {
				answer <- true
				if !<-extra {
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				sent <- true
			}
		}
	})
	return b, arrived, answer, extra, sent
}

// The member of a parked connection speaks after a request has come for which it
// would be taken, and before the loop has seen either.
func TestUnaskedBytesBehindARequestInABatch(t *testing.T) {
	if !withLoops {
		t.Skipf("SKIP %s: goroutines serve in this run, event loops in the other", t.Name())
	}
	b, arrived, answer, extra, sent := babbler(t)
	defer close(extra)
	addr := freeAddr(t)
	n := start(t, Config{Loops: 1}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	answer <- true
	<-answer
	w.status("GET", 200)
	release := n.hold()
	w.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	extra <- true
	<-sent
	release()
	if body := w.status("GET", 200); body != "ok" {
		t.Errorf("the second request got %q", body)
	}
}

// A connection is parked and taken again in one batch, and its member speaks in
// between: no event can have told.
func TestUnaskedBytesWithinABatch(t *testing.T) {
	if !withLoops {
		t.Skipf("SKIP %s: goroutines serve in this run, event loops in the other", t.Name())
	}
	b, arrived, answer, extra, sent := babbler(t)
	defer close(extra)
	addr := freeAddr(t)
	n := start(t, Config{Loops: 1}, web(addr, b.addr))
	var decided atomic.Int32
	n.rule(decides{"/second", func() {
		decided.Add(1)
		extra <- true
		<-sent
	}})
	a, c := dial(t, addr), dial(t, addr)
	c.get("/")
	a.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	release := n.hold()
	answer <- true
	<-answer
	c.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	release()
	if body := a.status("GET", 200); body != "ok" {
		t.Errorf("the first request got %q", body)
	}
	if body := c.status("GET", 200); body != "ok" {
		t.Errorf("the second request got %q", body)
	}
	if got := decided.Load(); got != 1 {
		t.Errorf("%d requests were decided on", got)
	}
}

// A stream that has megabytes at hand leaves the loop to others after a turn.
func TestBulkLeavesTurnsToOthers(t *testing.T) {
	if !withLoops {
		t.Skipf("SKIP %s: goroutines serve in this run, and the scheduler gives them their turns", t.Name())
	}
	const turn, atHand = 256 << 10, 1 << 20
	for name, begin := range map[string]string{
		"tcp":     "",
		"length":  fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64<<20),
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"close":   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			goOn, progress := make(chan bool), make(chan int, 4096)
			source := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				if head(r) == "" {
					return
				}
				piece := make([]byte, 64<<10)
				if name == "chunked" {
					piece = fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
				}
				io.WriteString(c, begin)
				c.Write(piece)
				<-goOn
				for sent := 0; sent < 32<<20; sent += len(piece) {
					if _, err := c.Write(piece); err != nil {
						return
					}
					progress <- sent
				}
			})
			addr, bulk := freeAddr(t), freeAddr(t)
			stream := web(bulk, source.addr)
			if name == "tcp" {
				stream = tcp(stream)
			}
			stream.LoadBalancer = &model.LoadBalancer{ID: "lb2", Base: stream.LoadBalancer.Base}
			stream.Listeners[0].ID, stream.Pools[0].Pool.ID, stream.Listeners[0].DefaultPool = "bulk", "p2", "p2"
			n := start(t, Config{Loops: 1}, web(addr, page(t, "x").addr), stream)
			moved := func() int64 { return n.Report().Listeners["bulk"].BytesOut }
			var at atomic.Int64
			n.rule(decides{"/other", func() { at.Store(moved()) }})
			other, w := dial(t, addr), dial(t, bulk)
			other.get("/")
			w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			n.until("the stream has begun", func() bool { return moved() >= 64<<10 })
			release := n.hold()
			before := moved()
			close(goOn)
			stalls(progress)
			other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
			release()
			other.status("GET", 200)
			n.until("what was at hand has gone on", func() bool { return moved()-before >= atHand })
			if got := at.Load() - before; got > 2*turn+64<<10 {
				t.Errorf("another client's request was looked at behind %d KiB", got>>10)
			}
		})
	}
}
