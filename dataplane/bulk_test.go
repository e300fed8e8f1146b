package dataplane

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"lbd/store/model"
)

// Long bodies, with the next request right behind one: every byte arrives in its
// place, through pipes and, where there are none, through buffers.
func TestBulkBodiesArriveWhole(t *testing.T) {
	const size = 24<<20 + 77
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i>>12 ^ i*7)
	}
	for _, pipes := range []bool{true, false} {
		t.Run(fmt.Sprintf("pipes=%v", pipes), func(t *testing.T) {
			b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
				for {
					h := head(r)
					if h == "" {
						return
					}
					if strings.HasPrefix(h, "POST") {
						got := make([]byte, size)
						io.ReadFull(r, got)
						fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%-5v", bytes.Equal(got, content))
						continue
					}
					fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
					c.Write(content)
				}
			})
			addr := freeAddr(t)
			n := start(t, Config{}, web(addr, b.addr))
			if !pipes {
				if !withLoops {
					return // they are the poller's there
				}
				for _, w := range n.workers {
					w.loop.Post(func() { w.loop.SetPipes(0) })
				}
			}
			w := dial(t, addr)
			up := int64(0)
			sent := make(chan bool)
			go func() {
				defer close(sent)
				for _, p := range [][]byte{
					fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size),
					content, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
				} {
					m, _ := w.TCPConn.Write(p)
					up += int64(m)
				}
			}()
			if _, body := w.answer("POST"); body != "true " {
				t.Errorf("the member says that it got what was sent: %q", body)
			}
			if _, body := w.answer("GET"); !bytes.Equal([]byte(body), content) {
				t.Errorf("%d bytes arrived that are not what was sent", len(body))
			}
			<-sent
			if spliced := n.calls().Splice; withLoops && pipes != (spliced > 0) {
				t.Errorf("%d splices", spliced)
			}
			c := n.counters("l", "both are counted", func(c model.ListenerCounters) bool { return c.Requests == 2 })
			if c.BytesIn != up || c.BytesOut < size || c.BytesOut > size+1000 {
				t.Errorf("counters %+v, the client sent %d", c, up)
			}
		})
	}
}
