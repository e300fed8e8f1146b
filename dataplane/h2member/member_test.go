package h2member

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"lbd/dataplane/semantics"
	"lbd/internal/testutil/poll"
)

// member serves HTTP/2 in clear on one end of a connection; the other end is given.
func member(t *testing.T, h http.HandlerFunc) net.Conn { return memberOf(t, 2, h) }

// memberOf is a member that allows as many streams.
func memberOf(t *testing.T, streams int, h http.HandlerFunc) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, DisableGeneralOptionsHandler: true, Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streams}}
	srv.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(&single{conn: s, over: make(chan struct{})})
	}()
	t.Cleanup(func() { c.Close(); srv.Close(); <-done })
	return c
}

// single is a listener that brings one connection.
type single struct {
	conn net.Conn
	over chan struct{}
	once sync.Once
}

func (l *single) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.over
	return nil, net.ErrClosed
}

func (l *single) Close() error   { l.once.Do(func() { close(l.over) }); return nil }
func (l *single) Addr() net.Addr { return &net.TCPAddr{} }

func lines(t *testing.T) *Lines[string] {
	t.Helper()
	l := New[string](64 << 10)
	t.Cleanup(l.Close)
	return l
}

func open(t *testing.T, h http.HandlerFunc) *Stream {
	t.Helper()
	s, err := lines(t).Add("m", member(t, h))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// reader makes a Stream an io.Reader for http.ReadResponse.
type reader struct{ s *Stream }

func (r reader) Read(p []byte) (int, error) { return r.s.Read(p) }

func answer(t *testing.T, s *Stream, method string) (*http.Response, string) {
	t.Helper()
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(reader{s}), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("body: %v after %q", err, b)
	}
	return resp, string(b)
}

func send(t *testing.T, s *Stream, text string) {
	t.Helper()
	if n, err := s.Write([]byte(text), 5*time.Second); n != len(text) || err != nil {
		t.Fatalf("Write = %d of %d, %v", n, len(text), err)
	}
}

// What a member sees is the request, without what belongs to HTTP/1.1.
func TestRequestIsTranslated(t *testing.T) {
	for _, tc := range []struct{ name, sent, want string }{
		{
			"plain", "GET /a?b=c HTTP/1.1\r\nHost: x.example\r\nX-One: 1\r\nx-one: 2\r\nConnection: x\r\nUpgrade: y\r\nKeep-Alive: 1\r\n\r\n",
			"GET /a?b=c x.example HTTP/2.0 map[X-One:[1 2]] 0 \"\" map[]",
		},
		{"two slashes", "GET //a/b HTTP/1.1\r\nHost: x.example\r\n\r\n", `GET //a/b x.example HTTP/2.0 map[] 0 "" map[]`},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", `OPTIONS * x HTTP/2.0 map[] 0 "" map[]`},
		{
			"length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTE: trailers\r\n\r\nabc",
			`POST / x HTTP/2.0 map[Content-Length:[3] Te:[trailers]] 3 "abc" map[]`,
		},
		{"nothing", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTE: gzip\r\n\r\n", `POST / x HTTP/2.0 map[Content-Length:[0]] 0 "" map[]`},
		{
			"chunks", "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n",
			`PUT / x HTTP/2.0 map[] -1 "abcde" map[]`,
		},
		{
			"trailers", "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n1\r\nx\r\n0\r\nA: 1\r\n\r\n",
			`PUT / x HTTP/2.0 map[] -1 "x" map[A:[1]]`,
		},
	} {
		for _, step := range []int{1, 1 << 20} { // in pieces of any size
			t.Run(fmt.Sprint(tc.name, step), func(t *testing.T) {
				s := open(t, func(w http.ResponseWriter, r *http.Request) {
					b, err := io.ReadAll(r.Body)
					if err != nil {
						t.Errorf("body: %v", err)
					}
					fmt.Fprintf(w, "%s %s %s %s %v %d %q %v", r.Method, r.RequestURI, r.Host, r.Proto, r.Header, r.ContentLength, b, r.Trailer)
				})
				for rest := tc.sent; rest != ""; {
					n := min(step, len(rest))
					send(t, s, rest[:n])
					rest = rest[n:]
				}
				resp, got := answer(t, s, "GET")
				if resp.StatusCode != 200 || got != tc.want && got != strings.Replace(tc.want, "map[]", "map[]", 1) {
					t.Errorf("%d, got\n%s\nwant\n%s", resp.StatusCode, got, tc.want)
				}
			})
		}
	}
}

func TestAnswerIsTranslated(t *testing.T) {
	for _, tc := range []struct {
		name, method string
		h            http.HandlerFunc
		status       int
		length       int64
		body         string
		trailer      string
	}{
		{"known length", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "hello")
		}, 200, 5, "hello", ""},
		{"large", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(1<<20))
			w.Write(bytes.Repeat([]byte("x"), 1<<20))
		}, 200, 1 << 20, strings.Repeat("x", 1<<20), ""},
		{"streamed", "GET", func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				io.WriteString(w, "abc")
				w.(http.Flusher).Flush()
			}
		}, 200, -1, "abcabcabc", ""},
		{"trailers", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			w.(http.Flusher).Flush()
		}, 200, -1, "", "0"},
		{"head", "HEAD", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "7") }, 200, 7, "", ""},
		{"204", "GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, 0, "", ""},
		{"304", "GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, 304, 0, "", ""},
		{"nothing", "GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 500, 0, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, tc.h)
			send(t, s, tc.method+" / HTTP/1.1\r\nHost: x\r\n\r\n")
			resp, body := answer(t, s, tc.method)
			if resp.StatusCode != tc.status || resp.ContentLength != tc.length || body != tc.body || resp.Trailer.Get("Grpc-Status") != tc.trailer {
				t.Errorf("%d, length %d, %d bytes, trailer %v", resp.StatusCode, resp.ContentLength, len(body), resp.Trailer)
			}
			if _, err := s.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("behind the answer: %v", err)
			}
		})
	}
}

func TestInterimAnswersPass(t *testing.T) {
	s := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(103)
		w.WriteHeader(200)
	})
	send(t, s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	br := bufio.NewReader(reader{s})
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	for _, want := range []int{103, 200} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != want || resp.Header.Get("Link") != "</x>" {
			t.Fatalf("%v %v, want %d", resp, err, want)
		}
	}
}

// Both directions at once, and neither waits for the other's end.
func TestStreamsInBothDirections(t *testing.T) {
	s := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		b := make([]byte, 64)
		for {
			n, err := r.Body.Read(b)
			if n > 0 {
				w.Write(bytes.ToUpper(b[:n]))
				w.(http.Flusher).Flush()
			}
			if err != nil {
				return
			}
		}
	})
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	send(t, s, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(reader{s}), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	for _, word := range []string{"one", "two", "six"} {
		send(t, s, fmt.Sprintf("%x\r\n%s\r\n", len(word), word))
		if n, err := io.ReadFull(resp.Body, b[:len(word)]); err != nil || string(b[:n]) != strings.ToUpper(word) {
			t.Fatalf("%q, %v", b[:n], err)
		}
	}
	send(t, s, "0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// A member that does not read stops the writer, and one that is not read stops the member.
func TestBackPressure(t *testing.T) {
	wrote := make(chan int64, 1)
	s := open(t, func(w http.ResponseWriter, r *http.Request) {
		var n int64
		w.(http.Flusher).Flush()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second))
		for n < 64<<20 {
			m, err := w.Write(make([]byte, 64<<10))
			if n += int64(m); err != nil {
				break
			}
		}
		wrote <- n
	})
	send(t, s, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("x", 64<<10))
	sent := 0
	for sent < 64<<20 {
		n, err := s.Write([]byte(chunk), 200*time.Millisecond)
		if sent += n; errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if sent >= 8<<20 {
		t.Errorf("a member that does not read was sent %d bytes", sent)
	}
	if n := <-wrote; n >= 8<<20 {
		t.Errorf("a member that is not read has sent %d bytes", n)
	}
}

func TestReadDeadline(t *testing.T) {
	free := make(chan struct{})
	s := open(t, func(w http.ResponseWriter, r *http.Request) { <-free })
	defer close(free)
	send(t, s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	s.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// A client that leaves ends the member's work.
func TestCloseCancels(t *testing.T) {
	ended := make(chan error, 1)
	begun := make(chan struct{})
	s := open(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	send(t, s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
	<-begun
	s.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the member was not told")
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	s := open(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := s.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\nmore"), time.Second); !errors.Is(err, errRequest) {
		t.Errorf("bytes behind a request: %v", err)
	}
}

// A line is shared up to the member's bound, and a reservation that is not used is free again.
func TestLinesAreShared(t *testing.T) {
	var served atomic.Int64
	free := make(chan struct{})
	l := lines(t)
	c := member(t, func(http.ResponseWriter, *http.Request) { served.Add(1); <-free })
	if l.Take("m") != nil {
		t.Fatal("a stream without a line")
	}
	release, err := l.Turn(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	first, err := l.Add("m", c)
	if err != nil {
		t.Fatal(err)
	}
	release()
	const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	send(t, first, get)
	first.SetReadDeadline(time.Now().Add(10 * time.Second))
	poll.Until(t, "the member has the first request", func() bool { return served.Load() >= 1 })
	second := l.Take("m")
	if second == nil {
		t.Fatal("no second stream")
	}
	third := l.Take("m")
	for end := time.Now().Add(10 * time.Second); third != nil && time.Now().Before(end); third = l.Take("m") { // until its SETTINGS came
		third.Close()
	}
	if third != nil { // the member allows two
		t.Error("a third stream")
	}
	second.Close() // not used
	second = l.Take("m")
	if second == nil {
		t.Fatal("the reservation is lost")
	}
	if l.Take("other") != nil {
		t.Error("another key's line")
	}
	if n := l.Open(); n != 1 {
		t.Errorf("%d lines", n)
	}
	send(t, second, get)
	close(free)
	answer(t, first, "GET")
	answer(t, second, "GET")
	l.Close()
	if l.Take("m") != nil {
		t.Error("a stream of closed lines")
	}
	if _, err := l.Turn(t.Context(), "m"); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}

// A line that nobody uses is closed, and its place forgotten.
func TestIdleLinesEnd(t *testing.T) {
	l := newLines[string](64<<10, 20*time.Millisecond)
	defer l.Close()
	s, err := l.Add("m", member(t, func(http.ResponseWriter, *http.Request) {}))
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	answer(t, s, "GET")
	s.Close()
	poll.Until(t, "an idle line ends", func() bool { return l.Open() == 0 })
	release, err := l.Turn(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	release()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of["m"] != nil {
		t.Error("what is known of the first is kept")
	}
}

// Those who come at once wait for the first one's connection; none waits for a member of HTTP/1.1.
func TestTurns(t *testing.T) {
	l := lines(t)
	release, err := l.Turn(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Turn(ctx, "m"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second turn: %v", err)
	}
	l.Plain("m")
	release()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := l.Turn(t.Context(), "m"); err != nil { // none is given back
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// What a member refuses unread may be asked again.
func TestRefusedUnread(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	go func() {
		b := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(theirs, b); err != nil {
			return
		}
		fr := http2.NewFramer(theirs, theirs)
		_ = fr.WriteSettings()
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := f.(*http2.HeadersFrame); ok {
				_ = fr.WriteRSTStream(h.StreamID, http2.ErrCodeRefusedStream)
			}
		}
	}()
	s, err := lines(t).Add("m", ours)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, _ = s.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"), 5*time.Second) // the refusal may come before the body
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.Read(make([]byte, 1)); err != semantics.ErrMemberRefused {
		t.Errorf("%v", err)
	}
}
