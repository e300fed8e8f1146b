package api_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"lbd/api"
)

type conn = net.Conn

// pipe is a listener on a Unix socket, which has no port and no loopback address.
type pipe struct {
	net.Listener
	path string
}

func pipeListener(t testing.TB) pipe {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return pipe{l, path}
}

func (p pipe) DialContext(ctx context.Context, _, _ string) (conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", p.path)
}

func decode(t testing.TB, b []byte) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func withTLS(t testing.TB) (*tls.Config, func(*world)) {
	cert, pool := certificate(t)
	return &tls.Config{RootCAs: pool}, func(w *world) {
		w.cfg.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	}
}

const get = "GET /v2.0/things/1 HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\r\n\r\n"

func TestOnePortServesTLSAndPlain(t *testing.T) {
	client, secure := withTLS(t)
	addr := newWorld(t, secure).listen()

	plain := say(t, dial(t, addr), get)
	if body := bodyOf(t, plain); plain.StatusCode != 200 || !strings.Contains(body, `"base":"http://h"`) {
		t.Errorf("plain: %d %s", plain.StatusCode, body)
	}

	tr := &http.Transport{TLSClientConfig: client}
	defer tr.CloseIdleConnections()
	r, err := http.NewRequest(http.MethodGet, "https://"+addr+"/v2.0/things/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", "good")
	for range 2 { // the second on the same connection
		res, err := (&http.Client{Transport: tr}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if body := bodyOf(t, res); res.StatusCode != 200 || res.TLS == nil || !strings.Contains(body, `"base":"https://`) {
			t.Errorf("tls: %d %s", res.StatusCode, body)
		}
		_ = res.Body.Close()
	}
}

func TestTLSWithoutCertificatesIsClosed(t *testing.T) {
	addr := newWorld(t).listen()
	if err := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("a handshake succeeded without a certificate")
	}
}

func TestSilentAndBrokenClientsHoldNobodyUp(t *testing.T) {
	_, secure := withTLS(t)
	addr := newWorld(t, secure, func(w *world) {
		w.deps.Limits = api.DefaultLimits()
		w.deps.Limits.HeadTime, w.deps.Limits.Handshake = 200*time.Millisecond, 200*time.Millisecond
	}).listen()
	silent, half, garbage := dial(t, addr), dial(t, addr), dial(t, addr)
	if _, err := half.Write([]byte{0x16, 3, 1}); err != nil { // a handshake that stops
		t.Fatal(err)
	}
	if _, err := garbage.Write([]byte{0x16, 'G', 'E', 'T', 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if res := say(t, dial(t, addr), get); res.StatusCode != 200 {
		t.Errorf("while others are silent: %d", res.StatusCode)
	}
	for name, c := range map[string]net.Conn{"silent": silent, "half a handshake": half, "garbage": garbage} {
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s is not closed: %v", name, err)
		}
	}
}

func TestPlainIsRefusedFromOtherMachines(t *testing.T) {
	client, secure := withTLS(t)
	_ = client
	w := newWorld(t, secure, func(w *world) { w.cfg.Plain = false })
	// A Unix socket stands for another machine: its address is no loopback one.
	port := pipeListener(t)
	w.run(port, nil)
	c, err := port.DialContext(context.Background(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	res := say(t, c, get)
	if body := bodyOf(t, res); res.StatusCode != http.StatusForbidden || !strings.Contains(body, "--api-plain") || !strings.Contains(body, `"faultcode":"Client"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}

	loopback := newWorld(t, secure, func(w *world) { w.cfg.Plain = false })
	if res := say(t, dial(t, loopback.listen()), get); res.StatusCode != 200 {
		t.Errorf("from loopback: %d", res.StatusCode)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	const most = 3
	w := newWorld(t, func(w *world) {
		w.deps.Limits = api.DefaultLimits()
		w.deps.Limits.Connections = most
	})
	addr := w.listen()
	var open []net.Conn
	for i := range most {
		c := dial(t, addr)
		if res := say(t, c, get); res.StatusCode != 200 {
			t.Fatalf("connection %d: %d", i, res.StatusCode)
		}
		open = append(open, c)
	}
	res := say(t, dial(t, addr), get)
	if body := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || !res.Close || !strings.Contains(body, "Too many connections") {
		t.Errorf("one too many: %d %s", res.StatusCode, body)
	}
	if got, err := testutil.GatherAndCount(w.reg, "lbd_api_refused_total"); err != nil || got != 1 {
		t.Errorf("%d refusal counters, %v", got, err)
	}
	_ = open[0].Close()
	for until := time.Now().Add(5 * time.Second); ; {
		if say(t, dial(t, addr), get).StatusCode == 200 {
			return
		}
		if time.Now().After(until) {
			t.Fatal("a closed connection does not make room")
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	w := newWorld(t)
	const limit = 1 << 20
	text := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for _, tc := range []struct {
		path   string
		size   int
		status int
	}{
		{"/v2.0/things", limit - 1, 200},
		{"/v2.0/things", limit, 200},
		{"/v2.0/things", limit + 1, 413},
		{"/login", 64 << 10, 200},
		{"/login", 64<<10 + 1, 413},
	} {
		rec := w.ask("POST", tc.path, text(tc.size), good)
		if rec.Code != tc.status {
			t.Errorf("%s with %d bytes: %d %.100s", tc.path, tc.size, rec.Code, rec.Body)
		}
		if tc.status == 413 && !strings.Contains(rec.Body.String(), "Request is too large. Larger than max_request_body_size ("+strconv.Itoa(tc.size-1)+").") {
			t.Errorf("%s", rec.Body)
		}
	}
	for depth, status := range map[int]int{31: 200, 32: 200, 33: 400} {
		for _, body := range []string{strings.Repeat("[", depth) + strings.Repeat("]", depth), strings.Repeat(`{"]}":`, depth) + "1" + strings.Repeat("}", depth)} {
			if rec := w.ask("POST", "/v2.0/things", body, good); rec.Code != status {
				t.Errorf("depth %d: %d %s", depth, rec.Code, rec.Body)
			}
		}
	}
	if rec := w.ask("POST", "/v2.0/things", `"`+strings.Repeat(`[\"`, 100)+`"`, good); rec.Code != 200 {
		t.Errorf("brackets in a string count as depth: %d %s", rec.Code, rec.Body)
	}
}

func TestHeadsAreBounded(t *testing.T) {
	addr := newWorld(t).listen()
	const limit = 32 << 10
	head := func(n int) string {
		const rest = "GET /v2.0/things/1 HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\r\nX-Pad: \r\n\r\n"
		return strings.Replace(rest, "X-Pad: ", "X-Pad: "+strings.Repeat("x", n-len(rest)), 1)
	}
	for n, want := range map[int]int{limit - 1: 200, limit: 200, limit + 1: 431} {
		if res := say(t, dial(t, addr), head(n)); res.StatusCode != want {
			t.Errorf("head of %d bytes: %d, want %d", n, res.StatusCode, want)
		}
	}
}

func TestASlowBodyLosesItsConnection(t *testing.T) {
	addr := newWorld(t, func(w *world) {
		w.deps.Limits = api.DefaultLimits()
		w.deps.Limits.Time = 200 * time.Millisecond
	}).listen()
	res := say(t, dial(t, addr), "POST /v2.0/things HTTP/1.1\r\nHost: h\r\nX-Auth-Token: good\r\nContent-Length: 100\r\n\r\n{")
	if body := bodyOf(t, res); res.StatusCode != http.StatusRequestTimeout || !res.Close {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestConnectionCloseIsHonoured(t *testing.T) {
	addr := newWorld(t).listen()
	c := dial(t, addr)
	res := say(t, c, strings.Replace(get, "Host: h", "Host: h\r\nConnection: close", 1))
	if res.StatusCode != 200 || !res.Close {
		t.Errorf("%d, close %t", res.StatusCode, res.Close)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection stays: %d %v", n, err)
	}
}

func TestStopLetsRequestsEnd(t *testing.T) {
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := w.run(l, nil)
	c := dial(t, l.Addr().String())
	if _, err := io.WriteString(c, strings.Replace(get, "/v2.0/things/1", "/slow", 1)); err != nil {
		t.Fatal(err)
	}
	<-w.part.running
	done := make(chan struct{})
	go func() { stop(); close(done) }()
	for { // until the port is closed
		if again, err := net.Dial("tcp", l.Addr().String()); err != nil {
			break
		} else {
			_ = again.Close()
		}
	}
	close(w.part.release)
	if res := hear(t, c); res.StatusCode != 200 {
		t.Errorf("a request under way: %d", res.StatusCode)
	}
	<-done
}
