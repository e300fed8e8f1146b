package vectors

import (
	"fmt"
	"strings"
	"testing"
)

func resp(start string, linesAndBody ...string) string {
	s, body := start+"\r\n", ""
	for _, l := range linesAndBody {
		if after, ok := strings.CutPrefix(l, "="); ok {
			body = after
			continue
		}
		s += l + "\r\n"
	}
	return s + "\r\n" + body
}

// TestAnswerHeads holds RFC 9112 sections 4 and 5 and RFC 9110 sections 7.6.1 and 15.
func TestAnswerHeads(t *testing.T) {
	var vs []reply
	add := func(name, raw string, o outcome) { vs = append(vs, reply{name: name, raw: raw, want: o}) }
	two := []string{"Content-Length: 2", "=hi"}

	for _, code := range []int{200, 201, 202, 203, 206, 207, 299, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 409, 410, 412, 418, 421, 422, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 511, 599} {
		add("9110 15 code", resp(fmt.Sprint("HTTP/1.1 ", code, " Some Reason"), two...), passed(fmt.Sprint(code), "=hi"))
	}
	for name, start := range map[string]string{
		"no reason": "HTTP/1.1 200 ", "reason of spaces": "HTTP/1.1 200    ", "obs-text in the reason": "HTTP/1.1 200 \xc3\xb6k", "tab in the reason": "HTTP/1.1 200 O\tK", "long reason": "HTTP/1.1 200 " + strings.Repeat("r", 500),
		"reason of digits": "HTTP/1.1 200 404", "HTTP/1.0": "HTTP/1.0 200 OK", "minor above 1": "HTTP/1.2 200 OK",
	} {
		add("9112 4 "+name, resp(start, two...), passed("200", "=hi"))
	}
	for name, start := range map[string]string{
		"two digits": "HTTP/1.1 20 OK", "four digits": "HTTP/1.1 2000 OK", "letters": "HTTP/1.1 2x0 OK", "code 000": "HTTP/1.1 000 OK", "code 099": "HTTP/1.1 099 OK", "sign": "HTTP/1.1 +20 OK", "minus": "HTTP/1.1 -20 OK", "no code": "HTTP/1.1 ", "no code, reason": "HTTP/1.1 OK",
		"version alone": "HTTP/1.1", "HTTP/2.0": "HTTP/2.0 200 OK", "HTTP/2": "HTTP/2 200 OK", "HTTP/0.9": "HTTP/0.9 200 OK", "ICY": "ICY 200 OK", "lower case": "http/1.1 200 OK", "two digits minor": "HTTP/1.10 200 OK", "leading space": " HTTP/1.1 200 OK",
		"two spaces": "HTTP/1.1  200 OK", "tab": "HTTP/1.1\t200 OK", "no space": "HTTP/1.1200 OK", "CR": "HTTP/1.1 200 OK\r", "CR inside": "HTTP/1.1 200 O\rK", "NUL": "HTTP/1.1 200 O\x00K", "control byte": "HTTP/1.1 200 O\x01K", "no slash": "HTTP1.1 200 OK",
		"request": "GET / HTTP/1.1", "garbage": "\x00\x01\x02\x03", "TLS alert": "\x15\x03\x01\x00\x02\x02\x0a", "SSH": "SSH-2.0-OpenSSH", "SMTP": "220 mail ESMTP", "HTML": "<html><body>hi</body></html>", "empty lines": "\r\n\r\n\r\n", "code behind": "HTTP/1.1 OK 200",
		"non-ASCII digit": "HTTP/1.1 20\xb2 OK", "comma": "HTTP/1,1 200 OK", "long line": "HTTP/1.1 200 " + strings.Repeat("r", 70000), "HTTP/2 SETTINGS": "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "point in code": "HTTP/1.1 200.1 OK", "reason without space": "HTTP/1.1 200OK",
	} {
		add("9112 4 "+name, resp(start, two...), bad)
	}
	for _, code := range []string{"600", "700", "999"} {
		add("9110 15 code "+code, resp("HTTP/1.1 "+code+" X", two...), passed(code+"|502").because("invalid (9110 15), to be taken for 5xx"))
	}
	add("9112 2.2 LF alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", bad.because("MAY be read as a line end; refused as in requests"))
	add("9112 2.2 LF behind a field", "HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\r\n\r\nhi", bad)
	add("9112 2.2 CR alone", "HTTP/1.1 200 OK\rContent-Length: 2\r\rhi", bad)
	vs = append(vs,
		reply{name: "9112 8 nothing", close: true, want: bad},
		reply{name: "9112 8 half a status line", raw: "HTTP/1.1 2", close: true, want: bad},
		reply{name: "9112 8 half a head", raw: "HTTP/1.1 200 OK\r\nContent-Le", close: true, want: bad},
		reply{name: "9112 8 a head without its end", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", close: true, want: bad},
	)

	for c := range 256 {
		b := string([]byte{byte(c)})
		name := fmt.Sprintf("9110 5.1 byte %#02x in a name", c)
		switch {
		case c == ':':
		case tchar(byte(c)):
			add(name, resp("HTTP/1.1 200 OK", "X"+b+"Y: z", two[0], two[1]), passed("200", "X"+b+"Y: z", "=hi"))
		default:
			add(name, resp("HTTP/1.1 200 OK", "X"+b+"Y: z", two[0], two[1]), bad)
		}
		name = fmt.Sprintf("9110 5.5 byte %#02x in a value", c)
		if c < ' ' && c != '\t' || c == 0x7f {
			add(name, resp("HTTP/1.1 200 OK", "X: a"+b+"b", two[0], two[1]), bad)
		} else {
			add(name, resp("HTTP/1.1 200 OK", "X: a"+b+"b", two[0], two[1]), passed("200", "X: a"+b+"b", "=hi"))
		}
	}
	for name, l := range map[string]string{
		"empty name": ": x", "no colon": "Foo", "space before the colon": "Foo : bar", "space in the name": "Fo o: bar", "folded": "Foo: bar\r\n baz", "folded by a tab": "Foo: bar\r\n\tbaz", "space before the name": " Foo: bar", "NUL": "Foo: b\x00r", "CR": "Foo: b\rr", "CR at the end": "Foo: bar\r", "pseudo header": ":status: 200",
	} {
		add("9112 5 "+name, resp("HTTP/1.1 200 OK", l, two[0], two[1]), bad.because("502 instead of mending it: RFC 9112 5.1, 5.2"))
	}
	add("6585 5 500 fields", resp("HTTP/1.1 200 OK", strings.Repeat("X: y\r\n", 500)+two[0], two[1]), bad)
	add("6585 5 head without end", "HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", 100000), bad)
	add("6585 5 long value", resp("HTTP/1.1 200 OK", "X: "+strings.Repeat("y", 70000), two[0], two[1]), bad)
	add("9110 5.3 cookies stay apart, in order", resp("HTTP/1.1 200 OK", "Set-Cookie: a=1", "X: y", "Set-Cookie: b=2", two[0], two[1]), passed("200", "Set-Cookie: a=1\nb=2", "=hi"))
	for _, l := range []string{"Connection: X-A", "connection: x-a, keep-alive", "Connection: close, X-A", "Connection: foo\r\nConnection: X-A"} {
		add("9110 7.6.1 "+l, resp("HTTP/1.1 200 OK", "X-A: 1", l, "X-B: 2", two[0], two[1]), passed("200", "-X-A", "X-B: 2", "=hi"))
	}
	for _, l := range []string{"Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Transfer-Encodings: x\r\nConnection: Transfer-Encodings", "Upgrade: h2c", "Upgrade: h2,h2c\r\nConnection: Upgrade"} {
		name, _, _ := strings.Cut(l, ":")
		add("9110 7.6.1 hop by hop: "+name, resp("HTTP/1.1 200 OK", l, two[0], two[1]), passed("200", "-"+name, "=hi"))
	}
	add("9110 7.6.1 Content-Length named in Connection", resp("HTTP/1.1 200 OK", "Connection: Content-Length", two[0], two[1]), passed("200", "=hi"))
	for _, name := range []string{"Age", "Allow", "Cache-Control", "Content-Encoding", "Content-Range", "ETag", "Expires", "Last-Modified", "Link", "Location", "Retry-After", "Server", "Strict-Transport-Security", "Vary", "Warning", "WWW-Authenticate", "Date", "Via", "Accept-Ranges"} {
		add("9110 5.1 passes: "+name, resp("HTTP/1.1 200 OK", name+": some, thing; q=1", two[0], two[1]), passed("200", name+": some, thing; q=1", "=hi"))
	}
	runReplies(t, vs)
}

// TestAnswerBodies holds RFC 9112 sections 6 to 8 and RFC 9110 sections 6.4, 8.6, 9.3.2 and 15.
func TestAnswerBodies(t *testing.T) {
	var vs []reply
	add := func(name, raw string, o outcome) { vs = append(vs, reply{name: name, raw: raw, want: o}) }
	ends := func(name, raw string, o outcome) { vs = append(vs, reply{name: name, raw: raw, close: true, want: o}) }
	poison := "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	const start = "HTTP/1.1 200 OK"
	chunked := "Transfer-Encoding: chunked"

	add("9112 6.3 length", resp(start, "Content-Length: 5", "=hello"), passed("200", "=hello"))
	add("9112 6.3 length 0", resp(start, "Content-Length: 0"), passed("200", "="))
	add("9112 6.3 large", resp(start, "Content-Length: 1000000", "="+strings.Repeat("b", 1000000)), passed("200", "="+strings.Repeat("b", 1000000)))
	ends("9112 6.3 up to the end", resp(start, "=hello"), passed("200", "=hello"))
	ends("9112 6.3 up to the end, nothing", resp(start), passed("200", "="))
	ends("9112 6.3 up to the end, HTTP/1.0", resp("HTTP/1.0 200 OK", "=hello"), passed("200", "=hello"))
	ends("9112 6.3 length and close", resp(start, "Connection: close", "Content-Length: 5", "=hello"), passed("200", "=hello"))
	add("9112 6.3 said close, stays", resp(start, "Connection: close", "Content-Length: 5", "=hello"), passed("200", "=hello"))
	ends("9112 9.3 HTTP/1.0 with a length", resp("HTTP/1.0 200 OK", "Content-Length: 5", "=hello"), passed("200", "=hello"))
	add("9112 9.3 HTTP/1.0 with a length, stays", resp("HTTP/1.0 200 OK", "Content-Length: 5", "=hello"), passed("200", "=hello"))
	add("9112 9.3 HTTP/1.0, keep-alive", resp("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 5", "=hello"), passed("200", "=hello"))
	for name, b := range map[string]string{"plain": "5\r\nhello\r\n0\r\n\r\n", "two": "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "extension": "5;a=\"b\"\r\nhello\r\n0;c\r\n\r\n", "zeros": "0005\r\nhello\r\n000\r\n\r\n", "BWS": "5 ; a = b\r\nhello\r\n0\r\n\r\n"} {
		add("9112 7.1 chunks: "+name, resp(start, chunked, "="+b), passed("200", "=hello"))
	}
	add("9112 7.1.2 trailer", resp(start, chunked, "Trailer: X-T", "=5\r\nhello\r\n0\r\nX-T: y\r\n\r\n"), passed("200", "=hello", "~X-T: y"))
	add("9112 7.1.2 trailer that frames", resp(start, chunked, "=5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"), passed("200|502|cut", "=hello", "-Content-Length"))
	add("9112 7.1 other case", resp(start, "transfer-encoding: CHUNKED", "=5\r\nhello\r\n0\r\n\r\n"), passed("200", "=hello"))
	for name, b := range map[string]string{
		"no hex": "g\r\nhello\r\n0\r\n\r\n", "sign": "+5\r\nhello\r\n0\r\n\r\n", "minus": "-5\r\nhello\r\n0\r\n\r\n", "0x": "0x5\r\nhello\r\n0\r\n\r\n", "huge": "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", "2^64+5": "10000000000000005\r\nhello\r\n0\r\n\r\n", "longer": "5\r\nhello!\r\n0\r\n\r\n", "shorter": "6\r\nhello\r\n0\r\n\r\n",
		"LF": "5\nhello\n0\n\n", "LF behind data": "5\r\nhello\n0\r\n\r\n", "empty size": "\r\nhello\r\n0\r\n\r\n", "empty line": "5\r\nhello\r\n\r\n0\r\n\r\n", "LF in an extension": "5;a\nb\r\nhello\r\n0\r\n\r\n", "bad trailer": "5\r\nhello\r\n0\r\nX : y\r\n\r\n", "folded trailer": "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n", "no body": "hello",
		"space before": " 5\r\nhello\r\n0\r\n\r\n", "space behind": "5 \r\nhello\r\n0\r\n\r\n", "NUL": "5\x00\r\nhello\r\n0\r\n\r\n", "trailers without end": "0\r\n" + strings.Repeat("X: y\r\n", 20000), "answer inside": "5\r\nhello\r\n" + poison,
	} {
		ends("9112 7.1 bad chunks: "+name, resp(start, chunked, "="+b), cut)
	}
	whole := "5\r\nhello\r\n0\r\n\r\n"
	for i := range len(whole) {
		ends("9112 8 chunks end early", resp(start, chunked, "="+whole[:i]), cut)
	}
	for i := range 5 {
		ends("9112 8 length ends early", resp(start, "Content-Length: 5", "="+"hello"[:i]), cut)
	}
	for name, l := range map[string]string{"plus": "+5", "minus": "-5", "hex": "0x5", "letters": "abc", "empty": "", "point": "5.0", "list": "5, 6", "huge": strings.Repeat("9", 100), "2^63": "9223372036854775808", "2^64+5": "18446744073709551621", "space": "5 5", "semicolon": "5;", "vertical tab": "\v5"} {
		add("9110 8.6 length "+name, resp(start, "Content-Length: "+l, "=hello")+poison, bad)
	}
	add("9112 6.3 two lengths", resp(start, "Content-Length: 5", "Content-Length: 6", "=hello")+poison, bad)
	add("9112 6.3 two equal lengths", resp(start, "Content-Length: 5", "Content-Length: 5", "=hello"), passed("200|502"))
	for _, l := range []string{"5", "0", "999"} {
		add("9112 6.3 both, length "+l, resp(start, "Content-Length: "+l, chunked, "="+whole), passed("502").because("ought to be handled as an error (6.3)"))
		add("9112 6.3 both, coding first, length "+l, resp(start, chunked, "Content-Length: "+l, "="+whole), passed("502"))
	}
	for name, v := range map[string]string{"gzip": "gzip", "identity": "identity", "twice": "chunked, chunked", "not last": "chunked, gzip", "empty": "", "unknown": "foo", "prefix": "xchunked", "parameter": "chunked;q=1", "vertical tab": "\vchunked", "gzip then chunked": "gzip, chunked"} {
		ends("9112 6.1 coding "+name, resp(start, "Transfer-Encoding: "+v, "="+whole), bad)
	}
	ends("9112 6.1 coding twice on two lines", resp(start, chunked, chunked, "="+whole), bad)
	ends("9112 6.1 chunks of HTTP/1.0", resp("HTTP/1.0 200 OK", chunked, "="+whole), bad)

	for _, c := range []struct {
		name, method, start string
		lines               []string
		code                string
	}{
		{"HEAD with a length", "HEAD", start, []string{"Content-Length: 5"}, "200"},
		{"HEAD with chunks", "HEAD", start, []string{chunked}, "200"},
		{"HEAD with nothing", "HEAD", start, nil, "200"},
		{"204", "GET", "HTTP/1.1 204 No Content", nil, "204"},
		{"304", "GET", "HTTP/1.1 304 Not Modified", nil, "304"},
		{"304 with a length", "GET", "HTTP/1.1 304 Not Modified", []string{"Content-Length: 5"}, "304"},
		{"304 to HEAD", "HEAD", "HTTP/1.1 304 Not Modified", []string{"Content-Length: 5", "ETag: x"}, "304"},
		{"404 to HEAD", "HEAD", "HTTP/1.1 404 Not Found", []string{"Content-Length: 5"}, "404"},
		{"204 to HEAD", "HEAD", "HTTP/1.1 204 No Content", nil, "204"},
	} {
		vs = append(vs,
			reply{name: "9112 6.3 " + c.name, method: c.method, raw: resp(c.start, c.lines...), want: passed(c.code)},
			reply{name: "9112 6.3 with a body all the same: " + c.name, method: c.method, raw: resp(c.start, append(c.lines, "=hello")...), want: passed(c.code)},
			reply{name: "9112 6.3 with an answer behind: " + c.name, method: c.method, raw: resp(c.start, c.lines...) + poison, want: passed(c.code)},
			reply{name: "9112 6.3 and the end: " + c.name, method: c.method, raw: resp(c.start, c.lines...), close: true, want: passed(c.code)},
			reply{name: "9112 6.3 HTTP/1.0 client: " + c.name, method: c.method, old: true, raw: resp(c.start, c.lines...), want: passed(c.code)},
		)
	}
	add("9110 8.6 204 with a length", resp("HTTP/1.1 204 No Content", "Content-Length: 0"), passed("204|502", "-Content-Length"))
	add("9110 8.6 204 with a length above 0", resp("HTTP/1.1 204 No Content", "Content-Length: 5", "=hello"), passed("204|502", "-Content-Length"))
	add("9112 6.1 204 with chunks", resp("HTTP/1.1 204 No Content", chunked, "="+whole), passed("204|502", "-Transfer-Encoding"))
	add("9112 6.1 304 with chunks", resp("HTTP/1.1 304 Not Modified", chunked, "="+whole), passed("304|502"))
	add("9110 15.3.6 205", resp("HTTP/1.1 205 Reset Content", "Content-Length: 0"), passed("205", "="))

	for _, x := range []string{"x", "\r\n", "\n", "\x00", "GET / HTTP/1.1\r\n\r\n", poison, poison + poison, strings.Repeat("x", 100000), "HTTP/1.1 200 OK\r\n"} {
		for name, r := range map[string]string{"a length": resp(start, "Content-Length: 5", "=hello"), "chunks": resp(start, chunked, "="+whole), "length 0": resp(start, "Content-Length: 0")} {
			add(fmt.Sprintf("9112 6.3 %.20q behind %s", x, name), r+x, passed("200"))
		}
	}

	for name, v := range map[string]string{"length": resp(start, "Content-Length: 5", "=hello"), "chunks": resp(start, chunked, "="+whole), "trailers": resp(start, chunked, "=5\r\nhello\r\n0\r\nX-T: y\r\n\r\n"), "extension": resp(start, chunked, "=5;a=b\r\nhello\r\n0\r\n\r\n")} {
		vs = append(vs, reply{name: "9112 6.1 HTTP/1.0 client: " + name, old: true, raw: v, want: passed("200", "=hello")})
	}
	vs = append(vs, reply{name: "9112 6.3 HTTP/1.0 client, up to the end", old: true, raw: resp(start, "=hello"), close: true, want: passed("200", "=hello")})

	final := resp(start, "Content-Length: 2", "=hi")
	for name, c := range map[string]struct {
		raw  string
		seen []int
	}{
		"100": {"HTTP/1.1 100 Continue\r\n\r\n", []int{100}}, "102": {"HTTP/1.1 102 Processing\r\n\r\n", []int{102}}, "103": {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", []int{103}}, "two": {"HTTP/1.1 102 A\r\n\r\nHTTP/1.1 103 B\r\n\r\n", []int{102, 103}}, "199": {"HTTP/1.1 199 X\r\n\r\n", []int{199}},
	} {
		o := passed("200", "=hi").after(c.seen...)
		add("9110 15.2 interim "+name, c.raw+final, o)
		vs = append(vs, reply{name: "9110 15.2 interim is not for HTTP/1.0: " + name, old: true, raw: c.raw + final, want: passed("200", "=hi")})
	}
	add("9110 15.2 interim with a length", "HTTP/1.1 103 X\r\nContent-Length: 2\r\n\r\n"+final, passed("200|502", "=hi").after(103))
	add("9110 15.2 interim with chunks", "HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n"+final, bad)
	add("9110 15.2.2 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+final, bad)
	add("9110 15.2.2 101 without Upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n"+final, bad)
	ends("9110 15.2 interim without a final answer", "HTTP/1.1 103 X\r\n\r\n", bad.after(103))
	ends("9110 15.2 interim and half a head", "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 20", bad.after(103))
	add("9110 15.2 bad behind an interim", "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 20 X\r\n\r\n", bad.after(103))
	add("9110 15.2 a hundred of them", strings.Repeat("HTTP/1.1 103 X\r\n\r\n", 100)+final, outcome{code: "502", interim: slicesOf(103, 16)})
	runReplies(t, vs)
}

func slicesOf(v, n int) (s []int) {
	for range n {
		s = append(s, v)
	}
	return s
}
