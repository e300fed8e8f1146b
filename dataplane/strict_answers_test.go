package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// answerVector is what a member sends, and what becomes of it.
type answerVector struct {
	name   string
	ask    string // the request; "" is a GET
	answer string // what the member sends; "!" at the end: and then closes
	// client is what the client gets, byte for byte but for a Date of lbd's; a status
	// stands for an answer of lbd's own. "✂" is an end that cannot be taken for one,
	// "." the end of a connection that was announced.
	client string
	// reused: the member's connection carries the next request.
	reused bool
	asked  int // how often the member is asked; 0 is once
}

const (
	ask   = "GET /v HTTP/1.1↵Host: a↵↵"
	head1 = "HEAD /v HTTP/1.1↵Host: a↵↵"
	old   = "GET /v HTTP/1.0↵Host: a↵↵"
	ws    = "GET /v HTTP/1.1↵Host: a↵Connection: Upgrade↵Upgrade: websocket↵↵"
)

// ok is a small answer with more fields.
func ok(lines string) string { return "HTTP/1.1 200 OK↵" + lines + "Content-Length: 2↵↵ok" }

// through are answers that pass as they came, on connections that go on.
func through(answers ...string) (all []answerVector) {
	for _, a := range answers {
		all = append(all, answerVector{name: a, answer: a, client: a, reused: true})
	}
	return all
}

// broken are answers that the client does not get, and their connections end.
func broken(answers ...string) (all []answerVector) {
	for _, a := range answers {
		all = append(all, answerVector{name: a, answer: a, client: "502"})
	}
	return all
}

// cleaned are field lines that do not pass.
func cleaned(lines ...string) (all []answerVector) {
	for _, l := range lines {
		all = append(all, answerVector{name: l, answer: ok(l), client: ok(""), reused: true})
	}
	return all
}

// chunked are bodies in chunks that break: with the head, when nothing has gone on
// yet, or, as "✂", behind a part of the answer.
func chunked(client string, bodies ...string) (all []answerVector) {
	for _, b := range bodies {
		all = append(all, answerVector{name: b, answer: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵" + b, client: client})
	}
	return all
}

const chunkedOK = "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵↵"

var answerVectors = flatAnswers(
	through(
		ok(""),
		ok("X: y↵x-Lower: \xe4 z↵Set-Cookie: a=b↵Set-Cookie: c=d↵"),
		ok("Date: Tue, 15 Nov 1994 08:12:31 +0000↵Server: x↵Via: 1.1 y↵"),
		"HTTP/1.1 200 ↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 A \xe4 long\treason↵Content-Length: 2↵↵ok",
		"HTTP/1.1 404 Not Found↵Content-Length: 0↵↵",
		"HTTP/1.1 500 Oops↵Content-Length: 2↵↵no",
		"HTTP/1.1 599 X↵Content-Length: 0↵↵",
		"HTTP/1.1 226 IM Used↵Content-Length: 0↵↵",
		"HTTP/1.1 401 X↵WWW-Authenticate: Basic↵WWW-Authenticate: Digest x=\"y, z\"↵Content-Length: 0↵↵",
		"HTTP/1.1 204 No Content↵↵",
		"HTTP/1.1 304 Not Modified↵ETag: \"x\"↵Content-Length: 500↵↵",
		"HTTP/1.1 304 Not Modified↵↵",
		"HTTP/1.1 205 Reset↵Content-Length: 0↵↵",
		chunkedOK,
		"HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵X: y↵↵",
		"HTTP/1.1 200 OK↵Trailer: X↵Transfer-Encoding: chunked↵↵2↵ok↵0↵X: y↵↵",
		"HTTP/1.1 103 Early↵Link: </a>↵↵"+ok(""),
		"HTTP/1.1 100 Continue↵↵"+ok(""), // nobody asked: it goes on all the same
		"HTTP/1.1 102 Processing↵↵HTTP/1.1 102 Processing↵↵"+ok(""),
		strings.Repeat("HTTP/1.1 103 Early↵↵", 16)+ok(""),
		ok(strings.Repeat("X: y↵", 190)),
		ok("X: "+strings.Repeat("y", 16000)+"↵"),
	),
	[]answerVector{
		{name: "HTTP/1.0", answer: "HTTP/1.0 200 OK↵Content-Length: 2↵↵ok!", client: ok("")},
		{name: "HTTP/1.0 kept alive", answer: "HTTP/1.0 200 OK↵Connection: keep-alive↵Content-Length: 2↵↵ok", client: ok(""), reused: true},
		{name: "HTTP/1.3", answer: "HTTP/1.3 200 OK↵Content-Length: 2↵↵ok", client: ok(""), reused: true},
		{name: "close", answer: "HTTP/1.1 200 OK↵Connection: close↵Content-Length: 2↵↵ok!", client: ok("")},
		{name: "no space behind the code", answer: "HTTP/1.1 200↵Content-Length: 2↵↵ok", client: "HTTP/1.1 200 ↵Content-Length: 2↵↵ok", reused: true},
		{name: "length with zeros before", answer: "HTTP/1.1 200 OK↵Content-Length: 002↵↵ok", client: ok(""), reused: true},
		{name: "until the end", answer: "HTTP/1.1 200 OK↵↵ok!", client: chunkedOK},
		{name: "nothing until the end", answer: "HTTP/1.1 200 OK↵↵!", client: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵0↵↵"},
		{name: "until the end, to HTTP/1.0", ask: old, answer: "HTTP/1.1 200 OK↵↵ok!", client: "HTTP/1.1 200 OK↵Connection: close↵↵ok."},
		{name: "chunks to HTTP/1.0", ask: old, answer: chunkedOK, client: "HTTP/1.1 200 OK↵Connection: close↵↵ok.", reused: true},
		{name: "length to HTTP/1.0", ask: old, answer: ok(""), client: "HTTP/1.1 200 OK↵Content-Length: 2↵Connection: close↵↵ok.", reused: true},
		{name: "1xx to HTTP/1.0", ask: old, answer: "HTTP/1.1 103 Early↵↵" + ok(""), client: "HTTP/1.1 200 OK↵Content-Length: 2↵Connection: close↵↵ok.", reused: true},
		{name: "chunks with extensions", answer: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2;x=\"y\"↵ok↵0;z↵↵", client: chunkedOK, reused: true},
		{name: "trailers that must not come", answer: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵Content-Length: 5↵Set-Cookie: a=b↵X: y↵↵", client: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵X: y↵↵", reused: true},
		{name: "HEAD", ask: head1, answer: "HTTP/1.1 200 OK↵Content-Length: 500↵↵", client: "HTTP/1.1 200 OK↵Content-Length: 500↵↵", reused: true},
		{name: "HEAD without a length", ask: head1, answer: "HTTP/1.1 200 OK↵↵", client: "HTTP/1.1 200 OK↵↵", reused: true},
		{name: "HEAD of chunks", ask: head1, answer: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵", client: "HTTP/1.1 200 OK↵↵", reused: true},
		{name: "HEAD with a body", ask: head1, answer: ok(""), client: "HTTP/1.1 200 OK↵Content-Length: 2↵↵"},
		{name: "HEAD with chunks", ask: head1, answer: chunkedOK, client: "HTTP/1.1 200 OK↵↵"},
		{name: "204 with a body", answer: "HTTP/1.1 204 X↵Content-Length: 2↵↵ok", client: "HTTP/1.1 204 X↵↵"},
		{name: "204 with a length", answer: "HTTP/1.1 204 X↵Content-Length: 2↵↵", client: "HTTP/1.1 204 X↵↵"},
		{name: "204 with a length of 0", answer: "HTTP/1.1 204 X↵Content-Length: 0↵↵", client: "HTTP/1.1 204 X↵↵", reused: true},
		{name: "304 with a body", answer: "HTTP/1.1 304 X↵Content-Length: 2↵↵ok", client: "HTTP/1.1 304 X↵Content-Length: 2↵↵"},
		{name: "304 with chunks", answer: "HTTP/1.1 304 X↵Transfer-Encoding: chunked↵↵2↵ok↵0↵↵", client: "HTTP/1.1 304 X↵↵"},
		{name: "103 with a length", answer: "HTTP/1.1 103 X↵Content-Length: 0↵↵" + ok(""), client: "HTTP/1.1 103 X↵↵" + ok(""), reused: true},

		// What comes behind an answer was not asked for, and is nobody's.
		{name: "garbage behind", answer: ok("") + "garbage", client: ok("")},
		{name: "another answer behind", answer: ok("") + "HTTP/1.1 200 OK↵Content-Length: 4↵↵evil", client: ok("")},
		{name: "CRLF behind", answer: ok("") + "↵", client: ok("")},
		{name: "another answer behind chunks", answer: chunkedOK + "HTTP/1.1 200 OK↵Content-Length: 4↵↵evil", client: chunkedOK},
		{name: "another answer behind 204", answer: "HTTP/1.1 204 X↵↵HTTP/1.1 200 OK↵Content-Length: 4↵↵evil", client: "HTTP/1.1 204 X↵↵"},
		{name: "1xx behind", answer: ok("") + "HTTP/1.1 103 X↵↵", client: ok("")},

		// Ends that come too early (RFC 9112 section 8).
		{name: "no answer", answer: "!", client: "502", asked: 2},
		{name: "half a status line", answer: "HTTP/1.1 2!", client: "502"},
		{name: "half a head", answer: "HTTP/1.1 200 OK↵Content-Length: 2↵!", client: "502"},
		{name: "1xx and the end", answer: "HTTP/1.1 103 X↵↵!", client: "HTTP/1.1 103 X↵↵502"},
		{name: "less than the length", answer: "HTTP/1.1 200 OK↵Content-Length: 3↵↵ok!", client: "✂"},
		{name: "none of the length", answer: "HTTP/1.1 200 OK↵Content-Length: 3↵↵!", client: "✂"},
		{name: "less than the length, to HTTP/1.0", ask: old, answer: "HTTP/1.1 200 OK↵Content-Length: 3↵↵ok!", client: "✂"},
		{name: "no last chunk, to HTTP/1.0", ask: old, answer: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵!", client: "✂"},
		{name: "bad chunk, to HTTP/1.0", ask: old, answer: "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵x↵", client: "502"},

		// Upgrades (RFC 9110 section 7.8, RFC 6455).
		{name: "101 that nobody asked for", answer: "HTTP/1.1 101 X↵Connection: Upgrade↵Upgrade: websocket↵↵", client: "502"},
		{name: "101 to another protocol", ask: ws, answer: "HTTP/1.1 101 X↵Connection: Upgrade↵Upgrade: h2c↵↵", client: "502"},
		{name: "101 without Upgrade", ask: ws, answer: "HTTP/1.1 101 X↵Connection: Upgrade↵↵", client: "502"},
		{name: "101 without Connection", ask: ws, answer: "HTTP/1.1 101 X↵Upgrade: websocket↵↵", client: "502"},
		{name: "101 to two protocols", ask: ws, answer: "HTTP/1.1 101 X↵Connection: Upgrade↵Upgrade: websocket, h2c↵↵", client: "502"},
		{name: "101 in HTTP/1.0", ask: ws, answer: "HTTP/1.0 101 X↵Connection: Upgrade↵Upgrade: websocket↵↵", client: "502"},
		{name: "101 to HTTP/1.0", ask: "GET /v HTTP/1.0↵Host: a↵Connection: Upgrade↵Upgrade: websocket↵↵", answer: "HTTP/1.1 101 X↵Connection: Upgrade↵Upgrade: websocket↵↵", client: "502"},
		{name: "an upgrade that is not taken up", ask: ws, answer: ok(""), client: ok(""), reused: true},
		{name: "an upgrade that is refused", ask: ws, answer: "HTTP/1.1 426 X↵Upgrade: h2c↵Connection: Upgrade↵Content-Length: 0↵↵", client: "HTTP/1.1 426 X↵Content-Length: 0↵↵", reused: true},
	},
	cleaned(
		"Connection: keep-alive↵",
		"Keep-Alive: timeout=5↵",
		"Proxy-Connection: keep-alive↵",
		"Connection: X↵X: y↵",
		"X: y↵connection: x↵",
		"Connection: X, Y↵X: 1↵Y: 2↵",
		"Connection: Content-Length↵",
		"Connection: Set-Cookie↵Set-Cookie: a=b↵",
		"Upgrade: h2c↵",
		"Trailer: X↵",
		"Proxy-Authenticate: Basic↵",
		"Proxy-Authentication-Info: x↵",
		"Content_Length: 5↵",
		"Transfer_Encoding: chunked↵",
	),
	broken(
		"garbage↵↵",
		"<html>hello</html>!",
		"HTTP/0.9 200 OK↵Content-Length: 2↵↵ok",
		"HTTP/2.0 200 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.10 200 OK↵Content-Length: 2↵↵ok",
		"HTTP/1 200 OK↵Content-Length: 2↵↵ok",
		"http/1.1 200 OK↵Content-Length: 2↵↵ok",
		"ICY 200 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1200 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1  200 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1\t200 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 20 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 2000 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 2x0 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 -20 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 +20 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 000 X↵Content-Length: 2↵↵ok",
		"HTTP/1.1 099 X↵Content-Length: 2↵↵ok",
		"HTTP/1.1 600 X↵Content-Length: 2↵↵ok",
		"HTTP/1.1 999 X↵Content-Length: 2↵↵ok",
		"HTTP/1.1 OK↵Content-Length: 2↵↵ok",
		"HTTP/1.1↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 O\x00K↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 O\x7fK↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 O\rK↵Content-Length: 2↵↵ok",
		"↵HTTP/1.1 200 OK↵Content-Length: 2↵↵ok",
		" HTTP/1.1 200 OK↵Content-Length: 2↵↵ok",
		"\x15\x03\x01\x00\x02\x02\x0a",
		"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"HTTP/1.1 200 OK↵Content-Length: 2\n↵ok",
		"HTTP/1.1 200 OK↵Content-Length: 2↵\nok",
		"HTTP/1.1 200 OK\rContent-Length: 2\r\rok",
		"HTTP/1.1 200 OK↵X: a\rb↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X: a\x00b↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X: a\x0bb↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X: a↵ b↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X: a↵\tb↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵ X: a↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X : a↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X\t: a↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵: a↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X Y: a↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵X\x00: a↵Content-Length: 2↵↵ok",
		"HTTP/1.1 200 OK↵\xc3\x84: a↵Content-Length: 2↵↵ok",
		ok("Content-Length: 2↵"),
		ok("Content-Length: 3↵"),
		ok("Content-Length: 0↵"),
		ok("Transfer-Encoding: chunked↵"),
		ok("Transfer-Encoding: identity↵"),
		ok("Connection: @↵"),
		"HTTP/1.1 200 OK↵Content-Length: 2, 2↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: 2,3↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: +2↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: -2↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: 0x2↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: 2 ↵ 3↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length : 2↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: two↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length:↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: 9223372036854775808↵↵ok",
		"HTTP/1.1 200 OK↵Content-Length: 18446744073709551618↵↵ok",
		"HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵Transfer-Encoding: chunked↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding: chunked, chunked↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding: gzip, chunked↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding: chunked, gzip↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding: gzip↵↵x!",
		"HTTP/1.1 200 OK↵Transfer-Encoding: identity↵↵x!",
		"HTTP/1.1 200 OK↵Transfer-Encoding: xchunked↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding: \x0bchunked↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding : chunked↵↵0↵↵",
		"HTTP/1.1 200 OK↵Transfer-Encoding:↵ chunked↵↵0↵↵",
		"HTTP/1.0 200 OK↵Transfer-Encoding: chunked↵↵0↵↵!",
		"HTTP/1.0 200 OK↵Connection: keep-alive↵Transfer-Encoding: chunked↵↵0↵↵",
		"HTTP/1.1 204 X↵Transfer-Encoding: chunked↵↵0↵↵",
		"HTTP/1.1 103 X↵Transfer-Encoding: chunked↵↵0↵↵"+ok(""),
		"HTTP/1.1 200 OK↵"+strings.Repeat("X: y↵", 201)+"↵",
		"HTTP/1.1 200 OK↵X: "+strings.Repeat("y", 17<<10)+"↵↵",
		"HTTP/1.1 200 OK↵"+strings.Repeat("X: "+strings.Repeat("y", 16000)+"↵", 5)+"↵",
		"HTTP/1.1 200 "+strings.Repeat("y", 17<<10),
	),
	chunked("502",
		"2\nok↵0↵↵",
		"2↵ok\n0↵↵",
		"2↵ok0↵↵",
		"2↵okk↵0↵↵",
		"2↵ok↵0\n\n",
		"2↵ok↵0↵\n",
		"2↵ok↵0↵X: y\n↵",
		"2↵ok↵↵",
		"x↵",
		"0x2↵ok↵0↵↵",
		"+2↵ok↵0↵↵",
		"-2↵ok↵0↵↵",
		" 2↵ok↵0↵↵",
		"2 ↵ok↵0↵↵",
		"2;↵ok↵0↵↵",
		"2;x\nok↵0↵↵",
		"8000000000000000↵ok",
		"ffffffffffffffff↵ok",
		"10000000000000002↵ok↵0↵↵",
		strings.Repeat("0", 257)+"2↵ok↵0↵↵",
		"2↵ok↵0↵X : y↵↵",
		"2↵ok↵0↵ X: y↵↵",
		"2↵ok↵0↵X↵↵",
		"2↵ok↵0↵"+strings.Repeat("X: y↵", 65)+"↵",
	),
	chunked("✂",
		"2↵ok!",
		"2↵ok↵!",
		"2↵ok↵0!",
		"2↵ok↵0↵!",
		"2↵ok↵0↵X: y↵!",
		"!",
	),
	[]answerVector{{name: "too many 1xx", answer: strings.Repeat("HTTP/1.1 103 Early↵↵", 17) + ok(""), client: strings.Repeat("HTTP/1.1 103 Early↵↵", 16) + "502"}},
)

func flatAnswers(lists ...[]answerVector) (all []answerVector) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// player is a member that answers /v as the present vector says, and tells of
// others whether they came on the same connection.
type player struct {
	now   atomic.Pointer[answerVector]
	asked atomic.Int64
}

func (p *player) serve(c *net.TCPConn, r *bufio.Reader) {
	var last *answerVector
	for {
		h := head(r)
		switch {
		case h == "":
			return
		case strings.Contains(h, " /v "):
			p.asked.Add(1)
			last = p.now.Load()
			answer, closes := strings.CutSuffix(last.answer, "!")
			io.WriteString(c, crlf(answer))
			if closes {
				return
			}
		default:
			body := "other"
			if last == p.now.Load() {
				body = "same!"
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%s", body)
		}
	}
}

var ourDate = regexp.MustCompile(`Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// read gives what an answer to method is, in answerVector.client's form.
func read(r *bufio.Reader, method string) (got string, open bool) {
	h := head(r)
	if h == "" {
		return "nothing", false
	}
	var status int
	fmt.Sscanf(h, "HTTP/1.1 %d", &status)
	h = ourDate.ReplaceAllString(h, "")
	own := field(h, "Cache-Control") != nil
	bodiless := method == "HEAD" || status < 200 || status == 204 || status == 304
	var body string
	var err error
	last := false
	switch {
	case bodiless:
	case field(h, "Content-Length") == nil && field(h, "Transfer-Encoding") == nil:
		var b []byte
		b, err = io.ReadAll(r)
		body, last = string(b), true
	default:
		body, err = bodyOf(h, r)
	}
	if err != nil {
		return "✂", false
	}
	if v := field(h, "Connection"); len(v) == 1 && v[0] == "close" && !own {
		if _, err := r.ReadByte(); err == nil || !closed(err) {
			return "not closed", false
		}
		last = true
	}
	got = shown(h + body)
	if own {
		got = fmt.Sprint(status)
	}
	if last {
		return got + ".", false
	}
	if status < 200 && status != 101 {
		more, open := read(r, method)
		if more == "✂" {
			return more, false
		}
		return got + more, open
	}
	return got, field(h, "Connection") == nil
}

func TestAnswerVectors(t *testing.T) {
	p := &player{}
	e, n := newEdge(t, backend(t, p.serve).addr, nil)
	for i := range answerVectors {
		v := &answerVectors[i]
		p.now.Store(v)
		p.asked.Store(0)
		c, r := e.dial()
		req := v.ask
		if req == "" {
			req = ask
		}
		io.WriteString(c, crlf(req))
		method, _, _ := strings.Cut(req, " ")
		got, open := read(r, method)
		if got != v.client {
			t.Errorf("%.200q: the client got\n%.2000q, want\n%.2000q", v.name, got, v.client)
		}
		if asked := p.asked.Load(); asked != max(1, int64(v.asked)) {
			t.Errorf("%.200q: the member was asked %d times", v.name, asked)
		}
		if !open {
			c.Close()
			c, r = e.dial()
		}
		io.WriteString(c, probe)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%.200q: the next request: %v, %v", v.name, resp, err)
			c.Close()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		if want := map[bool]string{false: "other", true: "same!"}[v.reused]; string(body) != want {
			t.Errorf("%.200q: the next request went to the %q connection, want %q", v.name, body, want)
		}
		c.Close()
	}
	if c := n.Report().Listeners["l"]; c.RequestErrors != 0 {
		t.Errorf("%d errors of clients", c.RequestErrors)
	}
}
