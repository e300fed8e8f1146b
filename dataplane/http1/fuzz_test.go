package http1

import (
	"bytes"
	"reflect"
	"testing"
)

// Small limits let the fuzzer reach them.
var fuzzLimits = Limits{
	RequestLine: 200, Field: 300, Head: 1000, Fields: 12,
	ChunkLine: 40, Trailers: 120, TrailerN: 4,
}

// visible is a request without what only the parser needs.
func visible(r Request) Request {
	r.scan, r.c = scanner{}, common{}
	return r
}

// FuzzRequest: every segmentation gives the same verdict, and what is accepted
// keeps the promises that rewriting relies on.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		var whole, slow Request
		n, err := whole.Parse(in, &fuzzLimits)
		m, e := feedRequest(&slow, in, int(piece)+1, &fuzzLimits)
		if n != m || !sameError(err, e) {
			t.Fatalf("whole: %d, %v; in pieces of %d: %d, %v", n, err, int(piece)+1, m, e)
		}
		if n == 0 {
			return
		}
		if a, b := visible(whole), visible(slow); !reflect.DeepEqual(a, b) {
			t.Fatalf("whole %+v, in pieces %+v", a, b)
		}
		if err != nil || n > len(in) || !bytes.HasSuffix(in[:n], []byte("\r\n\r\n")) {
			t.Fatalf("n=%d, err=%v", n, err)
		}
		r := &whole
		if !all(r.Method, cToken) || !all(r.Path, cTarget) || bytes.IndexByte(r.Path, '?') >= 0 || r.Path[0] != '/' && string(r.Path) != "*" {
			t.Fatalf("method %q, path %q", r.Method, r.Path)
		}
		if len(r.Query) > 0 && !all(r.Query, cTarget) {
			t.Fatalf("query %q", r.Query)
		}
		if r.Minor == 1 && len(r.Host) == 0 || len(r.Host) > 0 && !validHost(r.Host) {
			t.Fatalf("host %q", r.Host)
		}
		if r.Framing == UntilClose || r.Framing == Length && r.Length <= 0 || r.Framing != Length && r.Length != 0 {
			t.Fatalf("framing %d, length %d", r.Framing, r.Length)
		}
		checkFields(t, r.Fields)
	})
}

func checkFields(t *testing.T, fields []Field) {
	t.Helper()
	for _, f := range fields {
		if !all(f.Name, cToken) || len(f.Value) > 0 && !all(f.Value, cValue) || len(trim(f.Value)) != len(f.Value) {
			t.Fatalf("field %q: %q", f.Name, f.Value)
		}
	}
}

// FuzzResponse is FuzzRequest for answers.
func FuzzResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), uint8(1), false, false)
	f.Fuzz(func(t *testing.T, in []byte, piece uint8, head, websocket bool) {
		asked := Asked{Head: head, WebSocket: websocket}
		var whole, slow Response
		n, err := whole.Parse(in, &fuzzLimits, asked)
		m, e := 0, error(nil)
		for end := 0; end < len(in) && m == 0 && e == nil; {
			end = min(end+int(piece)+1, len(in))
			m, e = slow.Parse(in[:end], &fuzzLimits, asked)
		}
		if n != m || !sameError(err, e) {
			t.Fatalf("whole: %d, %v; in pieces of %d: %d, %v", n, err, int(piece)+1, m, e)
		}
		if ref, ok := err.(*Refusal); ok && ref.Status != 502 {
			t.Fatalf("refused with %d: %v", ref.Status, err)
		}
		if n == 0 {
			return
		}
		whole.scan, slow.scan, whole.c, slow.c = scanner{}, scanner{}, common{}, common{}
		if !reflect.DeepEqual(whole, slow) {
			t.Fatalf("whole %+v, in pieces %+v", whole, slow)
		}
		r := &whole
		if r.Status < 100 || r.Status > 599 || r.Length < 0 || r.WouldBe < -1 || r.Framing != Length && r.Length != 0 {
			t.Fatalf("%+v", r)
		}
		if r.Framing == UntilClose && r.KeepAlive || r.Upgraded && (!websocket || r.Status != 101) {
			t.Fatalf("%+v", r)
		}
		if (head || r.Status < 200 || r.Status == 204 || r.Status == 304) && r.Framing != NoBody {
			t.Fatalf("a body where none can be: %+v", r)
		}
		checkFields(t, r.Fields)
	})
}

// FuzzChunked: every segmentation gives the same body and verdict, and a body
// that was accepted is the same after it has been written and read once more.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		body, rest, done, err := unchunkWith(in, len(in), &fuzzLimits)
		b, r, d, e := unchunkWith(in, int(piece)+1, &fuzzLimits)
		if !bytes.Equal(body, b) || rest != r || done != d || !sameError(err, e) {
			t.Fatalf("whole: %q, %d left, %v, %v; in pieces of %d: %q, %d left, %v, %v", body, rest, done, err, int(piece)+1, b, r, d, e)
		}
		if !done {
			return
		}
		var wire []byte
		for left := body; len(left) > 0; {
			size := min(int(piece)+1, len(left))
			wire = AppendData(wire, left[:size])
			left = left[size:]
		}
		wire = AppendEnd(wire, nil)
		again, rest, done, err := unchunk(wire, int(piece)+1)
		if !bytes.Equal(again, body) || rest != 0 || !done || err != nil {
			t.Fatalf("body %q, written and read again %q, %d left, %v, %v", body, again, rest, done, err)
		}
	})
}
