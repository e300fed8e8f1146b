package dataplane

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// Vectors: bytes that go in at a listener, and all that must come of them. In
// them "↵" is CRLF; what else ends a line is written as it is. The same tables
// run on both engines: in clear on event loops, over TLS on goroutines.

// vector is what a client sends on a connection of its own.
type vector struct {
	name string
	in   string
	// client is what it gets: the status of each answer, and "." when the connection
	// is closed behind the last one. Else another request is served on it.
	client string
	// member are the requests that arrive, byte for byte; "=" is in itself.
	member []string
	// more is sent when the first answer has come.
	more string
}

// crlf writes a vector's bytes.
func crlf(s string) string { return strings.ReplaceAll(s, "↵", "\r\n") }

func shown(s string) string { return strings.ReplaceAll(s, "\r\n", "↵") }

// stream is a client's connection, with or without TLS.
type stream interface {
	net.Conn
	CloseWrite() error
}

// edge is a listener in front of one member.
type edge struct {
	t    testing.TB
	addr netip.AddrPort
	tls  *tls.Config // nil: in clear
	wait time.Duration
}

// newEdge serves svc, with TLS where engine G is tested.
func newEdge(t testing.TB, member netip.AddrPort, change func(*model.Listener)) (*edge, *node) {
	t.Helper()
	return newEdgeWith(t, Config{}, member, change)
}

func newEdgeWith(t testing.TB, cfg Config, member netip.AddrPort, change func(*model.Listener)) (*edge, *node) {
	t.Helper()
	e := &edge{t: t, addr: freeAddr(t), wait: 10 * time.Second}
	svc := web(e.addr, member)
	if !withLoops {
		svc = https(keep(svc, pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")), nil)
		e.tls = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
	}
	if change != nil {
		svc = edit(svc, change)
	}
	cfg.Keys, cfg.Loops = clear{}, 1
	return e, start(t, cfg, svc)
}

func (e *edge) dial() (stream, *bufio.Reader) {
	e.t.Helper()
	var c stream = dial(e.t, e.addr)
	if e.tls != nil {
		c = tls.Client(c, e.tls)
		e.t.Cleanup(func() { c.Close() })
	}
	c.SetDeadline(time.Now().Add(e.wait))
	return c, bufio.NewReader(c)
}

const probe = "GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n"

// run sends a vector and tells what the client got, in vector.client's form.
func (e *edge) run(v *vector) string {
	c, r := e.dial()
	defer c.Close()
	go io.WriteString(c, crlf(v.in)) // may be refused before all of it is taken
	method, _, _ := strings.Cut(v.in, " ")
	var got []string
	closing := false
	for range strings.Fields(v.client) {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return strings.Join(append(got, how(err)), " ")
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			got = append(got, fmt.Sprint(resp.StatusCode, " cut"))
			break
		}
		got = append(got, fmt.Sprint(resp.StatusCode))
		if closing = resp.Close; resp.StatusCode >= 200 && len(resp.Header["Date"]) != 1 {
			got = append(got, "without Date")
		}
		if len(got) == 1 && v.more != "" {
			io.WriteString(c, crlf(v.more))
		}
	}
	said := strings.Join(got, " ")
	if strings.HasSuffix(v.client, ".") {
		if b, err := io.ReadAll(r); len(b) > 0 || err != nil && !closed(err) {
			return fmt.Sprintf("%s, then %q, %s", said, b, how(err))
		}
		if !closing && !strings.Contains(v.in, "HTTP/1.0") {
			said += " unannounced"
		}
		return said + "."
	}
	io.WriteString(c, probe)
	resp, err := http.ReadResponse(r, &http.Request{Method: "GET"})
	switch {
	case err != nil:
		return said + "."
	case resp.StatusCode != 200:
		return fmt.Sprint(said, ", then ", resp.StatusCode)
	}
	io.Copy(io.Discard, resp.Body)
	return said
}

func closed(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset")
}

func how(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	case closed(err) || errors.Is(err, io.ErrUnexpectedEOF):
		return "."
	}
	return err.Error()
}

// bodyOf reads the body that follows a head, as it came.
func bodyOf(h string, r *bufio.Reader) (string, error) {
	var b strings.Builder
	switch {
	case field(h, "Content-Length") != nil:
		var n int64
		fmt.Sscan(field(h, "Content-Length")[0], &n)
		_, err := io.CopyN(&b, r, n)
		return b.String(), err
	case field(h, "Transfer-Encoding") != nil:
		for last := false; ; {
			line, err := r.ReadString('\n')
			b.WriteString(line)
			if err != nil || last && line == "\r\n" {
				return b.String(), err
			}
			var n int64
			if last {
				continue // a trailer
			}
			fmt.Sscanf(line, "%x", &n)
			if last = n == 0; last {
				continue
			}
			if _, err := io.CopyN(&b, r, n+2); err != nil {
				return b.String(), err
			}
		}
	}
	return "", nil
}

// scribe is a member that keeps each request that came whole, and answers 200.
func scribe(t testing.TB) (netip.AddrPort, <-chan string) {
	seen := make(chan string, 64)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			if field(h, "Expect") != nil {
				io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			}
			body, err := bodyOf(h, r)
			if err != nil {
				return
			}
			if !strings.HasPrefix(h, "GET /probe ") {
				seen <- h + body
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			if !strings.HasPrefix(h, "HEAD ") {
				io.WriteString(c, "ok")
			}
		}
	})
	return b.addr, seen
}

// pending takes what is in ch.
func pending(ch <-chan string) (all []string) {
	for {
		select {
		case s := <-ch:
			all = append(all, shown(s))
		default:
			return all
		}
	}
}

func TestRequestVectors(t *testing.T) {
	member, seen := scribe(t)
	e, _ := newEdge(t, member, nil)
	for _, v := range flat(requestVectors, fieldVectors) {
		client := e.run(&v)
		if client != v.client {
			t.Errorf("%q: the client got %q, want %q", v.name, client, v.client)
		}
		want := append([]string(nil), v.member...)
		for i, m := range want {
			if m == "=" {
				want[i] = v.in
			}
		}
		if got := pending(seen); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: the member got\n%q, want\n%q", v.name, got, want)
		}
	}
}
