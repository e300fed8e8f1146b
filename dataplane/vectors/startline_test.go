package vectors

import (
	"fmt"
	"strings"
	"testing"
)

// TestStartLines holds RFC 9112 sections 2.2, 2.3 and 3, and 3.1.
func TestStartLines(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }

	for _, m := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "get", "M-SEARCH", "PROPFIND", "X", "!#$%&'*+-.^_`|~09az", strings.Repeat("M", 30)} {
		add("9110 9.1 method "+m, req(m+" /m"), ok(m+" /m"))
	}
	for c := range 256 { // every byte in the middle of a method
		if m := "G" + string([]byte{byte(c)}) + "T"; tchar(byte(c)) {
			add(fmt.Sprintf("9110 9.1 method with %#02x", c), req(m+" /"), ok(m+" /"))
		} else {
			add(fmt.Sprintf("9110 9.1 method with %#02x", c), req(m+" /"), refuse("400"))
		}
	}
	strict := "MAY be parsed by words (9112 3); what the others make of spaces differs, so it is refused"
	for name, line := range map[string]string{
		"no method":               " / HTTP/1.1",
		"two spaces":              "GET  / HTTP/1.1",
		"two spaces before":       "GET /  HTTP/1.1",
		"space at the end":        "GET / HTTP/1.1 ",
		"space at the start":      " GET / HTTP/1.1",
		"tab":                     "GET\t/ HTTP/1.1",
		"tab before version":      "GET /\tHTTP/1.1",
		"vertical tab":            "GET\v/ HTTP/1.1",
		"form feed":               "GET /\fHTTP/1.1",
		"space in target":         "GET /a b HTTP/1.1",
		"three words in target":   "GET /a b c HTTP/1.1",
		"no target":               "GET HTTP/1.1",
		"no target, two spaces":   "GET  HTTP/1.1",
		"HTTP/0.9":                "GET /",
		"method alone":            "GET",
		"bare CR at the end":      "GET / HTTP/1.1\r",
		"bare CR inside":          "GET /\r HTTP/1.1",
		"bare CR in version":      "GET / HTTP/1.1\rX",
		"NUL at the end":          "GET / HTTP/1.1\x00",
		"version twice":           "GET / HTTP/1.1 HTTP/1.1",
		"status line":             "HTTP/1.1 200 OK",
		"version without target":  "GET / ",
		"lower-case version":      "GET / http/1.1",
		"mixed-case version":      "GET / Http/1.1",
		"two digits minor":        "GET / HTTP/1.10",
		"leading zero":            "GET / HTTP/01.1",
		"no minor":                "GET / HTTP/1",
		"no minor but point":      "GET / HTTP/1.",
		"no major":                "GET / HTTP/.1",
		"no digits":               "GET / HTTP/",
		"no slash":                "GET / HTTP1.1",
		"two slashes":             "GET / HTTP//1.1",
		"comma":                   "GET / HTTP/1,1",
		"sign":                    "GET / HTTP/+1.1",
		"minus":                   "GET / HTTP/1.-1",
		"letters":                 "GET / HTTP/a.b",
		"three parts":             "GET / HTTP/1.1.1",
		"space in version":        "GET / HTTP/ 1.1",
		"another protocol":        "GET / HTTPS/1.1",
		"another protocol ICY":    "GET / ICY/1.1",
		"hex digit":               "GET / HTTP/1.A",
		"trailing letter":         "GET / HTTP/1.1x",
		"non-ASCII digit":         "GET / HTTP/1.\xc2\xb9",
		"SIP":                     "OPTIONS / SIP/2.0",
		"RTSP":                    "OPTIONS / RTSP/1.0",
		"TLS ClientHello":         "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"SSH":                     "SSH-2.0-OpenSSH_9.6",
		"PROXY v1 without asking": "PROXY TCP4 1.1.1.1 2.2.2.2 1 2",
		"PROXY v2 without asking": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x01\x01\x01\x02\x02\x02\x02\x00\x01\x00\x02",
	} {
		add("9112 3 "+name, line+"\r\nHost: h\r\n\r\n", refuse("400").because(strict))
	}
	for _, v := range []string{"0.9", "0.0", "2.0", "2.1", "3.0", "9.9", "4.2"} {
		add("9112 2.3 version "+v, "GET / HTTP/"+v+"\r\nHost: h\r\n\r\n", refuse("505|400"))
	}
	for _, v := range []string{"1.2", "1.9", "1.3"} {
		add("9110 2.5 minor above 1 is served as 1.1: "+v, "GET / HTTP/"+v+"\r\nHost: h\r\n\r\n", ok("GET /"))
	}
	add("9113 3.4 preface on a plain port", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", refuse("505|400"))
	add("9112 2.2 one empty line before a request", "\r\n"+req("GET /"), ok("GET /"))
	add("9112 2.2 an empty line between requests", req("GET /a")+"\r\n"+req("GET /b"), ok("GET /a").then("GET /b"))
	add("9112 2.2 CRLF behind a body that Content-Length does not count", req("POST /a", "Content-Length: 2", "=hi\r\n")+req("GET /b"), ok("POST /a", "=hi").then("GET /b"))
	lf := "MAY be read as a line end (9112 2.2) and the others do; refused, since members differ in what they make of it"
	add("9112 2.2 LF alone", "GET / HTTP/1.1\nHost: h\n\n", refuse("400").because(lf))
	add("9112 2.2 LF alone behind the start line", "GET / HTTP/1.1\nHost: h\r\n\r\n", refuse("400").because(lf))
	add("9112 2.2 LF alone behind a field", "GET / HTTP/1.1\r\nHost: h\n\r\n", refuse("400").because(lf))
	add("9112 2.2 LF alone as the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n", refuse("400").because(lf))
	add("9112 2.2 CR CR LF", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", refuse("400"))
	add("9112 2.2 CR alone ends no head", "GET / HTTP/1.1\rHost: h\r\rGET /b HTTP/1.1\r\nHost: h\r\n\r\n", refuse("400"))
	add("9112 2.2 LF CR", "GET / HTTP/1.1\n\rHost: h\n\r\n\r", refuse("400"))
	add("9112 2.2 spaces before the first field", "GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n", refuse("400"))
	add("9112 2.2 tab before the first field", "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n", refuse("400"))
	add("9112 2.2 a line of a space", "GET / HTTP/1.1\r\nHost: h\r\n \r\n\r\n", refuse("400"))
	add("9112 3 a line of 8000 bytes", req("GET /"+strings.Repeat("a", 8000)), ok("GET /"+strings.Repeat("a", 8000)))
	add("9112 3 a line above the limit", req("GET /"+strings.Repeat("a", 17000)), refuse("414"))
	add("9112 3 a line without end", "GET /"+strings.Repeat("a", 70000), refuse("414"))
	add("9112 3 a method without end", strings.Repeat("G", 20000), refuse("400|414|501"))
	add("9112 9.3 HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", ok("GET /", "Host: h").ends())
	run(t, vs)
}
