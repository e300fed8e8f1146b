package vectors

import (
	"strings"
	"testing"
)

// TestSequences holds RFC 9112 section 9 and RFC 9110 sections 7.8 and 10.1.1.
func TestSequences(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }
	get := func(p string) string { return req("GET /" + p) }

	add("9112 9.3.2 three in order", get("a")+get("b")+get("c"), ok("GET /a").then("GET /b").then("GET /c"))
	add("9112 9.3.2 body between", get("a")+req("POST /b", "Content-Length: 3", "=b\r\n")+get("c"), ok("GET /a").then("POST /b", "=b\r\n").then("GET /c"))
	add("9112 9.3.2 chunks between", get("a")+req("PUT /b", "Transfer-Encoding: chunked", "=1\r\nb\r\n0\r\nT: x\r\n\r\n")+get("c"), ok("GET /a").then("PUT /b", "=b").then("GET /c"))
	add("9112 9.3.2 HEAD between", get("a")+req("HEAD /b")+get("c"), ok("GET /a").then("HEAD /b").then("GET /c"))
	add("9112 9.3.2 a bad one behind", get("a")+"BAD\r\n\r\n"+get("c"), ok("GET /a").refuse("400"))
	add("9112 9.3.2 a bad Host behind", get("a")+"GET /b HTTP/1.1\r\n\r\n"+get("c"), ok("GET /a").refuse("400"))
	add("9112 9.3.2 a bad length behind", get("a")+req("POST /b", "Content-Length: x")+get("c"), ok("GET /a").refuse("400"))
	add("9112 9.3.2 bad chunks behind", get("a")+req("POST /b", "Transfer-Encoding: chunked", "=x\r\n")+get("c"), ok("GET /a").refuse("400"))
	add("9112 9.6 close in the middle", get("a")+req("GET /b", "Connection: close")+get("c"), ok("GET /a").then("GET /b").ends())
	add("9112 9.3 HTTP/1.0 in the middle", get("a")+"GET /b HTTP/1.0\r\nHost: h\r\n\r\n"+get("c"), ok("GET /a").then("GET /b").ends())
	add("9112 9.3 HTTP/1.0 kept, then 1.1", "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"+get("b"), ok("GET /a").then("GET /b"))
	add("9112 9.3.2 forty", strings.Repeat(get("a"), 40), func() (w want) {
		for range 40 {
			w = w.then("GET /a")
		}
		return w
	}())
	add("9112 9.5 garbage behind an answer", get("a")+"\x00\x01\x02\x03\r\n\r\n", ok("GET /a").refuse("400"))
	add("9112 8 half a head, then the end", "GET / HTTP/1.1\r\nHo", want{half: true, refused: "400|408|"})
	add("9112 8 half a start line, then the end", "GET /", want{half: true, refused: "400|408|"})
	add("9112 9.5 nothing, then the end", "", want{half: true, refused: "|400"})
	add("9112 9.6 a request, then the end of the client's side", get("a"), ok("GET /a").halfClosed())
	add("9112 9.6 a body, then the end of the client's side", req("POST /a", "Content-Length: 2", "=hi"), ok("POST /a", "=hi").halfClosed())
	add("9112 9.6 two requests, then the end of the client's side", get("a")+get("b"), ok("GET /a").then("GET /b").halfClosed())
	add("9112 9.6 a request and a half, then the end", get("a")+"GET /b HT", ok("GET /a").refuse("|400|408").halfClosed())
	add("9112 9.6 chunks, then the end of the client's side", req("POST /a", "Transfer-Encoding: chunked", "=2\r\nhi\r\n0\r\n\r\n"), ok("POST /a", "=hi").halfClosed())

	add("9110 10.1.1 Expect with the body at once", req("POST /a", "Expect: 100-continue", "Content-Length: 2", "=hi")+get("b"), ok("POST /a", "=hi").then("GET /b"))
	add("9110 10.1.1 Expect in other case", req("POST /a", "expect: 100-Continue", "Content-Length: 2", "=hi")+get("b"), ok("POST /a", "=hi").then("GET /b"))
	add("9110 10.1.1 Expect with chunks", req("POST /a", "Expect: 100-continue", "Transfer-Encoding: chunked", "=2\r\nhi\r\n0\r\n\r\n")+get("b"), ok("POST /a", "=hi").then("GET /b"))
	add("9110 10.1.1 Expect without a body", req("GET /a", "Expect: 100-continue")+get("b"), ok("GET /a").then("GET /b"))
	add("9110 10.1.1 Expect with length 0", req("POST /a", "Expect: 100-continue", "Content-Length: 0")+get("b"), ok("POST /a", "=").then("GET /b"))
	add("9110 10.1.1 Expect of HTTP/1.0 is not heeded", "POST /a HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", ok("POST /a", "=hi").ends())

	ws := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	add("9110 7.8 websocket, the member does not want to", req("GET /a", ws...)+get("b"), ok("GET /a", "Upgrade: websocket", "Connection: Upgrade").then("GET /b"))
	add("9110 7.8 websocket, other case", req("GET /a", "connection: keep-alive, UPGRADE", "upgrade: WebSocket", ws[2], ws[3]), ok("GET /a"))
	add("9110 7.8 Upgrade not named in Connection", req("GET /a", "Upgrade: websocket"), ok("GET /a", "-Upgrade"))
	add("9110 7.8 upgrade named, not there", req("GET /a", "Connection: upgrade"), ok("GET /a", "-Upgrade", "-Connection"))
	add("9110 7.8 Upgrade of HTTP/1.0", "GET /a HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", ok("GET /a", "-Upgrade").ends())
	for _, p := range []string{"h2c", "TLS/1.0", "HTTP/2.0", "foo", "h2c, websocket2", "IRC/6.9"} {
		add("9110 7.8 Upgrade: "+p, req("GET /a", "Connection: Upgrade, HTTP2-Settings", "Upgrade: "+p, "HTTP2-Settings: AAMAAABkAAQAAP__")+get("b"), ok("GET /a", "-Upgrade", "-HTTP2-Settings", "-Connection").then("GET /b"))
	}
	add("9110 7.8 h2c with a body", req("POST /a", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 2", "=hi")+get("b"), ok("POST /a", "=hi", "-Upgrade").then("GET /b"))

	add("9110 10.1.4 TE trailers", req("GET /a", "Connection: TE", "TE: trailers"), ok("GET /a", "TE: trailers", "Connection: TE"))
	add("9110 10.1.4 TE of codings", req("GET /a", "Connection: TE", "TE: gzip, trailers;q=0.5"), ok("GET /a"))
	add("9110 10.1.4 TE not named in Connection", req("GET /a", "TE: gzip"), ok("GET /a", "-TE"))
	add("9110 7.6.1 TE chunked", req("GET /a", "Connection: TE", "TE: chunked"), ok("GET /a", "-TE"))

	for name, in := range map[string]string{
		"no Host": "HEAD / HTTP/1.1\r\n\r\n", "bad version": "HEAD / HTTP/1.x\r\nHost: h\r\n\r\n", "empty line before": "\r\nHEAD / HTTP/1.1\r\n\r\n", "bad target": "HEAD * HTTP/1.1\r\nHost: h\r\n\r\n",
		"bad length": req("HEAD /", "Content-Length: x"), "bad coding": req("HEAD /", "Transfer-Encoding: x"), "bad chunk": req("HEAD /", "Transfer-Encoding: chunked", "=x\r\n"), "long line": req("HEAD /" + strings.Repeat("x", 20000)),
		"long field": req("HEAD /", "X: "+strings.Repeat("x", 20000)), "HTTP/2.0": "HEAD / HTTP/2.0\r\nHost: h\r\n\r\n",
	} {
		w := refuse("400|414|431|501|505")
		w.head = true
		add("9110 9.3.2 no body for HEAD that is refused: "+name, in, w)
	}
	run(t, vs)
}

// TestCuts judges some vectors cut in two at every byte, and byte by byte: how the
// bytes arrive changes nothing.
func TestCuts(t *testing.T) {
	post := func(body string) string { return req("POST /a", "Transfer-Encoding: chunked", "="+body) }
	vs := []vector{
		{"plain", req("GET /a", "X: y"), ok("GET /a", "X: y")},
		{"length", req("POST /a", "Content-Length: 5", "=hello") + req("GET /b"), ok("POST /a", "=hello").then("GET /b")},
		{"chunks", post("3;a=\"b\"\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: y\r\n\r\n") + req("GET /b"), ok("POST /a", "=hello", "~X-T: y").then("GET /b")},
		{"empty line first", "\r\n" + req("GET /a"), ok("GET /a")},
		{"absolute form", req("GET http://h/a"), ok("GET /a")},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", ok("GET /a").ends()},
		{"Connection", req("GET /a", "X-A: b", "Connection: x-a, close"), ok("GET /a", "-X-A").ends()},
		{"LF alone", "GET / HTTP/1.1\r\nHost: h\n\r\n", refuse("400")},
		{"CR alone", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", refuse("400")},
		{"folded", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", refuse("400")},
		{"two lengths", req("POST /a", "Content-Length: 1", "Content-Length: 2", "=hi"), refuse("400")},
		{"both", req("POST /a", "Content-Length: 4", "Transfer-Encoding: chunked", "=0\r\n\r\n"), refuse("400")},
		{"chunk behind its end", post("5\r\nhelloX\r\n0\r\n\r\n"), refuse("400")},
		{"LF in an extension", post("5;a\nb\r\nhello\r\n0\r\n\r\n"), refuse("400")},
		{"CR in a size", post("5\rX\nhello\r\n0\r\n\r\n"), refuse("400")},
		{"bad trailer", post("5\r\nhello\r\n0\r\nX : y\r\n\r\n"), refuse("400")},
		{"OPTIONS", req("OPTIONS *", "Max-Forwards: 0"), own("200")},
		{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", refuse("405|400|501")},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refuse("505|400")},
	}
	const shares = 5
	for i := range shares * len(engines) {
		e := engines[i%len(engines)]
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, e.loops, nil)
			for j := i / len(engines); j < len(vs); j += shares {
				cutEverywhere(t, b, vs[j])
			}
		})
	}
}

func cutEverywhere(t *testing.T, b *bench, v vector) {
	var all []int
	for i := 1; i < len(v.in); i++ {
		all = append(all, i)
		if i%9 != 0 && v.want.refused != "" && strings.Contains(v.in, "chunked") {
			continue // the member is given a moment for an early answer each time
		}
		if s := b.judge(v, []int{i}); s != "" {
			t.Errorf("%s cut at %d: %.200q\n  %s", v.name, i, v.in, s)
		}
	}
	if s := b.judge(v, all); s != "" {
		t.Errorf("%s byte by byte: %.200q\n  %s", v.name, v.in, s)
	}
}
