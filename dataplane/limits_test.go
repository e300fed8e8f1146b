package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/store/model"
)

func TestConnectionLimitQueues(t *testing.T) {
	addr := freeAddr(t)
	svc := edit(web(addr, page(t, "x").addr), func(l *model.Listener) { l.ConnectionLimit = 2 })
	n := start(t, Config{}, svc)
	a := dial(t, addr)
	a.get("/")
	if n.Report().Listeners["l"].Full {
		t.Error("full with one of two")
	}
	b := dial(t, addr)
	b.get("/")
	if !n.Report().Listeners["l"].Full {
		t.Error("not full with two of two")
	}
	c := dial(t, addr) // in the kernel's queue
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, _, err := c.tryAnswer("GET"); err == nil {
		t.Error("a third connection was served")
	}
	if got := n.Report().Listeners["l"]; got.ActiveConnections != 2 || got.TotalConnections != 2 {
		t.Errorf("counters %+v", got)
	}
	a.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	c.status("GET", 200)
	d := dial(t, addr)
	d.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	n.apply(edit(svc, func(l *model.Listener) { l.ConnectionLimit = -1 }))
	d.status("GET", 200)
	if n.Report().Listeners["l"].Full {
		t.Error("full without a limit")
	}
}

func TestAllowedCIDRs(t *testing.T) {
	addr := freeAddr(t)
	svc := web(addr, page(t, "x").addr)
	allow := func(cidr string) *model.Service {
		return edit(svc, func(l *model.Listener) { l.AllowedCIDRs = []netip.Prefix{netip.MustParsePrefix(cidr)} })
	}
	n := start(t, Config{}, allow("127.0.0.0/8"))
	dial(t, addr).get("/")
	n.apply(allow("10.0.0.0/8"))
	w := dial(t, addr)
	if got, err := io.ReadAll(w); len(got) > 0 {
		t.Errorf("a client that is not allowed got %q, %v", got, err)
	}
	if c := n.Report().Listeners["l"]; c.TotalConnections != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestDescriptorsRunOutPolitely(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr, page(t, "x").addr))
	taken := n.clients.Max() - n.clients.Used() - 2*fdsPerConnection
	n.clients.Force(taken) // as if others had them
	a, b := dial(t, addr), dial(t, addr)
	a.get("/")
	b.get("/")
	c := dial(t, addr)
	if resp, _ := c.answer("GET"); resp.StatusCode != 503 || !resp.Close {
		t.Errorf("beyond the bound: %s", resp.Status)
	}
	c.closed()
	a.Close()
	n.until("the descriptors are back", func() bool { return n.clients.Used() == taken+fdsPerConnection+1 })
	dial(t, addr).get("/")
	if n.clients.Refused() != 1 {
		t.Errorf("%d refused, want 1", n.clients.Refused())
	}
}

func TestFDShares(t *testing.T) {
	for limit, want := range map[int64]int64{1024: 288, 20000: 7726, 1 << 20: 457728} {
		s := shareFDs(limit)
		if got := s.clients / fdsPerConnection; got != want {
			t.Errorf("limit %d gives %d connections, want %d", limit, got, want)
		}
		if sum := s.clients + s.idle + 2*int64(s.pipes) + min(limit/4, 1024); sum > limit || sum < limit-8 {
			t.Errorf("limit %d: %+v", limit, s)
		}
	}
}

func TestHeadLimits(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, empty200)
	n := start(t, Config{}, web(addr, b.addr))
	fields := func(count, size int) string {
		var s strings.Builder
		for i := range count {
			fmt.Fprintf(&s, "X-%03d: %s\r\n", i, strings.Repeat("v", size))
		}
		return s.String()
	}
	for name, tc := range map[string]struct {
		req  string
		want int
	}{
		"long head":       {"GET / HTTP/1.1\r\nHost: a\r\n" + fields(50, 1200) + "\r\n", 200},
		"head too long":   {"GET / HTTP/1.1\r\nHost: a\r\n" + fields(70, 1200) + "\r\n", 431},
		"line too long":   {"GET / HTTP/1.1\r\nHost: a\r\n" + fields(1, 17<<10) + "\r\n", 431},
		"many fields":     {"GET / HTTP/1.1\r\nHost: a\r\n" + fields(199, 1) + "\r\n", 200},
		"too many fields": {"GET / HTTP/1.1\r\nHost: a\r\n" + fields(200, 1) + "\r\n", 431},
		"long target":     {"GET /" + strings.Repeat("a", 15<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 200},
		"target too long": {"GET /" + strings.Repeat("a", 17<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
	} {
		w := dial(t, addr)
		go w.Write([]byte(tc.req))
		resp, _, err := w.tryAnswer("GET")
		if err != nil || resp.StatusCode != tc.want {
			t.Errorf("%s: %v, %v, want %d", name, resp, err, tc.want)
		}
		if tc.want == 200 {
			<-heads
		}
	}
	n.counters("l", "errors are counted", func(c model.ListenerCounters) bool { return c.RequestErrors == 4 && c.Requests == 3 })
}

// A connection has a buffer while a head is incomplete, and none behind its answer.
func TestIdleConnectionsHoldNoBuffer(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, web(addr, page(t, "x").addr))
	const count = 400
	conns := make([]*wire, count)
	for i := range conns {
		conns[i] = dial(t, addr)
	}
	n.counters("l", "all are here", func(c model.ListenerCounters) bool { return c.ActiveConnections == count })
	round := func() {
		for _, w := range conns {
			w.send("GET / HTTP/1.1\r\nHost: a\r\nX: %s", strings.Repeat("x", 5000))
			in := n.Report().Listeners["l"].BytesIn
			n.until("a part of the head is here", func() bool { return n.Report().Listeners["l"].BytesIn >= in })
			w.send("\r\n\r\n")
			w.status("GET", 200)
		}
	}
	conns[0].get("/") // what is made once
	before := heap()
	round()
	if per := (heap() - before) / count; per > 1024 {
		t.Errorf("an idle connection holds %d bytes more than one that was never used", per)
	}
	// One after the other they shared one member connection.
	if m := n.Report().Members["m0"]; m.ActiveConnections != 0 {
		t.Errorf("%d member connections carry work", m.ActiveConnections)
	}
}

func TestMemberLoadIsReported(t *testing.T) {
	addr := freeAddr(t)
	arrived, finish := make(chan bool), make(chan bool)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			arrived <- true
			<-finish
			io.WriteString(c, empty200)
		}
	})
	n := start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	if m := n.Report().Members["m0"]; m.ActiveConnections != 1 || m.Status != model.NoMonitor {
		t.Errorf("member %+v", m)
	}
	close(finish)
	w.status("GET", 200)
	n.until("the member is idle", func() bool { return n.Report().Members["m0"].ActiveConnections == 0 })
}
