package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// parseRequest parses s whole and byte by byte, which must agree.
func parseRequest(t testing.TB, s string) (*Request, int, error) {
	t.Helper()
	lim := DefaultLimits()
	in := []byte(s)
	whole := &Request{}
	n, err := whole.Parse(in, &lim)
	slow := &Request{}
	for i := 1; i <= len(s); i++ {
		m, e := slow.Parse(in[:i], &lim)
		if m == 0 && e == nil && i < len(s) {
			continue
		}
		if m != n || !sameError(e, err) {
			t.Fatalf("whole: %d %v; after %d bytes one by one: %d %v", n, err, i, m, e)
		}
		break
	}
	return whole, n, err
}

func sameError(a, b error) bool {
	x, _ := errors.AsType[*Refusal](a)
	y, _ := errors.AsType[*Refusal](b)
	return x == y
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n"

func TestRequestsThatAreRefused(t *testing.T) {
	long := strings.Repeat("x", 16<<10)
	for _, tc := range []struct {
		name, in string
		status   int
	}{
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
		{"bare LF in fields", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
		{"LF first", "\nGET / HTTP/1.1\r\n\r\n", 400},
		{"bare CR in a value", get + "X: a\rb\r\n\r\n", 400},
		{"bare CR before CRLF", get + "X: a\r\r\n\r\n", 400},
		{"NUL in a value", get + "X: a\x00b\r\n\r\n", 400},
		{"DEL in a value", get + "X: a\x7fb\r\n\r\n", 400},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"too many empty lines", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"folded line", get + "X: a\r\n b\r\n\r\n", 400},
		{"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
		{"space before the colon", get + "X : a\r\n\r\n", 400},
		{"no colon", get + "X\r\n\r\n", 400},
		{"empty name", get + ": a\r\n\r\n", 400},
		{"name with a separator", get + "X(y): a\r\n\r\n", 400},
		{"two spaces in the request line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"trailing space", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
		{"no version", "GET /\r\nHost: a\r\n\r\n", 400},
		{"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
		{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
		{"HTTP/0.9 by number", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"method with a separator", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"method too long", strings.Repeat("M", 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405},
		{"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"non-ASCII target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"ftp target", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"userinfo", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"authority differs", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"empty authority", "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400},
		{"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
		{"two Hosts", get + "Host: a\r\n\r\n", 400},
		{"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		{"Host with userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
		{"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
		{"Host as a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
		{"Host with a bad port", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400},
		{"Host with a word for a port", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400},
		{"Host with half an IPv6", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
		{"Host with two double colons", "GET / HTTP/1.1\r\nHost: [1::2::3]\r\n\r\n", 400},
		{"negative length", get + "Content-Length: -1\r\n\r\n", 400},
		{"length with a sign", get + "Content-Length: +1\r\n\r\n", 400},
		{"hexadecimal length", get + "Content-Length: 0x1\r\n\r\n", 400},
		{"length list", get + "Content-Length: 1, 1\r\n\r\n", 400},
		{"empty length", get + "Content-Length:\r\n\r\n", 400},
		{"length of 2^63", get + "Content-Length: 9223372036854775808\r\n\r\n", 400},
		{"length of 20 digits", get + "Content-Length: 18446744073709551617\r\n\r\n", 400},
		{"two lengths", get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"the same length twice", get + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		{"length and coding", get + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"coding and length", get + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
		{"coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"identity", get + "Transfer-Encoding: identity\r\n\r\n", 400},
		{"chunked twice", get + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
		{"two codings", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"chunked not last", get + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
		{"gzip before chunked", get + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"coding in quotes", get + "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
		{"coding with vertical tab", get + "Transfer-Encoding: \x0bchunked\r\n\r\n", 400},
		{"empty coding", get + "Transfer-Encoding:\r\n\r\n", 400},
		{"Connection with garbage", get + "Connection: close;x\r\n\r\n", 400},
		{"TRACE with a body", "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
		{"unknown expectation", get + "Expect: miracles\r\n\r\n", 417},
		{"request line too long", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
		{"request line without an end", "GET /" + long + long, 414},
		{"field too long", get + "X: " + long + "\r\n\r\n", 431},
		{"field without an end", get + "X: " + long, 431},
		{"head too long", get + strings.Repeat("X: "+long[:16000]+"\r\n", 5) + "\r\n", 431},
		{"too many fields", get + strings.Repeat("X: y\r\n", 200) + "\r\n", 431},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, n, err := parseRequest(t, tc.in)
			r, ok := errors.AsType[*Refusal](err)
			if !ok || n != 0 {
				t.Fatalf("accepted with n=%d, err=%v", n, err)
			}
			if r.Status != tc.status {
				t.Errorf("status %d (%s), want %d", r.Status, r.Reason, tc.status)
			}
		})
	}
}

func TestRequestsThatAreAccepted(t *testing.T) {
	show := func(r *Request) string {
		return fmt.Sprintf("%s path=%s query=%q host=%s minor=%d framing=%d/%d keep=%v expect=%v ws=%v fields=%d",
			r.Method, r.Path, r.Query, r.Host, r.Minor, r.Framing, r.Length, r.KeepAlive, r.Expect100, r.WebSocket, len(r.Fields))
	}
	for _, tc := range []struct{ name, in, want string }{
		{"plain", get + "\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"empty line before", "\r\n" + get + "\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"query", "GET /a/b?c=d?e HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET path=/a/b query=\"c=d?e\" host=a:80 minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET path=/ query=\"\" host= minor=0 framing=0/0 keep=false expect=false ws=false fields=0"},
		{"HTTP/1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET path=/ query=\"\" host= minor=0 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"close", get + "Connection: x, close\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=false expect=false ws=false fields=2"},
		{"length", "POST / HTTP/1.1\r\nHost: a\r\ncontent-length:  5 \r\n\r\n", "POST path=/ query=\"\" host=a minor=1 framing=1/5 keep=true expect=false ws=false fields=2"},
		{"length 0", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=2"},
		{"largest length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", "POST path=/ query=\"\" host=a minor=1 framing=1/9223372036854775807 keep=true expect=false ws=false fields=2"},
		{"chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n", "POST path=/ query=\"\" host=a minor=1 framing=2/0 keep=true expect=true ws=false fields=3"},
		{"expectation without a body", get + "Expect: 100-continue\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=2"},
		{"absolute", "GET http://A:80?q HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET path=/ query=\"q\" host=a:80 minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"absolute with the default port", "GET http://A:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"absolute without the default port", "GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n", "GET path=/ query=\"\" host=a:443 minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"absolute with a path", "GET HTTPS://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET path=/x query=\"y\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS path=* query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"IPv6 host", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", "GET path=/ query=\"\" host=[2001:db8::1]:8080 minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"IPv6 host with an IPv4 tail", "GET / HTTP/1.1\r\nHost: [::ffff:10.0.0.1]\r\n\r\n", "GET path=/ query=\"\" host=[::ffff:10.0.0.1] minor=1 framing=0/0 keep=true expect=false ws=false fields=1"},
		{"empty value", get + "X:\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=2"},
		{"obs-text", get + "X: \xe4\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=2"},
		{"websocket", get + "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=true fields=3"},
		{"h2c is not taken up", get + "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=3"},
		{"upgrade without Connection", get + "Upgrade: websocket\r\n\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=2"},
		{"199 fields more", get + strings.Repeat("X: y\r\n", 199) + "\r\n", "GET path=/ query=\"\" host=a minor=1 framing=0/0 keep=true expect=false ws=false fields=200"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, n, err := parseRequest(t, tc.in)
			if err != nil || n != len(tc.in) {
				t.Fatalf("n=%d of %d, err=%v", n, len(tc.in), err)
			}
			if got := show(r); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestParsingStopsAtTheEndOfTheHead(t *testing.T) {
	lim := DefaultLimits()
	var r Request
	in := []byte(get + "\r\nGET /next HTTP/1.1\r\n")
	n, err := r.Parse(in, &lim)
	if err != nil || string(in[n:]) != "GET /next HTTP/1.1\r\n" {
		t.Errorf("n=%d, err=%v", n, err)
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	lim := DefaultLimits()
	in := []byte("POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n")
	bad := []byte(get + "X : y\r\n\r\n")
	var r Request
	var p Response
	if n := testing.AllocsPerRun(100, func() {
		r.Reset()
		r.Parse(in, &lim)
		r.Reset()
		r.Parse(bad, &lim)
		p.Reset()
		p.Parse(answer, &lim, Asked{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	lim := DefaultLimits()
	in := []byte("GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nCookie: a=b; c=d\r\nConnection: keep-alive\r\n\r\n")
	var r Request
	b.ReportAllocs()
	for b.Loop() {
		r.Reset()
		if n, err := r.Parse(in, &lim); n == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}
