package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"lbd/store/model"
)

func TestCountersEqualWhatTheClientCounted(t *testing.T) {
	addr := freeAddr(t)
	large := strings.Repeat("x", 300<<10) // spliced where that is done
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			if strings.HasPrefix(h, "POST") {
				io.CopyN(io.Discard, r, 100000)
			}
			switch {
			case strings.Contains(h, "/chunked"):
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
			case strings.Contains(h, "/large"):
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large), large)
			default:
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
	n := start(t, Config{}, web(addr, b.addr))
	var (
		wg                   sync.WaitGroup
		in, out, conns, reqs atomic.Int64
		want                 model.ListenerCounters
	)
	for i := range 6 {
		wg.Go(func() {
			for j := range 3 {
				w := dial(t, addr)
				conns.Add(1)
				for k := range 6 {
					switch (i + j + k) % 4 {
					case 0:
						w.get("/small")
					case 1:
						w.get("/chunked")
					case 2:
						w.get("/large")
					case 3:
						w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n%s", strings.Repeat("y", 100000))
						w.status("POST", 200)
					}
					reqs.Add(1)
				}
				w.send("BAD\r\n\r\n")
				w.answer("GET")
				io.Copy(io.Discard, w)
				in.Add(w.in.Load())
				out.Add(w.out.Load())
				w.Close()
			}
		})
	}
	wg.Wait()
	want = model.ListenerCounters{
		BytesIn: out.Load(), BytesOut: in.Load(), TotalConnections: conns.Load(), Requests: reqs.Load(), RequestErrors: conns.Load(),
	}
	got := n.counters("l", "all connections are closed", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
	if got != want {
		t.Errorf("counters %+v\nclient   %+v", got, want)
	}

	n.apply(web(addr, b.addr)) // counters outlive swaps
	if got := n.Report().Listeners["l"]; got != want {
		t.Errorf("after a swap %+v\nwant         %+v", got, want)
	}
	n.apply(edit(web(addr, b.addr), func(l *model.Listener) { l.AdminStateUp = false }))
	if got := n.Report().Listeners["l"]; got != want {
		t.Errorf("switched off %+v\nwant         %+v", got, want)
	}
}

func TestMetrics(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr, page(t, "x").addr))
	dial(t, addr).get("/")
	n.counters("l", "the request is counted", func(c model.ListenerCounters) bool { return c.Requests == 1 })
	want := `
# HELP lbd_listener_requests_total HTTP requests answered.
# TYPE lbd_listener_requests_total counter
lbd_listener_requests_total{listener="l"} 1
# HELP lbd_member_up 1 while the member may take new traffic.
# TYPE lbd_member_up gauge
lbd_member_up{member="m0",pool="p"} 1
`
	if err := testutil.GatherAndCompare(n.registry, strings.NewReader(want), "lbd_listener_requests_total", "lbd_member_up"); err != nil {
		t.Error(err)
	}
	n.stop()
	if got, err := n.registry.Gather(); err != nil || len(got) != 0 {
		t.Errorf("after the end: %d families, %v", len(got), err)
	}
}
