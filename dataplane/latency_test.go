package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lbd/dataplane/live"
	"lbd/store/model"
)

// latency is what the only listener counted, and what its members did.
func (n *node) latency() (listener, member live.Spread) {
	t := n.state.Load().table
	for _, sv := range t.Services {
		for _, e := range sv.Endpoints {
			listener = *e.Listener.Live.Latency()
		}
		for _, p := range sv.Pools {
			for i := range p.Members {
				m := &p.Members[i]
				member.Read(&m.Live.Latency)
			}
		}
	}
	return listener, member
}

// Latency is the same thing in both engines: the time of complete answers, until
// the client's socket has taken them.
func TestLatencyOfAnswers(t *testing.T) {
	const pause = 300 * time.Millisecond
	for _, tc := range []struct {
		name              string
		member            func(c *net.TCPConn, r *bufio.Reader)
		client            func(w *wire)
		answers, members  uint64
		atLeast, lessThan time.Duration
	}{
		{
			"the member takes its time", func(c *net.TCPConn, r *bufio.Reader) {
				time.Sleep(pause)
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}, func(w *wire) { w.get("/") }, 1, 1, pause, time.Minute,
		},
		{
			"the client takes its time to read", func(c *net.TCPConn, r *bufio.Reader) {
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 32<<20, strings.Repeat("x", 32<<20))
			}, func(w *wire) {
				w.SetReadBuffer(16 << 10)
				w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				time.Sleep(pause)
				w.answer("GET")
			}, 1, 1, pause, time.Minute,
		},
		{
			"a connection that lingers", func(c *net.TCPConn, r *bufio.Reader) {
				fmt.Fprint(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			}, func(w *wire) {
				w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
				w.answer("POST")
				time.Sleep(pause) // its end may still be sending
				w.Close()
			}, 1, 1, 0, pause,
		},
		{
			"an answer that breaks", func(c *net.TCPConn, r *bufio.Reader) {
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")
				c.CloseWrite()
			}, func(w *wire) {
				w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				io.ReadAll(w)
			}, 0, 1, 0, pause,
		},
		{
			"an answer of our own", func(c *net.TCPConn, r *bufio.Reader) { c.SetLinger(0) },
			func(w *wire) { w.get("/") }, 1, 0, 0, pause,
		},
		{
			"a request that cannot be read", nil, func(w *wire) {
				w.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
				w.answer("GET")
			}, 0, 0, 0, pause,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := freeAddr(t)
			b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				if head(r) != "" {
					tc.member(c, r)
				}
			})
			n := start(t, Config{}, web(addr, b.addr))
			w := dial(t, addr)
			tc.client(w)
			w.Close()
			n.counters("l", "the connection is over", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
			l, m := n.latency()
			if l.Count != tc.answers || m.Count != tc.members {
				t.Errorf("%d answers and %d of members are counted, want %d and %d", l.Count, m.Count, tc.answers, tc.members)
			}
			if tc.answers > 0 && (l.Sum < tc.atLeast || l.Sum >= tc.lessThan) {
				t.Errorf("they took %s, want %s to %s", l.Sum, tc.atLeast, tc.lessThan)
			}
		})
	}
}
