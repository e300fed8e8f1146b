package vectors

import (
	"fmt"
	"strings"
	"testing"
)

// TestFields holds RFC 9112 section 5 and RFC 9110 sections 5 and 7.6.1.
func TestFields(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }

	for c := range 256 {
		b := string([]byte{byte(c)})
		name := fmt.Sprintf("9110 5.1 byte %#02x in a name", c)
		switch {
		case c == ':':
			add(name, req("GET /", "X:Y: z"), ok("GET /", "X: Y: z"))
		case tchar(byte(c)):
			add(name, req("GET /", "X"+b+"Y: z"), ok("GET /", "X"+b+"Y: z"))
		default:
			add(name, req("GET /", "X"+b+"Y: z"), refuse("400"))
		}
		name = fmt.Sprintf("9110 5.5 byte %#02x in a value", c)
		if c < ' ' && c != '\t' || c == 0x7f {
			w := refuse("400")
			if c != 0 && c != '\r' && c != '\n' {
				w.note = "MAY be kept (9110 5.5); members differ"
			}
			add(name, req("GET /", "X: a"+b+"b"), w)
		} else {
			add(name, req("GET /", "X: a"+b+"b"), ok("GET /", "X: a"+b+"b"))
		}
	}
	for name, l := range map[string]string{
		"empty name":                   ": x",
		"colon alone":                  ":",
		"no colon":                     "Foo",
		"no colon, value":              "Foo bar",
		"space before the colon":       "Foo : bar",
		"tab before the colon":         "Foo\t: bar",
		"spaces before the colon":      "Foo   : bar",
		"space in the name":            "Fo o: bar",
		"space before the name":        " Foo: bar",
		"folded by a space":            "Foo: bar\r\n baz",
		"folded by a tab":              "Foo: bar\r\n\tbaz",
		"folded to nothing":            "Foo: bar\r\n ",
		"folded at once":               "Foo:\r\n bar",
		"CR at the end":                "Foo: bar\r",
		"CR at the start":              "Foo: \rbar",
		"LF inside":                    "Foo: bar\nBar: baz",
		"CR LF LF":                     "Foo: bar\r\n\nBar: baz",
		"NUL at the end":               "Foo: bar\x00",
		"NUL in the name":              "Foo\x00: bar",
		"quoted name":                  "\"Foo\": bar",
		"request inside":               "GET /x HTTP/1.1",
		"non-ASCII name":               "F\xc3\xb6\xc3\xb6: bar",
		"parenthesis":                  "Foo(bar): baz",
		"semicolon for a colon":        "Foo; bar",
		"equals for a colon":           "Foo=bar",
		"CR before the colon":          "Foo\r: bar",
		"pseudo header":                ":path: /x",
		"pseudo header without spaces": ":method:GET",
	} {
		add("9112 5 "+name, req("GET /", l, "X: y"), refuse("400"))
	}
	add("9110 5.5 empty value", req("GET /", "X:"), ok("GET /", "X: "))
	add("9110 5.5 value of spaces", req("GET /", "X:  \t "), ok("GET /", "X: "))
	add("9110 5.5 no space", req("GET /", "X:y"), ok("GET /", "X: y"))
	add("9110 5.5 space around", req("GET /", "X: \t y z \t"), ok("GET /", "X: y z"))
	add("9110 5.5 tab inside", req("GET /", "X: y\tz"), ok("GET /", "X: y\tz"))
	add("9110 5.5 quotes and comments", req("GET /", `X: "a, b" (c) \ <d>`), ok("GET /", `X: "a, b" (c) \ <d>`))
	add("9110 5.5 UTF-8", req("GET /", "X: \xc3\xb6\xe2\x82\xac"), ok("GET /", "X: \xc3\xb6\xe2\x82\xac"))
	add("9110 5.5 latin 1", req("GET /", "X: \xf6"), ok("GET /", "X: \xf6"))
	add("9110 5.3 order of equal names", req("GET /", "X: a", "Y: b", "x: c", "X: d"), ok("GET /", "X: a\nc\nd", "Y: b"))
	add("9110 5.3 cookies", req("GET /", "Cookie: a=1", "Cookie: b=2"), ok("GET /", "Cookie: a=1\nb=2"))
	add("9110 5.1 unknown fields pass", req("GET /", "Foo-Bar: x", "Sec-Whatever: y", "A: z"), ok("GET /", "Foo-Bar: x", "Sec-Whatever: y", "A: z"))
	add("9110 5.1 digits first", req("GET /", "1: x"), ok("GET /", "1: x"))
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Location", "Content-Type", "Cookie", "Date",
		"ETag", "Forwarded", "From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Event-ID", "Link", "Origin", "Pragma", "Range", "Referer", "User-Agent", "Via", "Warning", "Traceparent", "DNT",
	} {
		add("9110 5.1 passes: "+name, req("GET /", name+": some, thing; q=1"), ok("GET /", name+": some, thing; q=1"))
	}

	for _, l := range []string{"Connection: X-A", "connection: x-a", "CONNECTION:x-a", "Connection: close, X-A", "Connection: X-A, keep-alive", "Connection: ,, X-A ,", "Connection: foo,X-A,bar", "Connection:\tX-A\t"} {
		w := ok("GET /", "-X-A", "X-B: 2")
		if strings.Contains(l, "close") {
			w = w.ends()
		}
		add("9110 7.6.1 option names a field: "+l, req("GET /", "X-A: 1", "X-B: 2", l, "x-a: 3"), w)
	}
	add("9110 7.6.1 two lines", req("GET /", "Connection: X-A", "X-A: 1", "Connection: X-B", "X-B: 2", "X-C: 3"), ok("GET /", "-X-A", "-X-B", "X-C: 3"))
	add("9110 7.6.1 named before", req("GET /", "Connection: X-A", "X-A: 1"), ok("GET /", "-X-A"))
	add("9110 7.6.1 part of a name", req("GET /", "X-AB: 1", "Connection: X-A"), ok("GET /", "X-AB: 1"))
	add("9110 7.6.1 Content-Length stays", req("POST /", "Connection: content-length", "Content-Length: 2", "=hi"), ok("POST /", "=hi"))
	add("9110 7.6.1 Transfer-Encoding stays", req("POST /", "Connection: Transfer-Encoding", "Transfer-Encoding: chunked", "=2\r\nhi\r\n0\r\n\r\n"), ok("POST /", "=hi"))
	for _, name := range []string{"Cookie", "Authorization", "Accept", "Cache-Control", "Foo"} {
		add("9110 7.6.1 named, removed: "+name, req("GET /", "Connection: "+name, name+": a"), ok("GET /", "-"+name))
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "TE", "Upgrade", "Connection"} {
		add("9110 7.6.1 hop by hop: "+name, req("GET /", name+": x"), ok("GET /", "-"+name))
	}
	add("9112 9.3 keep-alive is said", req("GET /", "Connection: keep-alive"), ok("GET /"))
	add("9112 9.6 close", req("GET /", "Connection: close"), ok("GET /").ends())
	add("9112 9.6 close in other case", req("GET /", "connection: CLOSE"), ok("GET /").ends())
	add("9112 9.6 close among others", req("GET /", "Connection: a, close ,b"), ok("GET /").ends())
	add("9112 9.6 close on a second line", req("GET /", "Connection: a", "Connection: close"), ok("GET /").ends())
	add("9112 9.6 close and keep-alive", req("GET /", "Connection: keep-alive, close"), ok("GET /").ends())
	add("9112 9.6 nothing behind close is served", req("GET /", "Connection: close")+req("GET /b"), ok("GET /").ends())
	add("9112 9.6 closed is not close", req("GET /", "Connection: closed"), ok("GET /"))
	add("9112 9.6 Proxy-Connection is not Connection", req("GET /", "Proxy-Connection: close"), ok("GET /", "-Proxy-Connection"))
	old := func(lines string) string { return "GET / HTTP/1.0\r\nHost: h\r\n" + lines + "\r\n" }
	add("9112 9.3 HTTP/1.0 closes", old(""), ok("GET /").ends())
	add("9112 9.3 HTTP/1.0, close", old("Connection: close\r\n"), ok("GET /").ends())
	add("9112 9.3 HTTP/1.0, keep-alive", old("Connection: keep-alive\r\n"), ok("GET /").because("MAY be kept (C.2.2): HAProxy and nginx do"))
	add("9112 9.3 HTTP/1.0, Keep-Alive in other case", old("connection: Keep-Alive\r\n"), ok("GET /"))
	add("9112 9.3 HTTP/1.0, close and keep-alive", old("Connection: keep-alive, close\r\n"), ok("GET /").ends())
	add("9112 9.3 HTTP/1.0, nothing behind it is served", old("")+req("GET /b"), ok("GET /").ends())
	add("9112 C.2.2 HTTP/1.0, Proxy-Connection", old("Proxy-Connection: keep-alive\r\n"), ok("GET /", "-Proxy-Connection").ends())

	add("6585 5 190 fields", req("GET /", strings.Repeat("X: y\r\n", 189)+"X: y"), ok("GET /"))
	add("6585 5 250 fields", req("GET /", strings.Repeat("X: y\r\n", 249)+"X: y"), refuse("431"))
	add("6585 5 10000 fields", req("GET /", strings.Repeat("X: y\r\n", 9999)+"X: y"), refuse("431"))
	add("6585 5 value of 15000 bytes", req("GET /", "X: "+strings.Repeat("y", 15000)), ok("GET /", "X: "+strings.Repeat("y", 15000)))
	add("6585 5 value of 17000 bytes", req("GET /", "X: "+strings.Repeat("y", 17000)), refuse("431"))
	add("6585 5 name of 17000 bytes", req("GET /", strings.Repeat("x", 17000)+": y"), refuse("431"))
	add("6585 5 head of 70000 bytes", req("GET /", strings.Repeat("X: "+strings.Repeat("y", 7000)+"\r\n", 10)+"X: y"), refuse("431"))
	add("6585 5 head without end", "GET / HTTP/1.1\r\nHost: h\r\n"+strings.Repeat("X: y\r\n", 100000), refuse("431"))
	add("9110 5.1 underscore passes", req("GET /", "X_Y: z"), ok("GET /", "X_Y: z").because("HAProxy and Caddy let it pass, nginx drops it"))
	run(t, vs)
}
