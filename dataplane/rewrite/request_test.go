package rewrite

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/dataplane/http1"
)

const get = "GET / HTTP/1.1\r\nHost: a\r\n"

var (
	client = netip.MustParseAddr("192.0.2.7")
	local  = netip.MustParseAddr("198.51.100.1")
)

// everything is a listener that inserts all there is.
func everything(t testing.TB) *Forward {
	t.Helper()
	f, err := Compile(map[string]string{
		ForwardedFor: "true", ForwardedPort: "True", ForwardedProto: "TRUE", ForwardedIP: "true", ClientIP: "true", RealIP: "true",
	}, 8080, "http")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const everythingLines = "X-Client-IP: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-IP: 198.51.100.1\r\n" +
	"X-Forwarded-Port: 8080\r\nX-Forwarded-Proto: http\r\nX-Real-IP: 192.0.2.7\r\n"

func request(t testing.TB, in string) *http1.Request {
	t.Helper()
	lim := http1.DefaultLimits()
	r := &http1.Request{}
	if n, err := r.Parse([]byte(in), &lim); n != len(in) || err != nil {
		t.Fatalf("%q: n=%d, err=%v", in, n, err)
	}
	return r
}

func TestRequestHeads(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", get + "\r\n", get + "\r\n"},
		{"fields keep order, case and repetition", get + "b: 1\r\nA:2\r\nb:  3\t\r\nE:\r\n\r\n", get + "b: 1\r\nA: 2\r\nb: 3\r\nE: \r\n\r\n"},
		{"query", "GET /a%20b?c=%&d HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a%20b?c=%&d HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"empty query", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"path is not cleaned", "GET //a/../%2e/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET //a/../%2e/ HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"absolute form", "GET http://A:80/x?y HTTP/1.1\r\nX: y\r\nhost: a:80\r\n\r\n", "GET /x?y HTTP/1.1\r\nHost: a:80\r\nX: y\r\n\r\n"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"OPTIONS of a bare authority", "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},

		// Framing.
		{"length", "POST / HTTP/1.1\r\ncontent-length: 005\r\nHost: a\r\nX: y\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\n\r\n"},
		{"chunked", "POST / HTTP/1.1\r\ntransfer-encoding:CHUNKED\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"POST without a body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"GET with a length of 0", get + "Content-Length: 0\r\n\r\n", get + "Content-Length: 0\r\n\r\n"},
		{"Connection names framing and Host", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: Host, content-length, transfer-encoding\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
		{"framing with underscores", get + "Content_Length: 5\r\nTransfer_Encoding: chunked\r\nTRANSFER.ENCODING: x\r\n\r\n", get + "\r\n"},
		{"trailers", get + "TE: trailers\r\nTrailer: X\r\nConnection: TE\r\n\r\n", get + "TE: trailers\r\nConnection: TE\r\n\r\n"},
		{"other transfer codings", get + "TE: gzip\r\nConnection: TE\r\n\r\n", get + "\r\n"},
		{"trailers among others", get + "TE: gzip;q=0.5, Trailers\r\n\r\n", get + "TE: trailers\r\nConnection: TE\r\n\r\n"},
		{"HTTP/1.0 takes no trailers", "GET / HTTP/1.0\r\nHost: a\r\nTE: trailers\r\n\r\n", get + "\r\n"},
		{"announced trailers", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X, Y\r\nTrailer: Host\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X, Y\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"expectation", get + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", get + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"},
		{"expectation without a body", get + "Expect: 100-continue\r\n\r\n", get + "\r\n"},

		// Hop-by-hop.
		{"own hop", get + "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX: y\r\n\r\n", get + "X: y\r\n\r\n"},
		{"what Connection names", get + "Connection: close, x-b\r\nX-A: 1\r\nX-B: 2\r\nx-c: 3\r\nX-b: 4\r\nConnection: , X-C\r\n\r\n", get + "X-A: 1\r\n\r\n"},
		{"what Connection names behind it", get + "X-A: 1\r\nConnection: X-A\r\n\r\n", get + "\r\n"},
		{"a part of a name is not named", get + "X-AB: 1\r\nConnection: X-A\r\n\r\n", get + "X-AB: 1\r\n\r\n"},
		{"h2c", get + "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n", get + "\r\n"},
		{"upgrade not named", get + "Upgrade: websocket\r\n\r\n", get + "\r\n"},
		{"websocket", get + "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Key: k\r\n\r\n", get + "Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},

		// HTTP/1.0.
		{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", get + "\r\n"},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: 198.51.100.1\r\n\r\n"},
		{"HTTP/1.0 absolute form", "GET http://b HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: b\r\n\r\n"},
		{"HTTP/1.0 upgrade", "GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", get + "\r\n"},
		{"HTTP/1.0 expectation", "GET / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", get + "Content-Length: 1\r\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := AppendRequest(nil, request(t, tc.in), &RequestOptions{Client: client, Local: local})
			if d := cmp.Diff(tc.want, string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestForwardingHeaders(t *testing.T) {
	all := everything(t)
	none, err := Compile(map[string]string{ForwardedFor: "false", ForwardedProto: ""}, 80, "http")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		fwd  *Forward
		in   string
		want string
	}{
		{"inserted", all, "", everythingLines},
		{"none", nil, "X-Forwarded-For: 6.6.6.6\r\n", "X-Forwarded-For: 6.6.6.6\r\n"},
		{"all off", none, "X-Forwarded-Proto: x\r\n", "X-Forwarded-Proto: x\r\n"},
		{"the trail goes on", all, "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n", "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n" + everythingLines},
		{"copies are dropped", all, "x-forwarded-proto: https\r\nX-FORWARDED-PORT: 1\r\nX-Real-IP: 6\r\nX-Client-Ip: 6\r\nX-Forwarded-Ip: 6\r\n", everythingLines},
		{"copies with underscores are dropped", all, "X_Forwarded_Proto: https\r\nX-Forwarded_Port: 1\r\nx.real.ip: 6\r\nX_CLIENT_IP: 6\r\n", everythingLines},
		{"a trail with underscores is none", all, "X_Forwarded_For: 6.6.6.6\r\nX-Forwarded.For: 6.6.6.6\r\n", everythingLines},
		{"naming them in Connection", all, "Connection: X-Forwarded-For, X-Forwarded-Proto, x-real-ip\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6\r\n", "X-Forwarded-For: 6.6.6.6\r\n" + everythingLines},
		{"naming one that is off", nil, "Connection: X-Forwarded-For\r\nX-Forwarded-For: 6.6.6.6\r\n", ""},
		{"similar names pass", all, "X-Forwarded-Host: h\r\nX-Forwarded-Form: f\r\nForwarded: for=x\r\n", "X-Forwarded-Host: h\r\nX-Forwarded-Form: f\r\nForwarded: for=x\r\n" + everythingLines},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := request(t, get+tc.in+"\r\n")
			got := AppendRequest(nil, r, &RequestOptions{Client: client, Local: local, Forward: tc.fwd})
			if d := cmp.Diff(get+tc.want+"\r\n", string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAddressesAreWrittenPlainly(t *testing.T) {
	f, err := Compile(map[string]string{ForwardedFor: "true", ForwardedIP: "true"}, 80, "http")
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, "GET / HTTP/1.0\r\n\r\n")
	for _, tc := range []struct{ client, local, wantClient, wantLocal, wantHost string }{
		{"::ffff:192.0.2.7", "::ffff:198.51.100.1", "192.0.2.7", "198.51.100.1", "198.51.100.1"},
		{"fe80::7%eth0", "fe80::1%eth0", "fe80::7", "fe80::1", "[fe80::1]"},
		{"2001:db8::7", "2001:db8::1", "2001:db8::7", "2001:db8::1", "[2001:db8::1]"},
	} {
		got := string(AppendRequest(nil, r, &RequestOptions{Client: netip.MustParseAddr(tc.client), Local: netip.MustParseAddr(tc.local), Forward: f}))
		want := "GET / HTTP/1.1\r\nHost: " + tc.wantHost + "\r\nX-Forwarded-For: " + tc.wantClient + "\r\nX-Forwarded-IP: " + tc.wantLocal + "\r\n\r\n"
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

func TestCompileRefusesUnknownNames(t *testing.T) {
	for _, name := range []string{"X-Forwarded-Host", "x-forwarded-for", "Host", "X\r\nY"} {
		if _, err := Compile(map[string]string{name: "true"}, 80, "http"); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

func TestRewritingAllocatesNothing(t *testing.T) {
	lim := http1.DefaultLimits()
	in := []byte("POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: x-a, keep-alive\r\nX-A: b\r\nX_Real_IP: 6\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n")
	bare := []byte("GET / HTTP/1.0\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x-a\r\nX-A: b\r\nX-Node: c\r\n\r\n")
	opts := &RequestOptions{Client: netip.MustParseAddr("fe80::7%eth0"), Local: netip.MustParseAddr("fe80::1%eth0"), Forward: everything(t)}
	answerOpts := &ResponseOptions{ClientMinor: 1, KeepAlive: true, Framing: http1.Length, NodeHeader: []byte("X-Node: n\r\n")}
	buf := make([]byte, 0, 4096)
	var r http1.Request
	var p http1.Response
	if n := testing.AllocsPerRun(100, func() {
		r.Parse(in, &lim)
		buf = AppendRequest(buf[:0], &r, opts)
		r.Parse(bare, &lim)
		buf = AppendRequest(buf[:0], &r, opts)
		p.Parse(answer, &lim, http1.Asked{})
		buf = AppendResponse(buf[:0], &p, answerOpts)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	r := request(b, "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nCookie: a=b; c=d\r\nConnection: keep-alive\r\n\r\n")
	benchmark(b, r, everything(b))
}

// The most that Connection can cost: as many options and fields as there may be.
func BenchmarkRequestWithManyOptions(b *testing.B) {
	in := get + "Connection: " + strings.Repeat("x-option,", 31) + "x\r\n" + strings.Repeat("Y-Option: y\r\n", 198) + "\r\n"
	benchmark(b, request(b, in), everything(b))
}

func benchmark(b *testing.B, r *http1.Request, f *Forward) {
	opts := &RequestOptions{Client: client, Local: local, Forward: f}
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRequest(buf[:0], r, opts)
	}
}
