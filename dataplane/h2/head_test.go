package h2

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"lbd/dataplane/http1"
)

func listOf(fields ...string) *headList {
	lim := http1.DefaultLimits()
	h := new(headList)
	for i := 0; i+1 < len(fields); i += 2 {
		h.add(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}, &lim)
	}
	return h
}

var get = []string{":method", "GET", ":scheme", "https", ":authority", "a.example", ":path", "/x?y"}

func TestTranslate(t *testing.T) {
	for name, tc := range map[string]struct {
		fields []string
		ended  bool
		want   string
	}{
		"get":    {get, true, "GET /x?y HTTP/1.1\r\nhost: a.example\r\n\r\n"},
		"fields": {append(get[:8:8], "accept", "*/*", "x-a", ""), true, "GET /x?y HTTP/1.1\r\nhost: a.example\r\naccept: */*\r\nx-a: \r\n\r\n"},
		"host alone": {
			[]string{":method", "GET", ":scheme", "https", ":path", "/", "host", "b"},
			true,
			"GET / HTTP/1.1\r\nhost: b\r\n\r\n",
		},
		"host equal": {append(get[:8:8], "host", "A.example"), true, "GET /x?y HTTP/1.1\r\nhost: A.example\r\n\r\n"},
		"options *": {
			[]string{":method", "OPTIONS", ":scheme", "https", ":path", "*", ":authority", "a"},
			true,
			"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
		},
		"cookies": {append(get[:8:8], "cookie", "a=1", "x-b", "2", "cookie", "c=3"), true, "GET /x?y HTTP/1.1\r\nhost: a.example\r\nx-b: 2\r\ncookie: a=1; c=3\r\n\r\n"},
		"te":      {append(get[:8:8], "te", "trailers"), true, "GET /x?y HTTP/1.1\r\nhost: a.example\r\nte: trailers\r\nconnection: te\r\n\r\n"},
		"length":  {append(get[:8:8], "content-length", "5"), false, "GET /x?y HTTP/1.1\r\nhost: a.example\r\ncontent-length: 5\r\n\r\n"},
		"chunked": {get, false, "GET /x?y HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n"},
		"connect": {[]string{":method", "CONNECT", ":authority", "a:443"}, false, "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\ntransfer-encoding: chunked\r\n\r\n"},
	} {
		r, err := listOf(tc.fields...).translate(tc.ended)
		if err != nil || string(r.head) != tc.want {
			t.Errorf("%s: %q, %v, want %q", name, r.head, err, tc.want)
		}
	}
}

func TestTranslateRefuses(t *testing.T) {
	with := func(more ...string) []string { return append(get[:8:8], more...) }
	without := func(i int) []string { return append(append([]string{}, get[:i]...), get[i+2:]...) }
	change := func(name, value string) []string {
		f := append([]string{}, get...)
		for i := range f {
			if f[i] == name {
				f[i+1] = value
			}
		}
		return f
	}
	for name, fields := range map[string][]string{
		"nothing":               {},
		"no method":             without(0),
		"no scheme":             without(2),
		"no authority":          without(4),
		"no path":               without(6),
		"method twice":          with(":method", "GET"),
		"empty path":            change(":path", ""),
		"relative path":         change(":path", "x"),
		"space in path":         change(":path", "/x HTTP/1.1\r\nx: y"),
		"tab in path":           change(":path", "/\tx"),
		"star with GET":         change(":path", "*"),
		"method with space":     change(":method", "GET /"),
		"authority with CR":     change(":authority", "a\rb"),
		"unknown pseudo":        with(":foo", "x"),
		"answer's pseudo":       with(":status", "200"),
		"pseudo behind regular": {":method", "GET", ":scheme", "https", "x-a", "1", ":authority", "a", ":path", "/"},
		"upper case":            with("X-A", "1"),
		"empty name":            with("", "1"),
		"colon in name":         with("a:b", "1"),
		"CR in value":           with("x-a", "1\rb"),
		"LF in value":           with("x-a", "1\nb"),
		"NUL in value":          with("x-a", "1\x00b"),
		"space before value":    with("x-a", " 1"),
		"tab behind value":      with("x-a", "1\t"),
		"connection":            with("connection", "close"),
		"transfer-encoding":     with("transfer-encoding", "chunked"),
		"keep-alive":            with("keep-alive", "1"),
		"proxy-connection":      with("proxy-connection", "x"),
		"upgrade":               with("upgrade", "h2c"),
		"te":                    with("te", "gzip"),
		"length not a number":   with("content-length", "x"),
		"length with sign":      with("content-length", "+0"),
		"length twice":          with("content-length", "0", "content-length", "1"),
		"length without body":   with("content-length", "5"),
		"two hosts":             with("host", "a.example", "host", "a.example"),
		"other host":            with("host", "b.example"),
		"connect with path":     {":method", "CONNECT", ":authority", "a", ":path", "/"},
	} {
		if r, err := listOf(fields...).translate(true); err == nil {
			t.Errorf("%s: translated to %q", name, r.head)
		}
	}
}

func TestTrailersOfARequest(t *testing.T) {
	b, err := listOf("x-a", "1", "content-length", "5", "cookie", "a=b").trailers()
	if err != nil || string(b) != "0\r\nx-a: 1\r\n\r\n" {
		t.Errorf("%q, %v", b, err)
	}
	for _, f := range [][]string{{":path", "/"}, {"connection", "x"}, {"X-A", "1"}} {
		if b, err := listOf(f...).trailers(); err == nil {
			t.Errorf("%v: %q", f, b)
		}
	}
}

// Whatever a client sends, what is made of it is one HTTP/1.1 request and nothing
// behind it.
func FuzzTranslate(f *testing.F) {
	f.Add("GET", "https", "a", "/", "x-a", "1", "cookie", "b", true)
	f.Add("POST", "https", "a", "/", "content-length", "3", "te", "trailers", false)
	f.Add("CONNECT", "", "a:1", "", "host", "a:1", "x", "", true)
	f.Fuzz(func(t *testing.T, method, scheme, authority, path, n1, v1, n2, v2 string, ended bool) {
		h := listOf(":method", method, ":scheme", scheme, ":authority", authority, ":path", path, n1, v1, n2, v2)
		r, err := h.translate(ended)
		if err != nil || h.over {
			return
		}
		lim := http1.DefaultLimits()
		lim.RequestLine, lim.Field, lim.Head = 1<<20, 1<<20, 1<<21
		var req http1.Request
		n, err := req.Parse(r.head, &lim)
		if err != nil {
			return // refused there: the engine answers 400
		}
		if n != len(r.head) {
			t.Fatalf("%q: %d of %d bytes are the head", r.head, n, len(r.head))
		}
		if string(req.Method) != method {
			t.Fatalf("method %q became %q", method, req.Method)
		}
		want := map[bodyKind]http1.Framing{noBody: http1.NoBody, lengthBody: http1.Length, chunkedBody: http1.Chunks}[r.body]
		if r.body == lengthBody && r.length == 0 {
			want = http1.NoBody
		}
		if req.Framing != want || req.Framing == http1.Length && req.Length != r.length {
			t.Fatalf("%q: framing %v, want %v", r.head, req.Framing, want)
		}
		if bytes.Count(r.head, []byte("\n")) != len(req.Fields)+2 || strings.Contains(string(r.head), "\x00") {
			t.Fatalf("%q has lines that are no fields", r.head)
		}
	})
}
