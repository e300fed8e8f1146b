package dataplane

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"lbd/dataplane/httpdate"
	"lbd/store/model"
)

// rawAnswers is a member that answers each head it reads, without allocating.
func rawAnswers(answer []byte) func(*net.TCPConn, *bufio.Reader) {
	return func(c *net.TCPConn, _ *bufio.Reader) {
		buf := make([]byte, 4<<10)
		n := 0
		for {
			m, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			if n += m; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
				n = 0
				c.Write(answer)
			}
		}
	}
}

func insertAll(l *model.Listener) {
	l.InsertHeaders = map[string]string{"X-Forwarded-For": "true", "X-Forwarded-Port": "true", "X-Forwarded-Proto": "true"}
}

// BenchmarkSmallKeepAlive is one small request after the other on a kept-alive
// connection: client, engine and member in one process.
func BenchmarkSmallKeepAlive(b *testing.B) {
	addr := freeAddr(b)
	start(b, Config{}, web(addr, page(b, "hello").addr))
	w := dial(b, addr)
	w.SetDeadline(time.Time{})
	req := []byte("GET / HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	answer := make([]byte, len("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")+len(httpdate.Line()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.TCPConn.Write(req); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(w.TCPConn, answer); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRequestsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops pooled buffers at random")
	}
	addr := freeAddr(t)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	member := backend(t, rawAnswers(answer))
	start(t, Config{}, edit(web(addr, member.addr), insertAll))
	w := dial(t, addr)
	req := []byte("GET / HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: bench\r\nCookie: a=b\r\n\r\n")
	buf := make([]byte, len(answer)+len(httpdate.Line()))
	one := func() {
		w.TCPConn.Write(req)
		if _, err := io.ReadFull(w.TCPConn, buf); err != nil || !bytes.HasSuffix(buf, answer[len("HTTP/1.1 200 OK\r\n"):]) {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	one()
	// Client and member of this test do not allocate; what is left is the engine.
	if n := testing.AllocsPerRun(500, one); n >= 1 {
		t.Errorf("%.0f allocations per request", n)
	}
}
