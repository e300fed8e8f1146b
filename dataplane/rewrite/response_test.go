package rewrite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/dataplane/http1"
)

func response(t testing.TB, in string, asked http1.Asked) *http1.Response {
	t.Helper()
	lim := http1.DefaultLimits()
	r := &http1.Response{}
	if n, err := r.Parse([]byte(in), &lim, asked); n != len(in) || err != nil {
		t.Fatalf("%q: n=%d, err=%v", in, n, err)
	}
	return r
}

func TestAnswerHeads(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	head := http1.Asked{Head: true}
	for _, tc := range []struct {
		name  string
		in    string
		asked http1.Asked
		minor int
		keep  bool
		want  string
	}{
		{"length", ok + "X: y\r\ncontent-length: 05\r\nZ:\r\n\r\n", http1.Asked{}, 1, true, ok + "X: y\r\nZ: \r\nContent-Length: 5\r\n\r\n"},
		{"length 0", ok + "Content-Length: 0\r\n\r\n", http1.Asked{}, 1, true, ok + "Content-Length: 0\r\n\r\n"},
		{"chunked", ok + "Transfer-Encoding: chunked\r\nTrailer: X\r\nTrailer: Host\r\n\r\n", http1.Asked{}, 1, true, ok + "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"until close becomes chunked", ok + "\r\n", http1.Asked{}, 1, true, ok + "Transfer-Encoding: chunked\r\n\r\n"},
		{"close", ok + "Content-Length: 5\r\n\r\n", http1.Asked{}, 1, false, ok + "Content-Length: 5\r\nConnection: close\r\n\r\n"},
		{"the member's connection is its own", ok + "Content-Length: 5\r\nConnection: close\r\nKeep-Alive: 5\r\n\r\n", http1.Asked{}, 1, true, ok + "Content-Length: 5\r\n\r\n"},
		{"from HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", http1.Asked{}, 1, true, ok + "Content-Length: 5\r\n\r\n"},
		{"what Connection names", ok + "Connection: x-a\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 5\r\n\r\n", http1.Asked{}, 1, true, ok + "X-B: 2\r\nContent-Length: 5\r\n\r\n"},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", http1.Asked{}, 1, true, "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n"},
		{"upgrade without 101", "HTTP/1.1 426 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n", http1.Asked{WebSocket: true}, 1, true, "HTTP/1.1 426 X\r\nContent-Length: 0\r\n\r\n"},

		// Answers without a body.
		{"HEAD", ok + "Content-Length: 5\r\n\r\n", head, 1, true, ok + "Content-Length: 5\r\n\r\n"},
		{"HEAD of a chunked answer", ok + "Transfer-Encoding: chunked\r\n\r\n", head, 1, true, ok + "\r\n"},
		{"HEAD without a length", ok + "\r\n", head, 1, true, ok + "\r\n"},
		{"304", "HTTP/1.1 304 X\r\nContent-Length: 99\r\nETag: e\r\n\r\n", http1.Asked{}, 1, true, "HTTP/1.1 304 X\r\nETag: e\r\nContent-Length: 99\r\n\r\n"},
		{"304 without a length", "HTTP/1.1 304 X\r\n\r\n", http1.Asked{}, 1, true, "HTTP/1.1 304 X\r\n\r\n"},
		{"204", "HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n", http1.Asked{}, 1, true, "HTTP/1.1 204 X\r\n\r\n"},

		// To HTTP/1.0 clients.
		{"HTTP/1.0 keep-alive", ok + "Content-Length: 5\r\n\r\n", http1.Asked{}, 0, true, ok + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"},
		{"HTTP/1.0 gets no chunks", ok + "Transfer-Encoding: chunked\r\n\r\n", http1.Asked{}, 0, false, ok + "Connection: close\r\n\r\n"},
		{"HTTP/1.0 until close", ok + "\r\n", http1.Asked{}, 0, false, ok + "Connection: close\r\n\r\n"},
		{"HTTP/1.0 HEAD", ok + "Content-Length: 5\r\n\r\n", head, 0, true, ok + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"},

		// Informational.
		{"100", "HTTP/1.1 100 Continue\r\n\r\n", http1.Asked{}, 1, true, "HTTP/1.1 100 Continue\r\n\r\n"},
		{"103 on a connection that will end", "HTTP/1.1 103 Early\r\nLink: </a>\r\nContent-Length: 3\r\n\r\n", http1.Asked{}, 1, false, "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"},
		{"101", "HTTP/1.1 101 X\r\nupgrade: WebSocket\r\nconnection: upgrade\r\nSec-WebSocket-Accept: k\r\n\r\n", http1.Asked{WebSocket: true}, 1, true, "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := response(t, tc.in, tc.asked)
			got := AppendResponse(nil, r, &ResponseOptions{ClientMinor: tc.minor, KeepAlive: tc.keep, Framing: ClientFraming(r, tc.minor)})
			if d := cmp.Diff(tc.want, string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNodeHeaderIsOurs(t *testing.T) {
	r := response(t, "HTTP/1.1 200 OK\r\nx-node: forged\r\nX-Node-Name: y\r\nX: z\r\nContent-Length: 0\r\n\r\n", http1.Asked{})
	got := AppendResponse(nil, r, &ResponseOptions{ClientMinor: 1, KeepAlive: true, Framing: http1.Length, NodeHeader: []byte("X-Node: n1\r\n")})
	want := "HTTP/1.1 200 OK\r\nX-Node-Name: y\r\nX: z\r\nX-Node: n1\r\nContent-Length: 0\r\n\r\n"
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func BenchmarkResponse(b *testing.B) {
	r := response(b, "HTTP/1.1 200 OK\r\nServer: x\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 612\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\n\r\n", http1.Asked{})
	opts := &ResponseOptions{ClientMinor: 1, KeepAlive: true, Framing: http1.Length, NodeHeader: []byte("X-Node: n1\r\n")}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendResponse(buf[:0], r, opts)
	}
}
