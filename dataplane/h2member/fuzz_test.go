package h2member

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"lbd/dataplane/http1"
)

// FuzzRequest: however a request is cut into pieces, the same comes out, nothing that
// belongs to a connection is in it, and nothing in it could end a line.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nTE: trailers\r\n\r\n",
		"POST //x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: B\r\n\r\n3\r\nabc\r\n0\r\nB: c\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\nmore",
	} {
		f.Add([]byte(s), byte(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, step byte) {
		whole, body, err := readRequest(in, len(in)+1)
		parts, partsBody, partsErr := readRequest(in, int(step)+1)
		if (err == nil) != (partsErr == nil) || (whole == nil) != (parts == nil) || body != partsBody {
			t.Fatalf("whole: %v %q, in pieces: %v %q", err, body, partsErr, partsBody)
		}
		if whole == nil {
			return
		}
		for name, values := range whole.Header {
			switch strings.ToLower(name) {
			case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "host", "content-length":
				t.Fatalf("%s is in the request", name)
			}
			for _, v := range values {
				if strings.ContainsAny(name+v, "\r\n\x00") {
					t.Fatalf("%q: %q", name, v)
				}
			}
		}
	})
}

func readRequest(in []byte, step int) (made *http.Request, text string, err error) {
	r := request{lim: http1.DefaultLimits(), up: newPipe(1 << 20), begin: func(h *http.Request) { made = h }}
	for len(in) > 0 && err == nil {
		n := min(step, len(in))
		_, err = r.feed(in[:n], 1)
		in = in[n:]
	}
	if r.state != complete {
		r.up.close(io.EOF)
	}
	if made != nil && made.Body != nil {
		b, _ := io.ReadAll(made.Body)
		text = string(b)
	}
	return made, text, err
}
