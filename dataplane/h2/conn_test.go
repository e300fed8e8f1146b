package h2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// echo answers with what it read of the request.
func echo(r *http.Request, w io.Writer) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nX-Seen: %s %s %s\r\nX-Trailer: %s\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%s",
		r.Method, r.Host, r.RequestURI, r.Trailer.Get("X-End"), len(b), b)
	return err
}

func TestRequestsAndAnswers(t *testing.T) {
	addr, _ := server(t, Config{}, echo)
	c := client(t, addr)
	for _, size := range []int{0, 1, 1000, 70_000, 3 << 20} {
		for _, chunked := range []bool{false, true} {
			body := strings.Repeat("x", size)
			var in io.Reader = strings.NewReader(body)
			if chunked {
				in = io.MultiReader(in) // of unknown length
			}
			req, _ := http.NewRequest("POST", "http://a.example:81/p?q", in)
			resp, err := c.Do(req)
			if err != nil {
				t.Fatalf("%d bytes, chunked %v: %v", size, chunked, err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != body {
				t.Errorf("%d bytes, chunked %v: %d came back, %v", size, chunked, len(got), err)
			}
			if s := resp.Header.Get("X-Seen"); s != "POST a.example:81 /p?q" {
				t.Errorf("the request was %q", s)
			}
			if resp.Header.Get("Connection") != "" {
				t.Error("Connection crossed over")
			}
		}
	}
}

func TestTrailersBothWays(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nX-Trailer: %s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 7\r\n\r\n", r.Trailer.Get("X-End"))
		return err
	})
	req, _ := http.NewRequest("POST", "http://a/", io.MultiReader(strings.NewReader("b")))
	req.Trailer = http.Header{"X-End": {"yes"}}
	resp, err := client(t, addr).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != "ok" || resp.Header.Get("X-Trailer") != "yes" || resp.Trailer.Get("Grpc-Status") != "7" {
		t.Errorf("%q, %v, header %v, trailer %v", b, err, resp.Header, resp.Trailer)
	}
}

func TestManyStreamsAtOnce(t *testing.T) {
	addr, conns := server(t, Config{}, echo)
	c := client(t, addr)
	body := strings.Repeat("y", streamWindow+5000)
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			for range 2 {
				resp, err := c.Post("http://a/", "text/plain", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				if b, err := io.ReadAll(resp.Body); err != nil || string(b) != body {
					t.Errorf("%d bytes came back, %v", len(b), err)
				}
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	if n := len(conns); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A stream whose answer the client does not read does not hold up the others.
func TestSlowStreamHoldsOnlyItself(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if r.URL.Path == "/big" {
			fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64<<20)
			_, err := w.Write(bytes.Repeat([]byte("z"), 64<<20))
			return err
		}
		return echo(r, w)
	})
	c := client(t, addr)
	big, err := c.Get("http://a/big")
	if err != nil {
		t.Fatal(err)
	}
	defer big.Body.Close()
	for range 20 {
		resp, err := c.Get("http://a/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

func TestBrokenAnswerIsAReset(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if _, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"); err != nil {
			return err
		}
		return errors.New("gone")
	})
	resp, err := client(t, addr).Get("http://a/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks complete", b)
	}
}

func TestEarlyAnswerEndsTheUpload(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		_, err := io.WriteString(w, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		return err
	})
	c := client(t, addr)
	for range 3 { // the connection stays
		resp, err := c.Post("http://a/", "text/plain", io.LimitReader(endless{}, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

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
			time.Sleep(10 * time.Millisecond)
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

// request writes a GET on stream id.
func (r *raw) request(id uint32, end bool, more ...string) {
	r.t.Helper()
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	fields := append([]string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"}, more...)
	for i := 0; i < len(fields); i += 2 {
		if err := enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndStream: end, EndHeaders: true}); err != nil {
		r.t.Logf("write: %v", err)
	}
}

func TestFloodsEndTheConnection(t *testing.T) {
	for name, flood := range map[string]func(r *raw, i uint32) error{
		"ping":          func(r *raw, i uint32) error { return r.fr.WritePing(false, [8]byte{}) },
		"settings":      func(r *raw, i uint32) error { return r.fr.WriteSettings() },
		"priority":      func(r *raw, i uint32) error { return r.fr.WritePriority(5, http2.PriorityParam{StreamDep: 3}) },
		"window update": func(r *raw, i uint32) error { return r.fr.WriteWindowUpdate(0, 1) },
		"unknown":       func(r *raw, i uint32) error { return r.fr.WriteRawFrame(0xbe, 0, 0, nil) },
		"rapid reset": func(r *raw, i uint32) error {
			r.request(2*i+1, false)
			return r.fr.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
		},
		"resets that it makes us send": func(r *raw, i uint32) error { // CVE-2025-8671
			r.request(2*i+1, false)
			return r.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, 2*i+1, make([]byte, 4))
		},
		"empty data": func(r *raw, i uint32) error {
			if i == 0 {
				r.request(1, false)
			}
			return r.fr.WriteData(1, false, nil)
		},
		"empty continuation": func(r *raw, i uint32) error {
			if i == 0 {
				return r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
			}
			return r.fr.WriteContinuation(1, false, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := new(Counters)
			addr, _ := server(t, Config{Counters: n}, func(r *http.Request, w io.Writer) error {
				_, err := io.Copy(io.Discard, r.Body)
				if err == nil {
					return echo(r, w)
				}
				return err
			})
			r := dial(t, addr)
			r.fr.AllowIllegalWrites = true
			sent := make(chan bool)
			go func() {
				defer close(sent)
				for i := range uint32(20_000) {
					if flood(r, i) != nil {
						return // the server has closed
					}
				}
			}()
			if code := r.goAway(); code != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("GOAWAY %v", code)
			}
			<-sent
			if n.Floods.Load() != 1 {
				t.Errorf("%d floods counted", n.Floods.Load())
			}
		})
	}
}

func TestStreamsBeyondTheBoundAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ resets, open uint32 }{
		"open":                         {0, maxStreams},
		"reset and still being served": {200, 2*maxStreams - 200},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, release := make(chan bool, 2*maxStreams), make(chan bool)
			n := new(Counters)
			addr, conns := server(t, Config{Counters: n}, func(r *http.Request, w io.Writer) error {
				arrived <- true
				<-release
				return echo(r, w)
			})
			defer close(release)
			r := dial(t, addr)
			conn := <-conns
			defer conn.Cut()
			for i := range tc.resets + tc.open + 1 {
				r.request(2*i+1, true)
				if i < tc.resets {
					<-arrived
					conn.earn(priceReset) // as if others had been answered
					if err := r.fr.WriteRSTStream(2*i+1, http2.ErrCodeCancel); err != nil {
						t.Fatal(err)
					}
				}
			}
			refused := uint32(0)
			err := r.until(func(f http2.Frame) bool {
				if f, ok := f.(*http2.RSTStreamFrame); ok && f.ErrCode == http2.ErrCodeRefusedStream {
					refused = f.StreamID
				}
				return refused != 0
			})
			if want := 2*(tc.resets+tc.open) + 1; err != nil || refused != want || n.Refused.Load() != 1 {
				t.Errorf("stream %d was refused, want %d; %d counted, %v", refused, want, n.Refused.Load(), err)
			}
		})
	}
}

func TestTooManyFieldsGet431(t *testing.T) {
	addr, _ := server(t, Config{}, echo)
	req, _ := http.NewRequest("GET", "http://a/", nil)
	for i := range 300 {
		req.Header.Set(fmt.Sprintf("x-%d", i), "v")
	}
	c := client(t, addr)
	resp, err := c.Do(req)
	if err != nil || resp.StatusCode != 431 {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
	if resp, err = c.Get("http://a/"); err != nil { // the table is in step
		t.Fatal(err)
	}
	resp.Body.Close()
}

// However slowly resets come, opening what is reset gives nothing for it: no stream
// is left when the next one begins, so that no other bound helps.
func TestResetsArePaidFor(t *testing.T) {
	by := func(frame func(r *raw, id uint32) error) func(*raw, uint32) error { // CVE-2025-8671
		return func(r *raw, id uint32) error {
			r.request(id, false)
			return frame(r, id)
		}
	}
	behindTheEnd := func(frame func(r *raw, id uint32) error) func(*raw, uint32) error {
		return func(r *raw, id uint32) error {
			r.request(id, true)
			return frame(r, id)
		}
	}
	for name, reset := range map[string]func(r *raw, id uint32) error{
		"by the client": by(func(r *raw, id uint32) error { return r.fr.WriteRSTStream(id, http2.ErrCodeCancel) }),
		"by us, window opened by 0": by(func(r *raw, id uint32) error {
			return r.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4))
		}),
		"by us, window too wide": by(func(r *raw, id uint32) error { return r.fr.WriteWindowUpdate(id, maxWindow) }),
		"by us, stream that waits for itself": by(func(r *raw, id uint32) error {
			return r.fr.WritePriority(id, http2.PriorityParam{StreamDep: id})
		}),
		"by us, trailers that do not end": by(func(r *raw, id uint32) error {
			r.request(id, false)
			return nil
		}),
		"by us, malformed trailers": by(func(r *raw, id uint32) error {
			r.request(id, true)
			return nil
		}),
		"by us, DATA behind the end":    behindTheEnd(func(r *raw, id uint32) error { return r.fr.WriteData(id, false, make([]byte, smallData)) }),
		"by us, HEADERS behind the end": behindTheEnd(func(r *raw, id uint32) error { r.request(id, true); return nil }),
	} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int32
			addr, conns := server(t, Config{Handle: func(s *Stream) {
				served.Add(1)
				_, _ = io.Copy(io.Discard, s) // up to the reset
				s.Abort()
			}}, nil)
			r := dial(t, addr)
			r.fr.AllowIllegalWrites = true
			code := make(chan http2.ErrCode, 1)
			go func() { code <- r.goAway() }()
			c := <-conns
			const count = 4 * budgetFull / priceReset
			for i := range uint32(count) {
				id := 2*i + 1
				if reset(r, id) != nil {
					break
				}
				for gone := false; !gone; {
					c.mu.Lock()
					gone = len(c.streams) == 0 && c.newest == id || c.finished
					c.mu.Unlock()
					runtime.Gosched()
				}
			}
			select {
			case got := <-code:
				if got != http2.ErrCodeEnhanceYourCalm {
					t.Errorf("GOAWAY %v", got)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("%d resets are free", count)
				r.Close()
				<-code
			}
			// The frames have a price, too; time gives some back while the test runs.
			if n := served.Load(); n < budgetFull/priceReset/2 || n > 2*budgetFull/priceReset {
				t.Errorf("%d requests were begun", n)
			}
		})
	}
}

// One SETTINGS frame may change the windows of all streams thousands of times.
func TestSettingsArePaidForEach(t *testing.T) {
	n := new(Counters)
	addr, conns := server(t, Config{Counters: n}, echo)
	r := dial(t, addr)
	<-conns
	many := make([]http2.Setting, maxFrame/6)
	for i := range many {
		many[i] = http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}
	}
	if err := r.fr.WriteSettings(many...); err != nil {
		t.Fatal(err)
	}
	if code := r.goAway(); code != http2.ErrCodeEnhanceYourCalm || n.Floods.Load() != 1 {
		t.Errorf("GOAWAY %v, %d floods counted", code, n.Floods.Load())
	}
}
