package dataplane

import (
	"bufio"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"lbd/dataplane/live"
)

// waiter is a member that answers GET /I when answer[I] is closed, with the number of
// its connection. open is how many of them there are.
func waiter(t *testing.T, count int) (b *raw, arrived chan bool, answer []chan bool, open *atomic.Int64) {
	arrived, answer, open = make(chan bool, count), make([]chan bool, count), new(atomic.Int64)
	for i := range answer {
		answer[i] = make(chan bool)
	}
	var made atomic.Int64
	b = backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		number := made.Add(1)
		open.Add(1)
		defer open.Add(-1)
		for h := head(r); h != ""; h = head(r) {
			var i int
			if _, err := fmt.Sscanf(h, "GET /%d ", &i); err != nil {
				t.Error(err)
				return
			}
			arrived <- true
			<-answer[i]
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d", number)
		}
	})
	return b, arrived, answer, open
}

// The warmest connection is used, and those that a burst has left age away.
func TestParkedConnectionsAreTakenLastInFirstOut(t *testing.T) {
	addr := freeAddr(t)
	b, arrived, answer, _ := waiter(t, 3)
	start(t, Config{Loops: 1}, web(addr, b.addr))
	w := make([]*wire, 3)
	for i := range w {
		w[i] = dial(t, addr)
		w[i].send("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		<-arrived
	}
	for i := range w {
		close(answer[i])
		w[i].status("GET", 200)
	}
	for range 5 {
		if _, body := w[0].get("/0"); body != "003" {
			t.Errorf("connection %s was used, want the one that was parked last", body)
		}
		<-arrived
	}
}

func TestParkedConnectionsAreBounded(t *testing.T) {
	for name, tc := range map[string]struct{ at, budget, want int64 }{
		"by member": {live.MaxIdlePerMember + 20, 0, live.MaxIdlePerMember},
		"in total":  {20, 5, 5},
	} {
		t.Run(name, func(t *testing.T) {
			addr := freeAddr(t)
			b, arrived, answer, open := waiter(t, int(tc.at))
			n := start(t, Config{Loops: 1}, web(addr, b.addr))
			if tc.budget > 0 {
				n.idle.Force(n.idle.Max() - n.idle.Used() - tc.budget) // as if others had them
			}
			w := make([]*wire, tc.at)
			for i := range w {
				w[i] = dial(t, addr)
				w[i].send("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
				<-arrived
			}
			for i := range w {
				close(answer[i])
				w[i].status("GET", 200)
			}
			n.until("what is beyond the bound is closed", func() bool { return open.Load() == tc.want })
		})
	}
}
