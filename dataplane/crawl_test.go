package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lbd/dataplane/conn"
	"lbd/store/model"
)

// Who sends a byte before each timeout would hold a connection, and a member, for ever:
// a body of known length has to come. One in chunks may be a conversation.
func TestCrawlingUploadIsCutOff(t *testing.T) {
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for h := head(r); h != ""; h = head(r) {
			if strings.Contains(h, "Content-Length") {
				io.CopyN(io.Discard, r, 1<<20)
			} else {
				for line, err := r.ReadString('\n'); err == nil && line != "0\r\n"; line, err = r.ReadString('\n') {
				}
				r.ReadString('\n')
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	const grace = 3 * time.Second // as long as one wait may be, which none is
	e, n := newEdgeWith(t, Config{Limits: conn.Limits{Grace: 1, Rate: 1 << 20}}, b.addr, func(l *model.Listener) { l.TimeoutClientData = int(grace.Milliseconds()) })
	e.wait = 30 * time.Second
	c, r := e.dial()
	began, got := time.Now(), make(chan string, 1)
	go func() { got <- head(r) }()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n")
	answer := ""
	for answer == "" && time.Since(began) < 4*grace {
		if _, err := c.Write([]byte("x")); err != nil {
			answer = <-got
			break
		}
		select {
		case answer = <-got:
		case <-time.After(20 * time.Millisecond):
		}
	}
	if took := time.Since(began); !strings.HasPrefix(answer, "HTTP/1.1 408 ") || took < grace {
		t.Errorf("%q after %s", answer, took)
	}
	n.counters("l", "the slow request is counted", func(c model.ListenerCounters) bool { return c.RequestErrors == 1 })

	// A client that is slow on purpose: in chunks, then a body of known length in its time.
	c, r = e.dial()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	for began := time.Now(); time.Since(began) < grace+time.Second; time.Sleep(20 * time.Millisecond) {
		fmt.Fprint(c, "1\r\nx\r\n")
	}
	fmt.Fprint(c, "0\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"+strings.Repeat("x", 1<<20))
	if h := head(r); !strings.HasPrefix(h, "HTTP/1.1 200 ") {
		t.Errorf("in chunks: %q", h)
	}
	if h := head(r); !strings.HasPrefix(h, "HTTP/1.1 200 ") {
		t.Errorf("in its time: %q", h)
	}
}
