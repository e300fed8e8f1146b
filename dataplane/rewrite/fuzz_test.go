package rewrite

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/dataplane/http1"
)

var (
	fuzzLimits = http1.Limits{RequestLine: 2000, Field: 3000, Head: 8000, Fields: 40, ChunkLine: 40, Trailers: 120, TrailerN: 4}
	// What is written may be longer than what was read: ": " for ":", and own lines.
	writtenLimits = http1.Limits{RequestLine: 2100, Field: 3100, Head: 10000, Fields: 60, ChunkLine: 40, Trailers: 120, TrailerN: 4}
)

// FuzzRoundTrip: what a member gets is read as exactly the same request by our own
// parser and by net/http, and the forwarding headers in it are ours.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	forward := everything(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		var r, again http1.Request
		if n, err := r.Parse(in, &fuzzLimits); n == 0 || err != nil {
			return
		}
		out := AppendRequest(nil, &r, &RequestOptions{Client: client, Local: local, Forward: forward})
		n, err := again.Parse(out, &writtenLimits)
		if err != nil || n != len(out) {
			t.Fatalf("written %q: n=%d, err=%v", out, n, err)
		}
		host := string(r.Host)
		if host == "" {
			host = local.String()
		}
		if !bytes.Equal(r.Method, again.Method) || !bytes.Equal(r.Path, again.Path) || !bytes.Equal(r.Query, again.Query) || host != string(again.Host) {
			t.Fatalf("read %q, written %q", in, out)
		}
		if r.Framing != again.Framing || r.Length != again.Length || r.Expect100 != again.Expect100 || r.WebSocket != again.WebSocket || !again.KeepAlive || again.Minor != 1 {
			t.Fatalf("read %+v, written %q, read again %+v", r, out, again)
		}
		checkForwarding(t, again.Fields)
		checkNetHTTP(t, out, &again)
	})
}

// checkForwarding wants every inserted header once, as inserted, also in the eyes
// of a member that folds names together as CGI does.
func checkForwarding(t *testing.T, fields []http1.Field) {
	t.Helper()
	cgi := map[string][]string{}
	for _, f := range fields {
		name := strings.Map(func(c rune) rune {
			if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
				return c
			}
			return '-'
		}, strings.ToLower(string(f.Name)))
		cgi[name] = append(cgi[name], string(f.Value))
		if name == "x-forwarded-for" && !http1.Is(f.Name, name) {
			t.Fatalf("%q passes for the trail", f.Name)
		}
	}
	for line := range strings.Lines(everythingLines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		got := cgi[strings.ToLower(name)]
		if name == ForwardedFor && len(got) > 1 {
			got = got[len(got)-1:]
		}
		if !slices.Equal(got, []string{value}) {
			t.Fatalf("%s: %q", name, cgi[strings.ToLower(name)])
		}
	}
	for _, name := range []string{"content-length", "transfer-encoding", "host", "connection", "upgrade"} {
		if len(cgi[name]) > 1 {
			t.Fatalf("%s: %q", name, cgi[name])
		}
	}
}

// checkNetHTTP compares with what another parser makes of the written head.
func checkNetHTTP(t *testing.T, out []byte, r *http1.Request) {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(out)))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", out, err)
	}
	uri := string(r.Target)
	if req.Method != string(r.Method) || req.RequestURI != uri || req.Host != string(r.Host) || req.Proto != "HTTP/1.1" {
		t.Fatalf("written %q, net/http reads %s %s %s %s", out, req.Method, req.RequestURI, req.Host, req.Proto)
	}
	var length int64
	switch r.Framing {
	case http1.Chunks:
		length = -1
	case http1.Length:
		length = r.Length
	}
	if req.ContentLength != length || (len(req.TransferEncoding) > 0) != (length < 0) || req.Close {
		t.Fatalf("written %q, net/http reads length %d, %v, close %v", out, req.ContentLength, req.TransferEncoding, req.Close)
	}
	want := http.Header{}
	for _, f := range r.Fields {
		if !http1.Is(f.Name, "host") && !http1.Is(f.Name, "transfer-encoding") && !http1.Is(f.Name, "trailer") { // net/http moves the last
			want.Add(string(f.Name), string(f.Value))
		}
	}
	if p := want["Pragma"]; len(p) > 0 && p[0] == "no-cache" && want["Cache-Control"] == nil {
		want.Set("Cache-Control", "no-cache") // net/http adds it
	}
	if d := cmp.Diff(want, req.Header); d != "" {
		t.Fatalf("written %q: %s", out, d)
	}
}

// FuzzAnswerRoundTrip: what a client gets is read as the same answer by our own
// parser and by net/http.
func FuzzAnswerRoundTrip(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), false, true, false)
	node := []byte("X-Node: n1\r\n")
	f.Fuzz(func(t *testing.T, in []byte, head, websocket, old bool) {
		asked := http1.Asked{Head: head, WebSocket: websocket && !head}
		var r, again http1.Response
		if n, err := r.Parse(in, &fuzzLimits, asked); n == 0 || err != nil {
			return
		}
		minor := 1
		if old {
			minor = 0
		}
		framing := ClientFraming(&r, minor)
		keep := framing != http1.UntilClose
		out := AppendResponse(nil, &r, &ResponseOptions{ClientMinor: minor, KeepAlive: keep, Framing: framing, NodeHeader: node})
		n, err := again.Parse(out, &writtenLimits, asked)
		if err != nil || n != len(out) {
			t.Fatalf("written %q: n=%d, err=%v", out, n, err)
		}
		if r.Status != again.Status || !bytes.Equal(r.Reason, again.Reason) || framing != again.Framing || r.Length != again.Length || r.Upgraded != again.Upgraded {
			t.Fatalf("read %+v, written %q, read again %+v", r, out, again)
		}
		if r.Framing == http1.NoBody && r.WouldBe != again.WouldBe || keep != again.KeepAlive && !r.Upgraded {
			t.Fatalf("read %+v, written %q, read again %+v", r, out, again)
		}
		nodes := 0
		for _, f := range again.Fields {
			if http1.Is(f.Name, "x-node") {
				nodes++
			}
		}
		if nodes != 1 {
			t.Fatalf("written %q: %d node headers", out, nodes)
		}
		method := "GET"
		if head {
			method = "HEAD"
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", out, err)
		}
		if resp.StatusCode != r.Status || (len(resp.TransferEncoding) > 0) != (framing == http1.Chunks) {
			t.Fatalf("written %q, net/http reads %+v", out, resp)
		}
		if framing == http1.Length && resp.ContentLength != r.Length {
			t.Fatalf("written %q, net/http reads length %d", out, resp.ContentLength)
		}
	})
}
