package dataplane

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// twoMember is a TLS server that speaks HTTP/2 where it is offered.
type twoMember struct {
	*httptest.Server
	addr  netip.AddrPort
	conns atomic.Int64
}

func newTwoMember(t *testing.T, two bool, h http.HandlerFunc) *twoMember {
	t.Helper()
	m := &twoMember{Server: httptest.NewUnstartedServer(h)}
	m.EnableHTTP2 = two
	m.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	m.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			m.conns.Add(1)
		}
	}
	m.StartTLS()
	t.Cleanup(m.Close)
	m.addr = m.Listener.Addr().(*net.TCPAddr).AddrPort()
	return m
}

// alpn makes the pool of svc speak TLS to its members and offer protocols.
func alpn(svc *model.Service, protocols ...string) *model.Service {
	out, b, p := *svc, *svc.Pools[0], *svc.Pools[0].Pool
	p.TLS, b.Pool = &model.PoolTLS{Enabled: true, ALPN: protocols, Versions: []string{"TLSv1.2", "TLSv1.3"}}, &p
	out.Pools = []*model.Backends{&b}
	return &out
}

func TestMembersOverHTTP2(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" && r.ProtoMajor == 1 {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
				c.Close()
			}
			return
		}
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %d", r.Proto, r.Method, r.URL, len(b))
	}
	two, one := newTwoMember(t, true, h), newTwoMember(t, false, h)
	addr := freeAddr(t)
	base := keep(web(addr, two.addr))
	n := start(t, Config{Keys: clear{}}, alpn(base, "h2", "http/1.1", "http/1.0"))
	ask := func(method, body, want string) {
		t.Helper()
		w := dial(t, addr)
		fmt.Fprintf(w, "%s /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body)
		if resp, got := w.answer(method); resp.StatusCode != 200 || got != fmt.Sprintf("%s %s /a?b %d", want, method, len(body)) {
			t.Errorf("%d %q, want it over %s", resp.StatusCode, got, want)
		}
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { ask("POST", strings.Repeat("x", i*4000), "HTTP/2.0") })
	}
	wg.Wait()
	if got := two.conns.Load(); got != 1 {
		t.Errorf("%d connections for 20 requests", got)
	}
	// An upgrade has HTTP/1.1 to itself.
	w := dial(t, addr)
	io.WriteString(w, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	if l, err := bufio.NewReader(w).ReadString('\n'); err != nil || !strings.Contains(l, "101") {
		t.Errorf("upgrade: %q, %v", l, err)
	}
	n.apply(alpn(base, "http/1.1"))
	ask("GET", "", "HTTP/1.1")
	n.apply(alpn(base, "h2"))
	ask("GET", "", "HTTP/2.0")
	n.apply(alpn(keep(web(addr, one.addr)), "h2", "http/1.1"))
	for range 3 {
		ask("PUT", "abc", "HTTP/1.1")
	}
	n.until("nobody is at work at a member", func() bool { return n.state.Load().table.Services[0].Pools[0].Member("m0").Live.Active() == 0 })
}

// The time for connecting to a member is over with the handshake: it bounds neither the
// streams nor the connection.
func TestHTTP2ConnectionOutlivesTheTimeForConnecting(t *testing.T) {
	const connect = 300 * time.Millisecond
	more := make(chan struct{})
	m := newTwoMember(t, true, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun ")
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "ended")
	})
	addr := freeAddr(t)
	svc := alpn(keep(web(addr, m.addr)), "h2")
	l := *svc.Listeners[0]
	l.TimeoutMemberConnect = int(connect / time.Millisecond)
	svc.Listeners = []*model.Listener{&l}
	start(t, Config{Keys: clear{}}, svc)
	w := dial(t, addr)
	io.WriteString(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	time.AfterFunc(2*connect, func() { close(more) })
	if resp, got := w.answer("GET"); resp.StatusCode != 200 || got != "begun ended" {
		t.Errorf("%d %q", resp.StatusCode, got)
	}
	io.WriteString(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, got := w.answer("GET"); resp.StatusCode != 200 || got != "begun ended" || m.conns.Load() != 1 {
		t.Errorf("the next request: %d %q, %d connections", resp.StatusCode, got, m.conns.Load())
	}
}

// Streams in both directions, trailers and an early end: what gRPC is made of.
func TestHTTP2FromEndToEnd(t *testing.T) {
	left := make(chan struct{})
	m := newTwoMember(t, true, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused": // a trailers-only answer
			w.Header().Set("Grpc-Status", "5")
			w.Header().Set("Content-Type", "application/grpc")
			return
		case "/wait":
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			close(left)
			return
		}
		if got := r.Header.Get("Te"); got != "trailers" {
			t.Errorf("te: %q", got)
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.(http.Flusher).Flush()
		b := make([]byte, 64)
		for {
			k, err := r.Body.Read(b)
			if k > 0 {
				w.Write([]byte(strings.ToUpper(string(b[:k]))))
				w.(http.Flusher).Flush()
			}
			if err != nil {
				break
			}
		}
		w.Header().Set("Grpc-Status", "0")
	})
	ca, addr := pki.NewCA(t, "ca"), freeAddr(t)
	n := start(t, Config{Keys: clear{}}, alpn(https(keep(web(addr, m.addr), ca.ECDSA("a.example").PKCS12(t, "")), nil), "h2"))
	c := browser(t, addr, &tls.Config{RootCAs: ca.Pool()})
	tr := c.Transport.(*http.Transport)
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP2(true)
	tr.MaxConnsPerHost = 1

	out, in := io.Pipe()
	req, _ := http.NewRequest("POST", "https://a.example/both", out)
	req.Header.Set("Te", "trailers")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	for _, word := range []string{"one", "two", "three"} {
		io.WriteString(in, word)
		if k, err := io.ReadFull(resp.Body, b[:len(word)]); err != nil || string(b[:k]) != strings.ToUpper(word) {
			t.Fatalf("%q, %v", b[:k], err)
		}
	}
	in.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 || resp.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("%q, %v, trailers %v", rest, err, resp.Trailer)
	}
	resp.Body.Close()

	resp, err = c.Get("https://a.example/refused")
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 || resp.Header.Get("Grpc-Status") != "5" {
		t.Errorf("%q, %v, %v", rest, err, resp.Header)
	}
	resp.Body.Close()

	ctx, cancel := context.WithCancel(t.Context())
	req, _ = http.NewRequestWithContext(ctx, "GET", "https://a.example/wait", nil)
	resp, err = c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the member does not know that the client has left")
	}
	n.counters("l", "one connection of the client", func(c model.ListenerCounters) bool { return c.TotalConnections == 1 && c.Requests == 3 })
	if got := m.conns.Load(); got != 1 {
		t.Errorf("%d connections to the member", got)
	}
}

// A member that gives a request up, as one of gRPC does whose deadline has passed, is
// no broken one: the client hears the code that it has said.
func TestHTTP2MemberGivesUp(t *testing.T) {
	ca, addr := pki.NewCA(t, "ca"), freeAddr(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.ECDSA("m").TLS()}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var asked atomic.Int64
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go givesUp(c, &asked)
		}
	}()
	start(t, Config{Keys: clear{}}, alpn(https(keep(web(addr, ln.Addr().(*net.TCPAddr).AddrPort()), ca.ECDSA("a.example").PKCS12(t, "")), nil), "h2"))
	c := browser(t, addr, &tls.Config{RootCAs: ca.Pool()})
	c.Transport.(*http.Transport).Protocols = new(http.Protocols)
	c.Transport.(*http.Transport).Protocols.SetHTTP2(true)
	for _, path := range []string{"/", "/begun"} {
		resp, err := c.Get("https://a.example" + path)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		var se http2.StreamError
		if !errors.As(err, &se) || se.Code != http2.ErrCodeCancel {
			t.Errorf("%s over HTTP/2: %v", path, err)
		}
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the member was asked %d times, not twice: what it gives up is not for others", got)
	}
	one := browser(t, addr, &tls.Config{RootCAs: ca.Pool()})
	resp, err := one.Get("https://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != 502 || resp.ProtoMajor != 1 {
		t.Errorf("over HTTP/1.1: %v", resp)
	}
}

// givesUp answers requests on c with RST_STREAM and the code CANCEL, those of a longer
// path behind the head of an answer.
func givesUp(c net.Conn, asked *atomic.Int64) {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.WriteSettings()
	for {
		fr, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch fr := fr.(type) {
		case *http2.SettingsFrame:
			if !fr.IsAck() {
				f.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			asked.Add(1)
			if len(fr.PseudoValue("path")) > 1 {
				f.WriteHeaders(http2.HeadersFrameParam{StreamID: fr.StreamID, BlockFragment: []byte{0x88}, EndHeaders: true}) // :status 200
				f.WriteData(fr.StreamID, false, []byte("a part"))
			}
			f.WriteRSTStream(fr.StreamID, http2.ErrCodeCancel)
		}
	}
}

// A member that goes away politely, or not, fails no request that it has not seen.
func TestHTTP2MemberRestarts(t *testing.T) {
	var served [2]atomic.Int64
	var members []*twoMember
	for i := range 2 {
		members = append(members, newTwoMember(t, true, func(w http.ResponseWriter, r *http.Request) {
			served[i].Add(1)
			io.WriteString(w, "ok")
		}))
	}
	addr := freeAddr(t)
	n := start(t, Config{Keys: clear{}}, alpn(keep(web(addr, members[0].addr, members[1].addr)), "h2"))
	w := dial(t, addr)
	for range 4 {
		w.get("/")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- members[0].Config.Shutdown(ctx) }() // GOAWAY
	for range 50 {
		if resp, body := w.get("/"); resp.StatusCode != 200 || body != "ok" {
			t.Fatalf("%s %q", resp.Status, body)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	members[1].CloseClientConnections()
	n.until("requests succeed again", func() bool {
		resp, _ := dial(t, addr).get("/")
		return resp.StatusCode == 200
	})
	if served[0].Load() == 0 || served[1].Load() == 0 {
		t.Error("a member was never asked")
	}
}
