package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAnswersThatAreRefused(t *testing.T) {
	lim := DefaultLimits()
	for name, in := range map[string]string{
		"bare LF":                  "HTTP/1.1 200 OK\n\n",
		"empty line first":         "\r\nHTTP/1.1 200 OK\r\n\r\n",
		"no code":                  "HTTP/1.1 \r\n\r\n",
		"two digits":               "HTTP/1.1 20 OK\r\n\r\n",
		"four digits":              "HTTP/1.1 2000 OK\r\n\r\n",
		"code 099":                 "HTTP/1.1 099 X\r\n\r\n",
		"code 600":                 "HTTP/1.1 600 X\r\n\r\n",
		"two spaces":               "HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/2.0":                 "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/0.9":                 "<html>hello</html>\r\n\r\n",
		"NUL in the reason":        "HTTP/1.1 200 O\x00K\r\n\r\n",
		"folded":                   "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
		"space before the colon":   "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
		"length and coding":        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"two lengths":              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
		"length list":              "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"gzip, chunked":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"coding in HTTP/1.0":       "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"coding on 204":            "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
		"101 that nobody asked":    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"head too long":            "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 16000)+"\r\n", 5) + "\r\n",
		"too many fields":          "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 201) + "\r\n",
		"bare CR in a field":       "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
		"field without colon":      "HTTP/1.1 200 OK\r\nX\r\n\r\n",
		"status line without end":  strings.Repeat("x", 17<<10),
		"Connection with nonsense": "HTTP/1.1 200 OK\r\nConnection: @\r\n\r\n",
	} {
		var r Response
		n, err := r.Parse([]byte(in), &lim, Asked{})
		if ref, ok := errors.AsType[*Refusal](err); !ok || ref.Status != 502 || n != 0 {
			t.Errorf("%s: n=%d, err=%v", name, n, err)
		}
	}
}

func TestAnswersThatAreAccepted(t *testing.T) {
	lim := DefaultLimits()
	for _, tc := range []struct {
		name, in string
		asked    Asked
		want     string // status framing/length wouldbe keep upgraded
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Asked{}, "200 1/5 5 true false"},
		{"length 0", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Asked{}, "200 1/0 0 true false"},
		{"no reason", "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", Asked{}, "200 1/5 5 true false"},
		{"no space behind the code", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", Asked{}, "200 1/5 5 true false"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Asked{}, "200 2/0 -1 true false"},
		{"until close", "HTTP/1.1 200 OK\r\n\r\n", Asked{}, "200 3/0 -1 false false"},
		{"close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", Asked{}, "200 1/5 5 false false"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Asked{}, "200 1/5 5 false false"},
		{"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", Asked{}, "200 1/5 5 true false"},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Asked{Head: true}, "200 0/0 5 true false"},
		{"HEAD chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Asked{Head: true}, "200 0/0 -1 true false"},
		{"204", "HTTP/1.1 204 X\r\n\r\n", Asked{}, "204 0/0 -1 true false"},
		{"204 with a length", "HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n", Asked{}, "204 0/0 -1 true false"},
		{"304", "HTTP/1.1 304 X\r\nContent-Length: 99\r\n\r\n", Asked{}, "304 0/0 99 true false"},
		{"100", "HTTP/1.1 100 Continue\r\n\r\n", Asked{}, "100 0/0 -1 true false"},
		{"101", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", Asked{WebSocket: true}, "101 0/0 -1 false true"},
	} {
		var r Response
		n, err := r.Parse([]byte(tc.in), &lim, tc.asked)
		got := fmt.Sprintf("%d %d/%d %d %v %v", r.Status, r.Framing, r.Length, r.WouldBe, r.KeepAlive, r.Upgraded)
		if err != nil || n != len(tc.in) || got != tc.want {
			t.Errorf("%s: n=%d err=%v\ngot  %s\nwant %s", tc.name, n, err, got, tc.want)
		}
	}
}

func TestHundredAndOneNeedsTheProtocolAskedFor(t *testing.T) {
	lim := DefaultLimits()
	for _, in := range []string{
		"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.1 101 X\r\n\r\n",
	} {
		var r Response
		if _, err := r.Parse([]byte(in), &lim, Asked{WebSocket: true}); err == nil {
			t.Errorf("accepted %q", in)
		}
	}
}
