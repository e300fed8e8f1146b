package http1

import (
	"errors"
	"strings"
	"testing"
)

func TestRequestEdgesThatAreRefused(t *testing.T) {
	for _, tc := range []struct{ name, in string }{
		{"connect in lower case", "connect / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"half an escape in the path", "GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"no escape in the path", "GET /%zz?a HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"percent alone at the end of the path", "GET /a%?bc HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"backslash in the authority", "GET http://a\\@b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"asterisk with a query", "OPTIONS *?a HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"PRI in HTTP/1.1", "PRI * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"form feed in a value", get + "X: \fa\r\n\r\n"},
		{"vertical tab before a length", get + "Content-Length:\v5\r\n\r\n"},
		{"no-break space around a coding", get + "Transfer-Encoding: \xa0chunked\r\n\r\n"},
		{"coding with a comma behind", get + "Transfer-Encoding: chunked,\r\n\r\n"},
		{"coding with a comma before", get + "Transfer-Encoding: ,chunked\r\n\r\n"},
		{"coding with a parameter", get + "Transfer-Encoding: chunked;a=b\r\n\r\n"},
		{"length with a digit beyond ASCII", get + "Content-Length: \xd9\xa5\r\n\r\n"},
		{"length with a blank inside", get + "Content-Length: 1 2\r\n\r\n"},
		{"length 2^63+7, the last digit decides", get + "Content-Length: 9223372036854775815\r\n\r\n"},
		{"length that wraps to a small one", get + "Content-Length: 36893488147419103237\r\n\r\n"},
		{"tab before the colon of the coding", get + "Transfer-Encoding\t: chunked\r\n\r\n"},
		{"folded coding", get + "Transfer-Encoding:\r\n chunked\r\n\r\n"},
		{"NUL in a name", get + "Content\x00-Length: 1\r\n\r\n"},
		{"field line that begins with CR", get + "\rX: y\r\n\r\n"},
		{"Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
		{"Host with a zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n"},
		{"Host of commas", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
		{"Host without a name", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
		{"empty expectation", get + "Expect:\r\n\r\n"},
	} {
		if _, n, err := parseRequest(t, tc.in); err == nil || n != 0 {
			t.Errorf("%s: accepted %q", tc.name, tc.in)
		}
	}
}

func TestRequestEdgesThatAreAccepted(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		is       func(r *Request) bool
	}{
		{"OPTIONS of a bare authority", "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", func(r *Request) bool { return string(r.Path) == "*" }},
		{"OPTIONS of a path", "OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", func(r *Request) bool { return string(r.Path) == "/" }},
		{"percent alone in the query", "GET /a%20b?100% HTTP/1.1\r\nHost: a\r\n\r\n", func(r *Request) bool { return string(r.Query) == "100%" }},
		{"empty query", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n", func(r *Request) bool { return r.Query != nil && len(r.Query) == 0 }},
		{"two slashes first", "GET //b/c HTTP/1.1\r\nHost: a\r\n\r\n", func(r *Request) bool { return string(r.Path) == "//b/c" && string(r.Host) == "a" }},
		{"a value of white space", get + "X: \t \r\n\r\n", func(r *Request) bool { return len(r.Fields[1].Value) == 0 }},
		{"leading zeros", get + "Content-Length: 0000000000000000000000005\r\n\r\n", func(r *Request) bool { return r.Framing == Length && r.Length == 5 }},
		{"Connection names the framing", get + "Content-Length: 5\r\nConnection: Content-Length, Host\r\n\r\n", func(r *Request) bool { return r.Length == 5 && string(r.Host) == "a" }},
		{"close and keep-alive", get + "Connection: keep-alive, close\r\n\r\n", func(r *Request) bool { return !r.KeepAlive }},
		{"close in a second line", get + "Connection: keep-alive\r\nConnection: CLOSE\r\n\r\n", func(r *Request) bool { return !r.KeepAlive }},
		{"expectation in HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", func(r *Request) bool { return !r.Expect100 }},
		{"unknown expectation in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: miracles\r\n\r\n", func(r *Request) bool { return !r.Expect100 }},
		{"upgrade repeated", get + "Upgrade: websocket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", func(r *Request) bool { return !r.WebSocket }},
		{"upgrade to a choice", get + "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n", func(r *Request) bool { return !r.WebSocket }},
		{"upgrade in HTTP/1.0", "GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", func(r *Request) bool { return !r.WebSocket }},
		{"upgrade with a body", get + "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\n", func(r *Request) bool { return !r.WebSocket }},
		{"absolute form in HTTP/1.0", "GET http://b/x HTTP/1.0\r\n\r\n", func(r *Request) bool { return string(r.Host) == "b" }},
		{"POST without a length", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", func(r *Request) bool { return r.Framing == NoBody && !r.HasLength() }},
	} {
		r, n, err := parseRequest(t, tc.in)
		if err != nil || n != len(tc.in) || !tc.is(r) {
			t.Errorf("%s: n=%d, err=%v, %+v", tc.name, n, err, r)
		}
	}
}

// Without Reset between them nothing of one request may show in the next.
func TestRequestIsUsedAgainWithoutReset(t *testing.T) {
	lim := DefaultLimits()
	var r Request
	first := []byte("\r\nGET http://b/x?y HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: upgrade, z\r\n\r\n")
	if n, err := r.Parse(first, &lim); n != len(first) || err != nil || !r.WebSocket || !r.Nominated([]byte("Z")) {
		t.Fatalf("n=%d, err=%v, %+v", n, err, r)
	}
	bad := []byte("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: x\r\n\r\n")
	if n, err := r.Parse(bad, &lim); n != 0 || !errors.Is(err, errLength) {
		t.Fatalf("n=%d, err=%v", n, err)
	}
	last := []byte("GET /z HTTP/1.0\r\n\r\n")
	n, err := feedRequest(&r, last, 1, &lim)
	if n != len(last) || err != nil {
		t.Fatalf("n=%d, err=%v", n, err)
	}
	if r.WebSocket || r.KeepAlive || r.Expect100 || r.Query != nil || len(r.Host) > 0 || r.HasLength() || len(r.Fields) > 0 || r.Nominated([]byte("z")) {
		t.Errorf("%+v", r)
	}
}

func TestResponseIsUsedAgainWithoutReset(t *testing.T) {
	lim := DefaultLimits()
	var r Response
	for _, in := range []string{
		"HTTP/1.1 200 Fine\r\nContent-Length: 7\r\n\r\n",
		"HTTP/1.1 101\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 204\r\n\r\n",
	} {
		n, err := r.Parse([]byte(in), &lim, Asked{WebSocket: true})
		if n != len(in) || err != nil {
			t.Fatalf("%q: n=%d, err=%v", in, n, err)
		}
	}
	if r.Framing != NoBody || r.Length != 0 || r.Upgraded || len(r.Reason) > 0 || r.WouldBe != -1 || !r.KeepAlive {
		t.Errorf("%+v", r)
	}
}

func TestAnswerEdges(t *testing.T) {
	lim := DefaultLimits()
	parse := func(in string, asked Asked) (*Response, error) {
		r := &Response{}
		_, err := r.Parse([]byte(in), &lim, asked)
		return r, err
	}
	if _, err := parse("HTTP/1.0 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", Asked{WebSocket: true}); err == nil {
		t.Error("101 in HTTP/1.0 was accepted")
	}
	if r, err := parse("HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", Asked{}); err != nil || r.KeepAlive || r.Framing != NoBody {
		t.Errorf("204 with a length of 5: err=%v, %+v", err, r)
	}
	if r, err := parse("HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n", Asked{}); err != nil || !r.Informational() || r.WouldBe != -1 {
		t.Errorf("103 with a length: err=%v, %+v", err, r)
	}
	for _, in := range []string{
		"HTTP/1.1 101 X\r\nTransfer-Encoding: chunked\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
		"HTTP/1.1 304 X\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: " + strings.Repeat("a,", 40) + "\r\n\r\n",
		"HTTP/1.1 +20 OK\r\n\r\n",
		"HTTP/1.1\t200 OK\r\n\r\n",
		"ICY 200 OK\r\n\r\n",
	} {
		_, err := parse(in, Asked{WebSocket: true})
		if ref, ok := errors.AsType[*Refusal](err); !ok || ref.Status != 502 {
			t.Errorf("%q: err=%v", in, err)
		}
	}
}

// Nothing of what follows is a whole head; that none can come of it is known already.
func TestHeadsThatCanOnlyBeRefused(t *testing.T) {
	lim := DefaultLimits()
	for in, want := range map[string]*Refusal{
		"\x16\x03\x01":                             errMethod,
		"SSH-2.0-OpenSSH_9.2\r\n":                  errRequestLine,
		"GET /\r\n":                                errRequestLine,
		"GET  ":                                    errRequestLine,
		"GET /\x01":                                errTarget,
		"GET / HTTP/2.0\r\n":                       errVersionNumber,
		"GET / HTTP/1.1\rX":                        errVersion,
		"CONNECT a:1 HTTP/1.1\r\n":                 errConnect,
		"MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM":        errMethod, // 33
		"GET / HTTP/1.1\r\nHost : ":                errFieldName,
		"GET / HTTP/1.1\r\nHost: a\r\n ":           errFold,
		"GET / HTTP/1.1\r\nHost: a\x00":            errFieldValue,
		"GET / HTTP/1.1\r\nHost: a\rb":             errBareCR,
		"GET / HTTP/1.1\r\nX\x00: \r\nHost: a\n":   errFieldName, // the first fault
		"GET / HTTP/1.1\r\nHost: a\nX\x00: y\r\n":  errBareLF,
		"G(T / HTTP/1.1\r\nHost: a\r\nX : y\r\n\n": errMethod,
	} {
		if _, n, err := parseRequest(t, in); err != want || n != 0 {
			t.Errorf("%q: n=%d, err=%v, want %v", in, n, err, want)
		}
	}
	for _, in := range []string{"", "\r", "\r\n\r", "G", "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nHost: a\r", "GET / HTTP/1.1\r\nHost: a\r\n\r"} {
		if n, err := new(Request).Parse([]byte(in), &lim); n != 0 || err != nil {
			t.Errorf("%q: n=%d, err=%v: more may come", in, n, err)
		}
	}
	for _, in := range []string{"S", "HTTQ", "ICY 200 OK\r\n", "HTTP/1.1 2 OK\r\n", "HTTP/1.1 200 OK\r\nX : "} {
		var r Response
		if _, err := r.Parse([]byte(in), &lim, Asked{}); err == nil {
			t.Errorf("answer %q: more is waited for", in)
		}
	}
}

// TestAsksHead: also of heads that are refused the method is known, as far as it came.
func TestAsksHead(t *testing.T) {
	for in, want := range map[string]bool{
		"HEAD / HTTP/1.1\r\n\r\n": true, "HEAD ": true, "\r\nHEAD * HTTP/1.1": true,
		"": false, "HEAD": false, "HEADER / HTTP/1.1": false, "head / HTTP/1.1": false, " HEAD /": false, "GET /HEAD ": false, "\r\n\r\nHEAD /": false,
	} {
		if got := AsksHead([]byte(in)); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}
