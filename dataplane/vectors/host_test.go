package vectors

import "testing"

// TestHosts holds RFC 9112 section 3.2 and RFC 9110 section 7.2.
func TestHosts(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }

	for _, h := range []string{
		"h", "H", "a.b", "a.b.", "a-b", "a_b", "a!b", "a~b", "a$b", "a&b", "a(b)", "a*b", "a+b", "a;b=c", "a%41", "1.2.3.4", "1.2.3.4:80", "h:", "h:0", "h:80", "h:080", "h:65535",
		"[::1]", "[::1]:80", "[::1]:", "[2001:db8::1]", "[::ffff:1.2.3.4]", "xn--bcher-kva.example", "localhost:8080", "0",
	} {
		add("9110 7.2 Host "+h, "GET / HTTP/1.1\r\nHost: "+h+"\r\n\r\n", ok("GET /", "Host: "+h))
	}
	for _, h := range []string{
		"a b", "a\tb", "a/b", "/", "http://h", "h/", "a@b", "@", "u:p@h", "a?b", "a#b", "a\\b", "\"h\"", "<h>", "a:b", "a:80:80", "a:-1", "a:+80", "a:8 0", "a: 80", "a :80", "::1", "[::1", "::1]", "[::1]x",
		"[::1]:x", "[]", "[h]", "[1.2.3.4]", "[::g]", "[[::1]]", "a%zz", "a%4", "a%", "a^b", "a`b", "a{b}", "a|b", "a\x00b", "a\x01b", "a\x7fb", "a\x80b", "h\xc3\xb6st", "a,b", "h, h", ":80", ":", "a[b]", "[::1%25eth0]", "[::1%eth0]", "h:80/",
	} {
		w := refuse("400")
		switch h {
		case "a,b":
			w.note = "a comma is one of sub-delims (RFC 3986 3.2.2), but two lines joined look like this"
		case ":80", ":":
			w.note = "http has no empty host (9110 4.2.1)"
		case "[::1%25eth0]", "[::1%eth0]":
			w.note = "RFC 9844 took zones out of URIs"
		}
		add("9112 3.2 Host "+h, "GET / HTTP/1.1\r\nHost: "+h+"\r\n\r\n", w)
	}
	add("9112 3.2 no Host", "GET / HTTP/1.1\r\n\r\n", refuse("400"))
	add("9112 3.2 no Host but others", "GET / HTTP/1.1\r\nX-Host: h\r\n\r\n", refuse("400"))
	add("9112 3.2 Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", refuse("400"))
	add("9112 3.2 Host twice, equal", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", refuse("400"))
	add("9112 3.2 Host twice, other case", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n", refuse("400"))
	add("9112 3.2 Host twice, one empty", "GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n", refuse("400"))
	add("9112 3.2 Host thrice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nHost: a\r\n\r\n", refuse("400"))
	add("9112 3.2 Host twice, HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", refuse("400"))
	add("9112 3.2 bad Host, HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", refuse("400"))
	add("9112 3.2 Host folded", "GET / HTTP/1.1\r\nHost:\r\n h\r\n\r\n", refuse("400"))
	add("9112 3.2 space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", refuse("400"))
	add("9112 3.2 space before the name", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", refuse("400"))
	add("9112 3.2 no Host, HTTP/1.0: one is made", "GET / HTTP/1.0\r\n\r\n", ok("GET /").ends())
	add("9110 5.5 space around", "GET / HTTP/1.1\r\nHost: \t h \t \r\n\r\n", ok("GET /", "Host: h"))
	add("9110 5.5 no space", "GET / HTTP/1.1\r\nHost:h\r\n\r\n", ok("GET /", "Host: h"))
	add("9110 5.1 other case of the name", "GET / HTTP/1.1\r\nhOsT: h\r\n\r\n", ok("GET /", "Host: h"))
	add("9112 3.2 Host last", "GET / HTTP/1.1\r\nA: b\r\nC: d\r\nHost: h\r\n\r\n", ok("GET /", "Host: h", "A: b", "C: d"))
	add("9110 7.6.1 Host named in Connection stays", req("GET /", "Connection: Host"), ok("GET /", "Host: h"))
	add("9110 7.6.1 Host and close named in Connection", req("GET /", "Connection: close, host"), ok("GET /", "Host: h").ends())
	run(t, vs)
}
