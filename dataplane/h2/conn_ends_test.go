package h2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	arrived, finish := make(chan bool), make(chan bool)
	addr, conns := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if r.URL.Path == "/slow" {
			arrived <- true
			<-finish
		}
		return echo(r, w)
	})
	c := client(t, addr)
	answers := make(chan error, 1)
	go func() {
		resp, err := c.Get("http://a/slow")
		if err == nil {
			resp.Body.Close()
		}
		answers <- err
	}()
	<-arrived
	first := <-conns
	first.Drain()
	for len(conns) == 0 { // the client takes another connection
		resp, err := c.Get("http://a/")
		if err != nil {
			t.Fatalf("while draining: %v", err)
		}
		resp.Body.Close()
	}
	close(finish)
	if err := <-answers; err != nil {
		t.Errorf("the request under way: %v", err)
	}
}

func TestIdleConnectionEnds(t *testing.T) {
	addr, _ := server(t, Config{Idle: 50 * time.Millisecond}, echo)
	r := dial(t, addr)
	if code := r.goAway(); code != http2.ErrCodeNo {
		t.Errorf("GOAWAY %v", code)
	}
}

func TestSilentClientEnds(t *testing.T) {
	addr, _ := server(t, Config{Hello: 50 * time.Millisecond}, echo)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, http2.ClientPreface[:10]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection stays open: %v", err)
	}
}

// A header block that never ends, byte by byte, has the time of an idle connection and
// no more.
func TestTrickledHeaderBlockEnds(t *testing.T) {
	const idle = 300 * time.Millisecond
	addr, _ := server(t, Config{Idle: idle}, echo)
	r := dial(t, addr)
	if err := r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}}); err != nil {
		t.Fatal(err)
	}
	begin, stop := time.Now(), make(chan bool)
	go func() {
		defer close(stop)
		for _, err := io.WriteString(r.Conn, "\x00\x40\x00\x09\x00\x00\x00\x00\x01"); err == nil; { // CONTINUATION of 16 KiB
			time.Sleep(10 * time.Millisecond) // the trickle that is tested
			_, err = r.Conn.Write([]byte{0x82})
		}
	}()
	if code := r.goAway(); code != http2.ErrCodeNo {
		t.Errorf("GOAWAY %v", code)
	}
	if took := time.Since(begin); took > 10*idle {
		t.Errorf("it ended after %s", took)
	}
	r.Close()
	<-stop
}

// Connections that have sent a long head and are idle now do not keep it.
func TestIdleConnectionsKeepNoHead(t *testing.T) {
	t.Run("fields", func(t *testing.T) { keepNoHead(t, 4, 14_000) })
	t.Run("a field in parts", func(t *testing.T) { keepNoHead(t, 1, 56_000) })
}

// keepNoHead sends each of some connections a head of so many fields, in frames of
// 14,000 bytes, and measures what they keep of it.
func keepNoHead(t *testing.T, fields, size int) {
	t.Helper()
	const count = 64
	addr, _ := server(t, Config{}, echo)
	var block, ask bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}} {
		enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	fr := http2.NewFramer(&ask, nil)
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true})
	block.Reset()
	for range fields {
		enc.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", size), Sensitive: true})
	}
	for block.Len() > 0 {
		part := block.Next(14_000)
		fr.WriteContinuation(1, block.Len() == 0, part)
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	clients := make([]*raw, count)
	for i := range clients {
		clients[i] = dial(t, addr)
	}
	before := heap()
	for _, r := range clients {
		if _, err := r.Conn.Write(ask.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := r.until(func(f http2.Frame) bool {
			return f.Header().StreamID == 1 && f.Header().Flags.Has(http2.FlagDataEndStream)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if per := (heap() - before) / count; per > 32<<10 {
		t.Errorf("each holds %d bytes", per)
	}
}
