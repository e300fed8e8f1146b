package h2

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lbd/dataplane/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tcp is a Transport over a plain connection.
type tcp struct{ net.Conn }

func (t tcp) Write(p []byte, idle time.Duration) (int, error) {
	_ = t.SetWriteDeadline(time.Now().Add(idle))
	return t.Conn.Write(p)
}
func (t tcp) SetReadDeadline(d time.Time) { _ = t.Conn.SetReadDeadline(d) }
func (t tcp) Abort()                      { _ = t.Conn.Close() }
func (t tcp) Linger() {
	_ = t.Conn.(*net.TCPConn).CloseWrite()
	_ = t.Conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, t.Conn)
	_ = t.Conn.Close()
}

// streamRW lets bufio read and write a Stream.
type streamRW struct{ *Stream }

func (s streamRW) Write(p []byte) (int, error) { return s.Stream.Write(p, 5*time.Second) }

// server serves h on loopback until the test ends; conns gives the connections.
func server(t testing.TB, cfg Config, h func(*http.Request, io.Writer) error) (addr string, conns <-chan *Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan *Conn, 1024)
	if cfg.Hello == 0 {
		cfg.Hello = 5 * time.Second
	}
	if cfg.Idle == 0 {
		cfg.Idle = 30 * time.Second
	}
	if cfg.Write == 0 {
		cfg.Write = 5 * time.Second
	}
	if cfg.Counters == nil {
		cfg.Counters = new(Counters)
	}
	cfg.Limits = http1.DefaultLimits()
	if cfg.Handle == nil {
		cfg.Handle = func(s *Stream) {
			defer s.Close()
			r, err := http.ReadRequest(bufio.NewReaderSize(streamRW{s}, 1024))
			if err != nil {
				return
			}
			if h(r, streamRW{s}) != nil {
				s.Abort()
			}
		}
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hc := New(tcp{c}, cfg)
			made <- hc
			go hc.Serve()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-over
		for {
			select {
			case c := <-made:
				c.Cut()
			default:
				return
			}
		}
	})
	return l.Addr().String(), made
}

// client is a stock HTTP/2 client for addr, one connection.
func client(t testing.TB, addr string) *http.Client {
	t.Helper()
	tr := &http.Transport{
		DisableCompression: true,
		Protocols:          new(http.Protocols),
		MaxConnsPerHost:    1,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		},
	}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// raw is a client that sends frames of its own.
type raw struct {
	net.Conn
	t  testing.TB
	fr *http2.Framer
}

// dial connects and says hello.
func dial(t testing.TB, addr string) *raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	r := &raw{Conn: c, t: t, fr: http2.NewFramer(c, c)}
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := r.fr.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return r
}

// until reads frames until f says so or the connection ends; it returns the end.
func (r *raw) until(f func(http2.Frame) bool) error {
	for {
		fr, err := r.fr.ReadFrame()
		if err != nil {
			return err
		}
		if f(fr) {
			return nil
		}
	}
}

// goAway reads up to GOAWAY and returns its code.
func (r *raw) goAway() http2.ErrCode {
	r.t.Helper()
	code := http2.ErrCode(0xffff)
	err := r.until(func(f http2.Frame) bool {
		g, ok := f.(*http2.GoAwayFrame)
		if ok {
			code = g.ErrCode
		}
		return ok
	})
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		r.t.Fatalf("no GOAWAY: %v", err)
	}
	return code
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
