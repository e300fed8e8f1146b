package vectors

import (
	"fmt"
	"strings"
	"testing"
)

// TestLengths holds RFC 9112 section 6 and RFC 9110 section 8.6.
func TestLengths(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }
	smuggled := req("GET /smuggled")

	for name, l := range map[string]string{
		"zero": "0", "zeros": "00", "spaces around": " \t0\t ",
	} {
		add("9110 8.6 "+name, req("POST /", "Content-Length:"+l), ok("POST /", "Content-Length: 0", "="))
	}
	for name, l := range map[string]string{
		"plain": "5", "leading zeros": "0005", "spaces around": " \t5\t ", "many zeros": "0000000005",
	} {
		add("9110 8.6 "+name, req("POST /", "Content-Length:"+l, "=hello"), ok("POST /", "Content-Length: 5", "=hello"))
	}
	for _, m := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "FOO"} {
		add("9110 8.6 length with "+m, req(m+" /", "Content-Length: 5", "=hello"), ok(m+" /", "=hello"))
		add("9112 7.1 chunks with "+m, req(m+" /", "Transfer-Encoding: chunked", "=5\r\nhello\r\n0\r\n\r\n"), ok(m+" /", "=hello"))
	}
	for _, m := range []string{"POST", "PUT", "PATCH"} {
		add("9112 6.3 no framing is no body: "+m, req(m+" /"), ok(m+" /", "="))
	}
	add("9110 5.1 other case", req("POST /", "cONTENT-lENGTH: 5", "=hello"), ok("POST /", "=hello"))
	for name, l := range map[string]string{
		"plus": "+5", "minus": "-5", "minus zero": "-0", "hex": "0x5", "hex digits": "5a", "point": "5.0", "exponent": "5e0", "space inside": "5 5", "tab inside": "5\t5", "comma and other": "5, 6", "comma alone": ",",
		"comma before": ",5", "comma behind": "5,", "semicolon": "5;", "quotes": "\"5\"", "empty": "", "spaces": "  ", "letters": "abc", "parameter": "5;a=b", "underscore": "5_0", "octal": "0o5", "Arabic digit": "\xd9\xa5",
		"superscript": "\xc2\xb5", "vertical tab before": "\v5", "vertical tab behind": "5\v", "form feed": "\f5", "NUL behind": "5\x00", "NUL before": "\x005", "no-break space": "\xc2\xa05", "NEL": "5\x85",
		"2^63": "9223372036854775808", "2^64": "18446744073709551616", "2^64+5": "18446744073709551621", "2^32+5 in words": "5 4294967301", "huge": strings.Repeat("9", 100), "comment": "5 (x)", "slash": "5/5", "star": "*",
		"same in a list": "5, 5", "same in a list, no space": "5,5", "many in a list": "5,5,5", "percent": "%35", "inf": "inf", "NaN": "NaN", "LF inside": "5\n", "CR inside": "5\r", "folded": "\r\n 5", "folded behind": "5\r\n ",
	} {
		w := refuse("400")
		if strings.HasPrefix(name, "same") || strings.HasPrefix(name, "many in") {
			w.note = "MAY be taken as one (9110 8.6); nginx refuses it, Caddy too where they differ"
		}
		add("9110 8.6 "+name, req("POST /", "Content-Length: "+l, "=hello")+smuggled, w)
		add("9110 8.6 with GET: "+name, req("GET /", "Content-Length: "+l)+smuggled, w)
		add("9110 8.6 behind a good one: "+name, req("POST /", "Content-Length: 5", "Content-Length: "+l, "=hello")+smuggled, w)
	}
	for _, two := range [][2]string{{"5", "5"}, {"5", "6"}, {"6", "5"}, {"0", "5"}, {"5", "0"}, {"5", "05"}, {"0", "0"}} {
		add("9112 6.3 two lengths "+two[0]+" "+two[1], req("POST /", "Content-Length: "+two[0], "Content-Length: "+two[1], "=hello")+smuggled, refuse("400").because("equal ones MAY be taken as one; nginx refuses them"))
		add("9112 6.3 two lengths apart "+two[0]+" "+two[1], req("POST /", "Content-Length: "+two[0], "X: y", "content-length: "+two[1], "=hello")+smuggled, refuse("400"))
	}
	for _, l := range []string{"Content-Length : 5", "Content-Length\t: 5", " Content-Length: 5", "Content-Length:5\r\n X: y", "Content-Length\x00: 5", "Content-Length\r: 5", "Content-Length\v: 5", "\x00Content-Length: 5", "X: y\nContent-Length: 5", "X: y\rContent-Length: 5", "Content Length: 5", "Content-Length 5"} {
		add(fmt.Sprintf("9112 5.1 %q", l), req("POST /", l, "=hello")+smuggled, refuse("400"))
	}
	for _, name := range []string{"Content_Length", "ContentLength", "Content-Lengt", "Content-Length2", "X-Content-Length", "Content-length-"} {
		add("9110 8.6 another field: "+name, req("POST /", name+": 5")+req("GET /b"), ok("POST /", "=").then("GET /b"))
	}
	add("9112 6.3 less than the length, then the end", req("POST /", "Content-Length: 10", "=hello"), want{half: true, refused: "400|"})
	add("9112 6.3 more than the length is the next request", req("POST /a", "Content-Length: 5", "=hello")+req("GET /b"), ok("POST /a", "=hello").then("GET /b"))
	add("9112 6.3 more than the length is no request", req("POST /a", "Content-Length: 5", "=helloXXX"+"\r\n\r\n"), ok("POST /a", "=hello").refuse("400"))
	add("9112 6.3 large body", req("POST /a", "Content-Length: 300000", "="+strings.Repeat("b", 300000))+req("GET /b"), ok("POST /a", "="+strings.Repeat("b", 300000)).then("GET /b"))
	add("9112 6.3 body that looks like a request", req("POST /a", fmt.Sprint("Content-Length: ", len(smuggled)), "="+smuggled)+req("GET /b"), ok("POST /a", "="+smuggled).then("GET /b"))
	add("9112 6.3 HTTP/1.0 with a length", "POST /a HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", ok("POST /a", "=hello").ends())
	add("9112 6.3 HTTP/1.0 without", "POST /a HTTP/1.0\r\nHost: h\r\n\r\n", ok("POST /a", "=").ends())
	run(t, vs)
}

// TestCodings holds RFC 9112 sections 6.1 and 6.3.
func TestCodings(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }
	smuggled := req("GET /smuggled")
	body := "=5\r\nhello\r\n0\r\n\r\n"

	for _, l := range []string{"Transfer-Encoding: chunked", "transfer-encoding:chunked", "Transfer-Encoding: Chunked", "TRANSFER-ENCODING: CHUNKED", "Transfer-Encoding: \t chunked \t", "Transfer-Encoding: cHuNkEd"} {
		add(fmt.Sprintf("9112 6.1 %q", l), req("POST /", l, body), ok("POST /", "=hello", "-Content-Length"))
	}
	for name, v := range map[string]string{
		"identity": "identity", "identity then chunked": "identity, chunked", "chunked then identity": "chunked, identity", "gzip": "gzip", "chunked then gzip": "chunked, gzip", "twice": "chunked, chunked", "twice, no space": "chunked,chunked",
		"empty": "", "spaces": " ", "comma": ",", "parameter": "chunked;q=1", "parameter, space": "chunked ;a=b", "semicolon": "chunked;", "quotes": "\"chunked\"", "single quotes": "'chunked'", "vertical tab before": "\vchunked", "vertical tab behind": "chunked\v",
		"form feed": "chunked\f", "NUL": "chunked\x00", "NUL before": "\x00chunked", "letter before": "xchunked", "letter behind": "chunkedx", "word before": "x chunked", "word behind": "chunked x", "CR behind": "chunked\r", "CR before": "\rchunked", "LF before": "\nchunked",
		"folded": "\r\n chunked", "folded behind": "chunked\r\n ", "unknown": "foo", "unknown then chunked": "foo, chunked", "trailers": "trailers", "deflate then chunked": "deflate, chunked", "gzip then chunked": "gzip, chunked", "compress": "compress", "no-break space": "\xc2\xa0chunked",
		"long s": "chun\xe2\x84\xaaed", "comment": "chunked (x)", "hyphen": "chunked-", "colon": ": chunked", "equals": "=chunked", "space inside": "chun ked", "tab inside": "chunked\tx", "dot": "chunked.", "percent": "%63hunked", "high bit": "chunke\xe4",
		"behind an empty element": ", chunked", "before an empty element": "chunked,", "x-gzip": "x-gzip, chunked",
	} {
		note := ""
		if strings.Contains(name, "empty element") {
			note = "empty elements are to be skipped (9110 5.6.1.2), but nginx and Caddy refuse them here, and members would not see chunks"
		}
		add("9112 6.1 "+name, req("POST /", "Transfer-Encoding: "+v, body)+smuggled, refuse("400|501").because(note))
		add("9112 6.1 no body, "+name, req("GET /", "Transfer-Encoding: "+v)+smuggled, refuse("400|501").because(note))
		add("9112 6.3 behind chunked: "+name, req("POST /", "Transfer-Encoding: chunked", "Transfer-Encoding: "+v, body)+smuggled, refuse("400|501"))
		add("9112 6.3 before chunked: "+name, req("POST /", "Transfer-Encoding: "+v, "Transfer-Encoding: chunked", body)+smuggled, refuse("400|501"))
		add("9112 6.3 with a length: "+name, req("POST /", "Transfer-Encoding: "+v, "Content-Length: 5", "=hello")+smuggled, refuse("400|501"))
	}
	add("9112 6.3 twice on two lines", req("POST /", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body)+smuggled, refuse("400|501"))
	for _, l := range []string{"0", "5", "16", "999", "-1", "x", ""} {
		note := "MAY be served by the coding alone (9112 6.3); refused: it looks like smuggling"
		add("9112 6.3 both, length first: "+l, req("POST /", "Content-Length: "+l, "Transfer-Encoding: chunked", body)+smuggled, refuse("400").because(note))
		add("9112 6.3 both, coding first: "+l, req("POST /", "Transfer-Encoding: chunked", "Content-Length: "+l, body)+smuggled, refuse("400").because(note))
		add("9112 6.3 both with GET: "+l, req("GET /", "transfer-encoding: Chunked", "X: y", "content-length: "+l, body)+smuggled, refuse("400").because(note))
	}
	add("9112 6.3 both, length named in Connection", req("POST /", "Connection: Content-Length", "Content-Length: 5", "Transfer-Encoding: chunked", body)+smuggled, refuse("400"))
	add("9112 6.3 both, coding named in Connection", req("POST /", "Connection: Transfer-Encoding", "Content-Length: 5", "Transfer-Encoding: chunked", body)+smuggled, refuse("400"))
	for _, l := range []string{"Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked", "\tTransfer-Encoding: chunked", "Transfer-Encoding\x00: chunked", "Transfer-Encoding\v: chunked", "Transfer-Encoding\r: chunked", "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "Transfer Encoding: chunked", "X: y\r\n\rTransfer-Encoding: chunked", "Transfer-Encoding chunked", "\x00Transfer-Encoding: chunked", "Transfer-\xc3\x8bncoding: chunked", "X:\r\n Transfer-Encoding: chunked"} {
		add(fmt.Sprintf("9112 5.1 %q", l), req("POST /", l, body)+smuggled, refuse("400"))
		add(fmt.Sprintf("9112 5.1 with a length %q", l), req("POST /", "Content-Length: 5", l, "=hello")+smuggled, refuse("400"))
	}
	for _, name := range []string{"Transfer_Encoding", "TransferEncoding", "X-Transfer-Encoding", "Transfer-Encodin", "Transfer-Encodings", "Content-Transfer-Encoding"} {
		add("9112 6.1 another field: "+name, req("POST /", name+": chunked", "Content-Length: 5", "=hello")+req("GET /b"), ok("POST /", "=hello", "-Transfer-Encoding").then("GET /b"))
	}
	for name, lines := range map[string]string{"chunked": "Transfer-Encoding: chunked", "and a length": "Transfer-Encoding: chunked\r\nContent-Length: 5", "and keep-alive": "Connection: keep-alive\r\nTransfer-Encoding: chunked", "identity": "Transfer-Encoding: identity"} {
		add("9112 6.1 HTTP/1.0, "+name, "POST / HTTP/1.0\r\nHost: h\r\n"+lines+"\r\n\r\n"+body[1:]+smuggled, refuse("400|501"))
	}
	add("9112 6.1 HTTP/1.2, chunked", "POST / HTTP/1.2\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"+body[1:], ok("POST /", "=hello"))
	run(t, vs)
}
