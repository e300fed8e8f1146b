package http1

import (
	"errors"
	"strings"
	"testing"
)

// Every limit at limit-1, limit and limit+1, cut in every way.
func TestHeadLimits(t *testing.T) {
	lim := Limits{RequestLine: 30, Field: 40, Head: 100, Fields: 3, ChunkLine: 256, Trailers: 8 << 10, TrailerN: 64}
	pad := func(n int) string { return strings.Repeat("x", n) }
	const line = "GET / HTTP/1.0\r\n" // 16 bytes, 14 without its end
	for _, tc := range []struct {
		name string
		make func(over int) string // over: bytes or fields above the limit
		want *Refusal
	}{
		{"request line", func(o int) string { return "GET /" + pad(30-14+o) + " HTTP/1.0\r\n\r\n" }, errLineLong},
		{"field", func(o int) string { return line + "X: " + pad(37+o) + "\r\n\r\n" }, errFieldLong},
		{"head", func(o int) string {
			return line + "X: " + pad(37) + "\r\n" + "X: " + pad(100-16-42-2-2-3+o) + "\r\n\r\n"
		}, errHeadLong},
		{"head, not counting empty lines before", func(o int) string {
			return "\r\n\r\n" + line + "X: " + pad(37) + "\r\n" + "X: " + pad(100-16-42-2-2-3+o) + "\r\n\r\n"
		}, errHeadLong},
		{"fields", func(o int) string { return line + strings.Repeat("X: y\r\n", 3+o) + "\r\n" }, errFieldMany},
	} {
		for _, over := range []int{-1, 0, 1} {
			in := []byte(tc.make(over))
			for piece := 1; piece <= len(in); piece++ {
				n, err := feedRequest(&Request{}, in, piece, &lim)
				if over <= 0 {
					if err != nil || n != len(in) {
						t.Fatalf("%s%+d in pieces of %d: n=%d of %d, err=%v", tc.name, over, piece, n, len(in), err)
					}
				} else if !errors.Is(err, tc.want) {
					t.Fatalf("%s%+d in pieces of %d: err=%v, want %v", tc.name, over, piece, err, tc.want)
				}
			}
		}
	}
}

// feedRequest parses what has come after each piece, as a connection does.
func feedRequest(r *Request, in []byte, piece int, lim *Limits) (n int, err error) {
	for end := 0; end < len(in) && n == 0 && err == nil; {
		end = min(end+piece, len(in))
		n, err = r.Parse(in[:end], lim)
	}
	return n, err
}

func TestLineAndHeadTooLongAtOnceGiveOneVerdict(t *testing.T) {
	for _, lim := range []Limits{
		{RequestLine: 20, Field: 40, Head: 60, Fields: 9},
		{RequestLine: 60, Field: 60, Head: 60, Fields: 9},
		{RequestLine: 60, Field: 44, Head: 60, Fields: 9},
		{RequestLine: 60, Field: 43, Head: 60, Fields: 9},
		{RequestLine: 90, Field: 90, Head: 60, Fields: 9},
	} {
		for _, end := range []string{"\r\n\r\n", "\n", "\r\r\n\r\n", "\ry\r\n\r\n", ""} {
			for size := 20; size < 100; size++ {
				for _, in := range [][]byte{
					[]byte("GET / HTTP/1.0\r\n" + strings.Repeat("x", size) + end),
					[]byte(strings.Repeat("x", size) + end),
				} {
					n, err := feedRequest(&Request{}, in, len(in), &lim)
					m, e := feedRequest(&Request{}, in, 1, &lim)
					if n != m || !sameError(err, e) {
						t.Fatalf("%q with %+v: whole %d %v, one by one %d %v", in, lim, n, err, m, e)
					}
				}
			}
		}
	}
}

func TestConnectionOptionsAreBounded(t *testing.T) {
	for n, want := range map[int]*Refusal{maxOptions - 1: nil, maxOptions: nil, maxOptions + 1: errConnectionMany} {
		_, _, err := parseRequest(t, get+"Connection: "+strings.Repeat("a,", n-1)+"\r\nConnection: b\r\n\r\n")
		if ref, _ := errors.AsType[*Refusal](err); ref != want {
			t.Errorf("%d options: err=%v, want %v", n, err, want)
		}
	}
}

func TestChunkLimits(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(over int) string
		want *Refusal
	}{
		{"size line", func(o int) string { return "1;" + strings.Repeat("a", 254+o) + "\r\nx\r\n0\r\n\r\n" }, errChunkLine},
		{"zeros", func(o int) string { return strings.Repeat("0", 255+o) + "1\r\nx\r\n0\r\n\r\n" }, errChunkLine},
		{"trailers", func(o int) string { return "0\r\nX: " + strings.Repeat("y", 8<<10-7+o) + "\r\n\r\n" }, errTrailerLong},
		{"trailer fields", func(o int) string { return "0\r\n" + strings.Repeat("X: y\r\n", 64+o) + "\r\n" }, errTrailerMany},
	} {
		for _, over := range []int{-1, 0, 1} {
			for _, piece := range []int{1, 7, 1 << 20} {
				_, _, done, err := unchunk([]byte(tc.make(over)), piece)
				if over <= 0 && (err != nil || !done) || over > 0 && !errors.Is(err, tc.want) {
					t.Errorf("%s%+d in pieces of %d: done=%v, err=%v", tc.name, over, piece, done, err)
				}
			}
		}
	}
}

func TestLargestChunkSize(t *testing.T) {
	lim := DefaultLimits()
	var c Chunked
	if _, data, done, err := c.Next([]byte("7fffffffffffffff\r\nabc"), &lim); err != nil || done || string(data) != "abc" {
		t.Errorf("data %q, done %v, err %v", data, done, err)
	}
}

// A head that trickles in costs one look at each byte, not one at all before it.
func TestTrickledHeadIsReadOnce(t *testing.T) {
	lim := DefaultLimits()
	in := []byte("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("y", 15000)+"\r\n", 4))
	var s scanner
	for i := 1; i <= len(in); i++ {
		before := s.seen
		if _, err := s.scan(in[:i], &lim, true); err != nil {
			t.Fatal(err)
		}
		if s.seen != i || before != i-1 {
			t.Fatalf("after %d bytes: searched up to %d, before that up to %d", i, s.seen, before)
		}
	}
}
