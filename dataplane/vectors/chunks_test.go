package vectors

import (
	"fmt"
	"strings"
	"testing"
)

// TestChunks holds RFC 9112 section 7.1.
func TestChunks(t *testing.T) {
	var vs []vector
	add := func(name, in string, w want) { vs = append(vs, vector{name, in, w}) }
	post := func(body string) string { return req("POST /", "Transfer-Encoding: chunked", "="+body) }
	behind := req("GET /b")

	long := strings.Repeat("c", 70000)
	for name, c := range map[string][2]string{
		"empty":                    {"0\r\n\r\n", ""},
		"one":                      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
		"two":                      {"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"},
		"lower-case digits":        {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
		"upper-case digits":        {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
		"leading zeros":            {"0005\r\nhello\r\n0\r\n\r\n", "hello"},
		"zeros at the end":         {"5\r\nhello\r\n0000\r\n\r\n", "hello"},
		"extension":                {"5;a\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension with a value":   {"5;a=b\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension, quoted":        {"5;a=\"b c\"\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension, quoted pair":   {"5;a=\"b\\\"c\"\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension, quoted ;":      {"5;a=\";\"\r\nhello\r\n0\r\n\r\n", "hello"},
		"two extensions":           {"5;a=b;c=d\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension of the last":    {"5\r\nhello\r\n0;a=b\r\n\r\n", "hello"},
		"extension, space before":  {"5 ;a=b\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension, space behind":  {"5; a=b\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension, tab":           {"5\t;\ta=b\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension, space at =":    {"5;a = b\r\nhello\r\n0\r\n\r\n", "hello"},
		"data of CRLF":             {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"},
		"data like a last chunk":   {"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"},
		"70000 bytes":              {"11170\r\n" + long + "\r\n0\r\n\r\n", long},
		"a byte each":              {strings.Repeat("1\r\nx\r\n", 300) + "0\r\n\r\n", strings.Repeat("x", 300)},
		"trailer":                  {"5\r\nhello\r\n0\r\nX-T: y\r\n\r\n", "hello"},
		"extension, quoted obs":    {"5;a=\"\xff\"\r\nhello\r\n0\r\n\r\n", "hello"},
		"extension of a length ok": {"5;" + strings.Repeat("a", 200) + "\r\nhello\r\n0\r\n\r\n", "hello"},
	} {
		add("9112 7.1 "+name, post(c[0])+behind, ok("POST /", "="+c[1]).then("GET /b"))
	}
	for name, size := range map[string]string{
		"plus": "+5", "minus": "-5", "hex prefix": "0x5", "upper hex prefix": "0X5", "h": "5h", "no hex": "g", "empty": "", "space before": " 5", "tab before": "\t5", "space behind": "5 ", "tab behind": "5\t", "spaces inside": "5 5", "point": "5.0",
		"underscore": "0_5", "comma": "5,", "colon": "5:", "quotes": "\"5\"", "CR behind": "5\r", "LF behind": "5\n", "NUL behind": "5\x00", "NUL before": "\x005", "vertical tab": "5\v", "2^63": "8000000000000000", "2^64-1": "FFFFFFFFFFFFFFFF", "2^64": "10000000000000000",
		"2^64+5": "10000000000000005", "2^68+5": "100000000000000005", "huge": strings.Repeat("F", 100), "percent": "%35", "equals": "5=a", "extension without ;": "5 a=b", "bare CR in an extension": "5;a\rb", "bare LF in an extension": "5;a\nb", "LF behind an extension": "5;a=b\n",
		"CR behind an extension": "5;a=b\r", "NUL in an extension": "5;a\x00b", "open quotes": "5;a=\"b", "quoted CR": "5;a=\"\r\"", "quoted LF": "5;a=\"\n\"", "extension without end": "5;" + strings.Repeat("a", 5000), "zeros without end": strings.Repeat("0", 5000) + "5", "non-ASCII": "\xd9\xa5", "semicolon first": ";5",
		"empty extension": "5;", "empty name": "5;=b", "two semicolons": "5;;a", "empty value": "5;a=", "control byte in an extension": "5;a\x01",
	} {
		add("9112 7.1 size: "+name, post(size+"\r\nhello\r\n0\r\n\r\n")+behind, refuse("400").because("outside the grammar; who reads an extension otherwise finds another end (CVE-2025-22871)"))
		if strings.HasPrefix(size, "5") {
			add("9112 7.1 size of the last: "+name, post("0"+size[1:]+"\r\n\r\n")+behind, refuse("400"))
		}
	}
	for name, body := range map[string]string{
		"no CRLF behind data":        "5\r\nhello0\r\n\r\n",
		"LF behind data":             "5\r\nhello\n0\r\n\r\n",
		"CR behind data":             "5\r\nhello\r0\r\n\r\n",
		"data longer":                "5\r\nhello!\r\n0\r\n\r\n",
		"data shorter":               "6\r\nhello\r\n0\r\n\r\n",
		"LF LF":                      "5\r\nhello\n\n0\r\n\r\n",
		"CR CR":                      "5\r\nhello\r\r0\r\n\r\n",
		"LF behind size":             "5\nhello\r\n0\r\n\r\n",
		"CR behind size":             "5\rhello\r\n0\r\n\r\n",
		"CR CR LF behind size":       "5\r\r\nhello\r\n0\r\n\r\n",
		"LF behind the last":         "5\r\nhello\r\n0\n\r\n",
		"LF as the end":              "5\r\nhello\r\n0\r\n\n",
		"LF LF as the end":           "5\r\nhello\r\n0\n\n",
		"empty line between":         "5\r\nhello\r\n\r\n0\r\n\r\n",
		"empty line first":           "\r\n5\r\nhello\r\n0\r\n\r\n",
		"no size":                    "hello\r\n0\r\n\r\n",
		"request for a chunk":        "GET /x HTTP/1.1\r\n\r\n",
		"space for the end":          "5\r\nhello\r\n0\r\n \r\n\r\n",
		"trailer without colon":      "0\r\nX\r\n\r\n",
		"trailer, space before :":    "0\r\nX : y\r\n\r\n",
		"trailer without name":       "0\r\n: y\r\n\r\n",
		"trailer folded":             "0\r\nX: y\r\n z\r\n\r\n",
		"trailer folded at once":     "0\r\n X: y\r\n\r\n",
		"trailer with CR":            "0\r\nX: y\rz\r\n\r\n",
		"trailer with LF":            "0\r\nX: y\nz: a\r\n\r\n",
		"trailer with NUL":           "0\r\nX: y\x00\r\n\r\n",
		"trailer of a request line":  "0\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
		"trailer Content-Length":     "0\r\nContent-Length: 5\r\n\r\n",
		"trailer Transfer-Encoding":  "0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"trailer transfer-encoding":  "0\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n",
		"trailer Host":               "0\r\nHost: evil\r\n\r\n",
		"trailer too long":           "0\r\nX: " + strings.Repeat("y", 20000) + "\r\n\r\n",
		"trailers too many":          "0\r\n" + strings.Repeat("X: y\r\n", 500) + "\r\n",
		"trailers without end":       "0\r\n" + strings.Repeat("X: y\r\n", 20000),
		"trailer name not ASCII":     "0\r\n\xff: y\r\n\r\n",
		"trailer control byte":       "0\r\nX: \x01\r\n\r\n",
		"trailer pseudo header":      "0\r\n:path: /x\r\n\r\n",
		"bare CR before the end":     "0\r\n\r\r\n",
		"size in words":              "five\r\nhello\r\n0\r\n\r\n",
		"negative last":              "-0\r\n\r\n",
		"hex last":                   "0x0\r\n\r\n",
		"a NUL for the end":          "0\x00\r\n\r\n",
		"second request in the gap":  "5\r\nhello\r\n0\r\nGET /x HTTP/1.1\r\n\r\n",
		"unicode digit":              "\xef\xbc\x95\r\nhello\r\n0\r\n\r\n",
		"length of the wrong number": "5\r\nhell\r\n0\r\n\r\n",
	} {
		add("9112 7.1 "+name, post(body)+behind, refuse("400|431"))
	}
	for name, body := range map[string]string{"size": "5", "size line": "5\r\n", "data": "5\r\nhel", "data end": "5\r\nhello", "CR": "5\r\nhello\r", "chunk": "5\r\nhello\r\n", "last size": "5\r\nhello\r\n0", "last line": "5\r\nhello\r\n0\r\n", "CR of the end": "5\r\nhello\r\n0\r\n\r", "trailer": "0\r\nX: y\r\n", "nothing": ""} {
		add("9112 8 ends behind "+name, post(body), want{half: true, refused: "400|"})
	}

	w := ok("POST /", "=hello", "~X-T: y")
	for _, l := range []string{"X-T: y", "X-T:y", "X-T: \ty \t"} {
		add(fmt.Sprintf("9112 7.1.2 trailer %q", l), post("5\r\nhello\r\n0\r\n"+l+"\r\n\r\n")+behind, w.then("GET /b").because("MAY be dropped; HAProxy and Caddy pass them"))
	}
	add("9112 7.1.2 two trailers", post("5\r\nhello\r\n0\r\nA: b\r\nX-T: y\r\n\r\n"), ok("POST /", "=hello", "~X-T: y", "~A: b"))
	add("9112 7.1.2 announced trailer", req("POST /", "Trailer: X-T", "Transfer-Encoding: chunked", "=5\r\nhello\r\n0\r\nX-T: y\r\n\r\n"), w)
	add("9110 6.5.1 no trailer becomes a field", post("5\r\nhello\r\n0\r\nX-T: y\r\n\r\n"), ok("POST /", "-X-T"))
	run(t, vs)
}
