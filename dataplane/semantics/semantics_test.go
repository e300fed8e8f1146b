package semantics

import (
	"errors"
	"testing"

	"lbd/dataplane/http1"
)

func request(t *testing.T, head string) *http1.Request {
	t.Helper()
	var r http1.Request
	lim := http1.DefaultLimits()
	if n, err := r.Parse([]byte(head), &lim); err != nil || n != len(head) {
		t.Fatalf("parse: %d, %v", n, err)
	}
	return &r
}

func TestBodyTakesNothingBehindItself(t *testing.T) {
	lim := http1.DefaultLimits()
	for name, tc := range map[string]struct{ fields, in, out string }{
		"length": {"Content-Length: 3\r\n", "abcGET", "abc"},
		"chunks": {"Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\nGET", "3\r\nabc\r\n0\r\n\r\n"},
	} {
		for step := 1; step <= len(tc.in); step++ { // whatever the segmentation
			var b Body
			b.Start(request(t, "POST / HTTP/1.1\r\nHost: a\r\n"+tc.fields+"\r\n"))
			var out []byte
			got := 0
			for at := 0; at < len(tc.in) && !b.Done; at = got {
				used, o, err := b.Take([]byte(tc.in[at:min(at+step, len(tc.in))]), out, 1<<10, &lim)
				if err != nil {
					t.Fatal(err)
				}
				out, got = o, at+used
			}
			if rest := tc.in[got:]; !b.Done || rest != "GET" {
				t.Fatalf("%s in steps of %d: left %q, done %v", name, step, rest, b.Done)
			}
			if step == len(tc.in) && string(out) != tc.out {
				t.Errorf("%s: %q, want %q", name, out, tc.out)
			}
		}
	}
}

func TestBodyStopsAtTheLimit(t *testing.T) {
	lim := http1.DefaultLimits()
	var b Body
	b.Start(request(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"))
	used, out, err := b.Take([]byte("0123456789"), []byte("head"), 8, &lim)
	if used != 4 || string(out) != "head0123" || err != nil || b.Done || b.Left != 6 {
		t.Errorf("%d, %q, %v, %+v", used, out, err, b)
	}
}

func TestMalformedBody(t *testing.T) {
	lim := http1.DefaultLimits()
	var b Body
	b.Start(request(t, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"))
	if _, _, err := b.Take([]byte("x\r\n"), nil, 1<<10, &lim); err != ErrClientFraming || Status(err) != 400 {
		t.Errorf("%v", err)
	}
}

func TestWhatMayBeRepeated(t *testing.T) {
	reset := errors.New("reset")
	for name, tc := range map[string]struct {
		s    Sent
		err  error
		want bool
	}{
		"nothing sent, any method":  {Sent{}, reset, true},
		"sent, idempotent":          {Sent{Bytes: 9, Whole: true, Idempotent: true}, ErrMemberClosed, true},
		"sent, not idempotent":      {Sent{Bytes: 9, Whole: true}, ErrMemberClosed, false},
		"sent, body gone":           {Sent{Bytes: 9, Idempotent: true}, ErrMemberClosed, false},
		"a byte of the answer came": {Sent{Bytes: 9, Whole: true, Idempotent: true, Heard: true}, ErrMemberClosed, false},
		"a wait in vain":            {Sent{Bytes: 9, Whole: true, Idempotent: true}, ErrMemberTimeout, false},
		"the client is not there":   {Sent{}, ErrClientGone, false},
	} {
		if got := tc.s.MayRepeat(tc.err); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOwnAnswers(t *testing.T) {
	o := Own{Code: 503, NodeLine: []byte("X: n\r\n")}
	want := "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\nX: n\r\n" +
		"Connection: close\r\nContent-Length: 24\r\n\r\n503 Service Unavailable\n"
	if got := string(o.Append(nil)); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	o = Own{Code: 302, Location: []byte("/a"), Head: true, Keep: true}
	want = "HTTP/1.1 302 Found\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\nLocation: /a\r\nContent-Length: 10\r\n\r\n"
	if got := string(o.Append(nil)); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}
