package vectors

import (
	"fmt"
	"strings"
	"testing"
)

// TestTargets holds RFC 9112 section 3.2 and RFC 9110 sections 4.2, 7.1 and 9.3.6 to 9.3.8.
func TestTargets(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }

	for _, s := range []string{
		"/", "/a", "/a/", "//", "//a", "/a//b", "/.", "/..", "/../a", "/a/../../b", "/./a", "/?", "/??", "/?a=b&c=d", "/a?b?c", "/a?b/c", "/a;b=c",
		"/%41", "/%2f", "/%2F..", "/%00", "/%0d%0a", "/%25", "/%ff", "/a%20b", "/*", "/:", "/@", "/a@b", "/a:80", "/!$&'()*+,;=", "/-._~", "/a?%", "/?a=http://x/",
		"/http://x/", "/a+b", "/a,b", "/?" + strings.Repeat("q", 4000),
	} {
		if s == "/a?%" {
			continue // below
		}
		add("9112 3.2.1 origin form "+s, req("GET "+s), ok("GET "+s, "Host: h"))
	}
	for c := range 256 { // every byte in a path and in a query
		name := fmt.Sprintf("3986 3.3 byte %#02x in the target", c)
		switch {
		case c <= ' ' || c == 0x7f || c == '#':
			add(name, req("GET /a"+string([]byte{byte(c)})+"b"), refuse("400"))
			add(name, req("GET /?a"+string([]byte{byte(c)})+"b"), refuse("400"))
		case strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?", byte(c)) >= 0:
			s := "/a" + string(rune(c)) + "b"
			add(name, req("GET "+s), ok("GET "+s))
		}
	}
	for name, s := range map[string]string{
		"no leading slash":         "a",
		"query alone":              "?a",
		"relative":                 "../a",
		"dot":                      "./a",
		"backslash":                "\\a",
		"fragment":                 "/a#b",
		"fragment alone":           "#",
		"empty fragment":           "/#",
		"authority form":           "h:80",
		"authority form, host":     "h.example",
		"authority and path":       "h:80/a",
		"asterisk":                 "*",
		"asterisk and path":        "*/a",
		"two asterisks":            "**",
		"absolute, empty host":     "http:///a",
		"absolute, port alone":     "http://:80/a",
		"absolute, userinfo":       "http://u@h/",
		"absolute, user, password": "http://u:p@h/",
		"absolute, empty userinfo": "http://@h/",
		"absolute, fragment":       "http://h/#a",
		"absolute, one slash":      "http:/h/a",
		"absolute, no slash":       "http:h/a",
		"absolute, no scheme":      "://h/a",
		"absolute, bad port":       "http://h:x/",
		"absolute, negative port":  "http://h:-1/",
		"absolute, open bracket":   "http://[::1/",
		"absolute, closed bracket": "http://::1]/",
		"absolute, bare IPv6":      "http://::1/",
		"absolute, empty brackets": "http://[]/",
		"absolute, bad IPv6":       "http://[::g]/",
		"absolute, space":          "http://h /",
		"absolute, backslash":      "http://h\\a/",
		"absolute, bad percent":    "http://h%zz/",
		"absolute, other scheme":   "ftp://h/a",
		"absolute, file":           "file:///etc/passwd",
		"absolute, mailto":         "mailto:a@b",
		"absolute, bad scheme":     "1http://h/",
		"absolute, gopher":         "gopher://h:70/",
	} {
		add("9112 3.2 "+name, req("GET "+s), refuse("400|421|501"))
	}

	same := "the authority is the target's (9112 3.2.2); equal to Host here"
	for s, to := range map[string]string{
		"http://h":            "/",
		"http://h/":           "/",
		"http://h/a":          "/a",
		"http://h/a?b":        "/a?b",
		"http://h?b":          "/?b",
		"HTTP://h/a":          "/a",
		"hTTp://h/a":          "/a",
		"http://h//a":         "//a",
		"http://h/http://x/":  "/http://x/",
		"http://h/a@b":        "/a@b",
		"http://h:80/default": "/default",
	} {
		add("9112 3.2.2 absolute form "+s, req("GET "+s), ok("GET "+to).because(same))
	}
	add("9112 3.2.2 absolute form, no Host, HTTP/1.0", "GET http://a.example/x HTTP/1.0\r\n\r\n", ok("GET /x", "Host: a.example").ends())
	add("9112 3.2.2 absolute form, IPv6", "GET http://[2001:db8::1]:8080/x HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", ok("GET /x", "Host: [2001:db8::1]:8080"))
	add("9112 3.2.2 absolute form, Host missing", "GET http://h/x HTTP/1.1\r\n\r\n", refuse("400"))
	add("9112 3.2.2 absolute form, Host twice", "GET http://h/x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", refuse("400"))
	add("9112 3.2.2 absolute form, case of the host", "GET http://H.Example/x HTTP/1.1\r\nHost: h.example\r\n\r\n", ok("GET /x"))

	add("9110 9.3.6 CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", refuse("400|403|405|501"))
	add("9110 9.3.6 CONNECT, bytes behind it are no request", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"+req("GET /x"), refuse("400|403|405|501"))
	add("9110 9.3.6 CONNECT in origin form", req("CONNECT /"), refuse("400|405|501"))
	add("9110 9.3.6 CONNECT without port", req("CONNECT h"), refuse("400|405|501"))
	add("9110 9.3.6 CONNECT, port 0", req("CONNECT h:0"), refuse("400|405|501"))
	add("9110 9.3.6 CONNECT, absolute", req("CONNECT http://h/"), refuse("400|405|501"))
	add("9110 9.3.6 CONNECT with a length", req("CONNECT h:80", "Content-Length: 3", "=abc"), refuse("400|405|501"))
	add("9110 9.3.6 CONNECT over HTTP/1.0", "CONNECT h:80 HTTP/1.0\r\n\r\n", refuse("400|405|501"))
	add("9110 9.1 connect in lower case", req("connect /"), refuse("405").because("another method, but members that ignore case would take it for CONNECT"))

	add("9112 3.2.4 OPTIONS *", req("OPTIONS *"), ok("OPTIONS *", "Host: h"))
	add("9112 3.2.4 OPTIONS of a path", req("OPTIONS /a"), ok("OPTIONS /a"))
	add("9112 3.2.4 OPTIONS of an absolute target without path is *", req("OPTIONS http://h"), ok("OPTIONS *"))
	add("9112 3.2.4 OPTIONS of an absolute target with a slash", req("OPTIONS http://h/"), ok("OPTIONS /"))
	add("9112 3.2.4 OPTIONS of an absolute target with a query", req("OPTIONS http://h?a"), ok("OPTIONS /?a"))
	for _, m := range []string{"HEAD", "POST", "PUT", "DELETE", "TRACE", "options"} {
		add("9112 3.2.4 asterisk with "+m, req(m+" *"), refuse("400|405|501"))
	}
	add("9110 9.3.7 OPTIONS with a body", req("OPTIONS *", "Content-Length: 2", "Content-Type: a/b", "=hi"), ok("OPTIONS *", "=hi"))
	add("9110 7.6.2 OPTIONS, Max-Forwards 0 ends here", req("OPTIONS *", "Max-Forwards: 0"), own("200"))
	add("9110 7.6.2 OPTIONS of a path, Max-Forwards 0", req("OPTIONS /a", "Max-Forwards: 0"), own("200"))
	add("9110 7.6.2 OPTIONS, Max-Forwards 1", req("OPTIONS *", "Max-Forwards: 1"), ok("OPTIONS *", "Max-Forwards: 0"))
	add("9110 7.6.2 OPTIONS, Max-Forwards 70", req("OPTIONS /a", "Max-Forwards: 70"), ok("OPTIONS /a", "Max-Forwards: 69"))
	add("9110 7.6.2 OPTIONS, Max-Forwards 10", req("OPTIONS /a", "max-forwards: 10"), ok("OPTIONS /a", "Max-Forwards: 9"))
	add("9110 7.6.2 OPTIONS, Max-Forwards 007", req("OPTIONS /a", "Max-Forwards: 007"), ok("OPTIONS /a", "Max-Forwards: 6"))
	add("9110 7.6.2 Max-Forwards of others is not ours", req("GET /a", "Max-Forwards: 0"), ok("GET /a", "Max-Forwards: 0"))
	add("9110 9.3.8 TRACE, Max-Forwards 0 does not go on", req("TRACE /a", "Max-Forwards: 0"), own("405"))
	add("9110 9.3.8 TRACE with a body", req("TRACE /a", "Content-Length: 2", "=hi"), refuse("400"))
	add("9110 9.3.8 TRACE with chunks", req("TRACE /a", "Transfer-Encoding: chunked", "=0\r\n\r\n"), refuse("400"))
	add("9110 9.3.8 TRACE, Max-Forwards 1", req("TRACE /a", "Max-Forwards: 1"), ok("TRACE /a", "Max-Forwards: 0"))
	run(t, vs)
}
