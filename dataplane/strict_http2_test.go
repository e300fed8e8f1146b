package dataplane

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lbd/internal/testutil/pki"
)

// http2Vector is a request over HTTP/2, on the first stream of a connection.
type http2Vector struct {
	name     string
	fields   []string // name and value in turns
	body     string   // DATA; "" is none
	trailers []string
	client   string // status, "reset CODE" or "goaway CODE"
	member   string // the request that arrives; "" is none
}

// asks is a GET with more fields; those given take the place of the four that are
// always there, and one without a value takes it away.
func asks(more ...string) []string {
	fields := []string{":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/"}
	for i := 0; i < len(more); i += 2 {
		at := -1
		for j := 0; j < len(fields); j += 2 {
			if fields[j] == more[i] && strings.HasPrefix(more[i], ":") {
				at = j
			}
		}
		switch {
		case at < 0:
			fields = append(fields, more[i], more[i+1])
		case more[i+1] == "":
			fields = append(fields[:at:at], fields[at+2:]...)
		default:
			fields[at+1] = more[i+1]
		}
	}
	return fields
}

// malformed are requests that end their stream and nothing else (RFC 9113 section 8.1.1).
func malformed(requests ...[]string) (all []http2Vector) {
	for _, r := range requests {
		all = append(all, http2Vector{name: strings.Join(r, " "), fields: r, client: "reset PROTOCOL_ERROR"})
	}
	return all
}

const plainH2 = "GET / HTTP/1.1↵Host: a↵↵"

var http2Vectors = append(malformed(
	// Pseudo-header fields (sections 8.3 and 8.3.1).
	[]string{"x", "y"},
	asks(":method", ""),
	asks(":scheme", ""),
	asks(":scheme", "https\r\nx: y"),
	asks(":scheme", "https\x00"),
	asks(":scheme", "ht tp"),
	asks(":scheme", "2https"),
	asks(":path", ""),
	asks(":authority", ""), // and no host
	append(asks(), ":method", "GET"),
	append(asks(), ":path", "/b"),
	append(asks(), ":scheme", "https"),
	append(asks(), ":authority", "a"),
	append(asks(), ":status", "200"),
	append(asks(), ":protocol", "websocket"),
	append(asks(), ":foo", "bar"),
	append(asks(), ":", "x"),
	append([]string{"x", "y"}, asks()...),
	append(asks("x", "y"), ":authority", "a"),
	append(asks(), ":Method", "GET"),
	[]string{":method", "", ":scheme", "https", ":authority", "a", ":path", "/"},
	[]string{":method", "GET", ":scheme", "https", ":authority", "a", ":path", ""},
	[]string{":method", "GET", ":scheme", "https", ":authority", "", ":path", "/"},
	asks(":path", "a"),
	asks(":path", "?a"),
	asks(":path", "https://a/"),
	asks(":path", "*"),
	asks(":path", "/ b"),
	asks(":path", "/ HTTP/1.1\r\nX: y\r\n\r\nGET /"),
	asks(":path", "/\tb"),
	asks(":path", "/\x00"),
	asks(":path", "/\xc3\xa9"),
	asks(":method", "G T"),
	asks(":method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"),
	asks(":method", "G\x00T"),
	asks(":method", "G@T"),
	asks(":authority", "a b"),
	asks(":authority", "a\r\nX: y"),
	asks(":authority", "a\x00"),
	asks("host", "b"),
	asks("host", "a:443"),
	asks("host", "a", "host", "a"),
	asks(":authority", "", "host", "a", "host", "b"),
	asks(":method", "CONNECT"),
	asks(":method", "CONNECT", ":scheme", ""),
	asks(":method", "CONNECT", ":scheme", "", ":path", "", ":authority", ""),

	// Names and values (section 8.2.1).
	asks("X", "y"),
	asks("x-Y", "z"),
	asks("", "y"),
	asks("x y", "z"),
	asks("x:y", "z"),
	asks("x\r\ny", "z"),
	asks("x\x00", "z"),
	asks("x\x7f", "z"),
	asks("\xc3\xa4", "z"),
	asks("x(y)", "z"),
	asks("x", "a\rb"),
	asks("x", "a\nb"),
	asks("x", "a\r\nb: c"),
	asks("x", "a\x00b"),
	asks("x", " a"),
	asks("x", "a "),
	asks("x", "\ta"),
	asks("x", "a\t"),

	// Connection-specific fields (section 8.2.2).
	asks("connection", "close"),
	asks("connection", "x", "x", "y"),
	asks("connection", ""),
	asks("proxy-connection", "keep-alive"),
	asks("keep-alive", "timeout=5"),
	asks("transfer-encoding", "chunked"),
	asks("transfer-encoding", "identity"),
	asks("transfer-encoding", "trailers"),
	asks("upgrade", "h2c"),
	asks("te", "gzip"),
	asks("te", "trailers, gzip"),
	asks("te", "trailers;q=1"),

	// Lengths (section 8.1.1).
	asks("content-length", "3"),
	asks("content-length", "+0"),
	asks("content-length", "-0"),
	asks("content-length", "0x0"),
	asks("content-length", ""),
	asks("content-length", "0, 0"),
	asks("content-length", "0 0"),
	asks("content-length", "0", "content-length", "1"),
	asks("content-length", "9223372036854775808"),
	asks("content-length", "18446744073709551616"),
	asks("content-length", "zero"),
), []http2Vector{
	{name: "plain", fields: asks(), client: "200", member: plainH2},
	{name: "fields", fields: asks("x", "y", "x", "\xe4 z", "y", ""), client: "200", member: "GET / HTTP/1.1↵Host: a↵x: y↵x: \xe4 z↵y: ↵↵"},
	{name: "query", fields: asks(":path", "/a/../b%2f?c=%zz"), client: "200", member: "GET /a/../b%2f?c=%zz HTTP/1.1↵Host: a↵↵"},
	{name: "host alone", fields: asks(":authority", "", "host", "b"), client: "200", member: "GET / HTTP/1.1↵Host: b↵↵"},
	{name: "host as authority", fields: asks("host", "A"), client: "200", member: "GET / HTTP/1.1↵Host: A↵↵"},
	{name: "OPTIONS of all", fields: asks(":method", "OPTIONS", ":path", "*"), client: "200", member: "OPTIONS * HTTP/1.1↵Host: a↵↵"},
	{name: "crumbs", fields: asks("cookie", "a=b", "x", "y", "cookie", "c=d"), client: "200", member: "GET / HTTP/1.1↵Host: a↵x: y↵cookie: a=b; c=d↵↵"},
	{name: "te", fields: asks("te", "trailers"), client: "200", member: "GET / HTTP/1.1↵Host: a↵TE: trailers↵Connection: TE↵↵"},
	{name: "length 0", fields: asks("content-length", "0"), client: "200", member: "GET / HTTP/1.1↵Host: a↵Content-Length: 0↵↵"},
	{name: "body", fields: asks(":method", "POST"), body: "abc", client: "200", member: "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵0↵↵"},
	{name: "body of known length", fields: asks(":method", "POST", "content-length", "3"), body: "abc", client: "200", member: "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵↵abc"},
	{name: "no body", fields: asks(":method", "POST"), client: "200", member: "POST / HTTP/1.1↵Host: a↵Content-Length: 0↵↵"},
	{name: "more than the length", fields: asks(":method", "POST", "content-length", "2"), body: "abc", client: "reset PROTOCOL_ERROR"},
	{name: "less than the length", fields: asks(":method", "POST", "content-length", "4"), body: "abc", client: "reset PROTOCOL_ERROR"},
	{name: "two lengths, the last is true", fields: asks(":method", "POST", "content-length", "4", "content-length", "3"), body: "abc", client: "reset PROTOCOL_ERROR"},
	{name: "two lengths, the first is true", fields: asks(":method", "POST", "content-length", "3", "content-length", "4"), body: "abc", client: "reset PROTOCOL_ERROR"},
	{name: "a request for a body", fields: asks(":method", "POST", "content-length", "33"), body: "GET /next HTTP/1.1\r\nHost: a\r\n\r\nxx", client: "200", member: "POST / HTTP/1.1↵Host: a↵Content-Length: 33↵↵GET /next HTTP/1.1↵Host: a↵↵xx"},
	{name: "chunks for a body", fields: asks(":method", "POST"), body: "0\r\n\r\nGET /next", client: "200", member: "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵e↵0↵↵GET /next↵0↵↵"},
	{name: "trailers", fields: asks(":method", "POST"), body: "abc", trailers: []string{"x", "y"}, client: "200", member: "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵0↵x: y↵↵"},
	{name: "trailers that must not come", fields: asks(":method", "POST"), body: "abc", trailers: []string{"content-length", "9", "x", "y", "host", "b"}, client: "200", member: "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵0↵x: y↵↵"},
	{name: "pseudo in trailers", fields: asks(":method", "POST"), body: "abc", trailers: []string{":path", "/b"}, client: "reset PROTOCOL_ERROR"},
	{name: "capitals in trailers", fields: asks(":method", "POST"), body: "abc", trailers: []string{"X", "y"}, client: "reset PROTOCOL_ERROR"},
	{name: "connection in trailers", fields: asks(":method", "POST"), body: "abc", trailers: []string{"connection", "close"}, client: "reset PROTOCOL_ERROR"},
	{name: "line end in trailers", fields: asks(":method", "POST"), body: "abc", trailers: []string{"x", "a\r\nb"}, client: "reset PROTOCOL_ERROR"},

	// What HTTP/1.1 would refuse is refused likewise.
	{name: "CONNECT", fields: asks(":method", "CONNECT", ":scheme", "", ":path", "", ":authority", "a:443"), client: "405"},
	{name: "fragment", fields: asks(":path", "/#b"), client: "400"},
	{name: "half an escape", fields: asks(":path", "/%4"), client: "400"},
	{name: "userinfo", fields: asks(":authority", "u@a"), client: "400"},
	{name: "list of authorities", fields: asks(":authority", "a,b"), client: "400"},
	{name: "bad port", fields: asks(":authority", "a:x"), client: "400"},
	{name: "expectation", fields: asks("expect", "x"), client: "417"},
	{name: "TRACE with a body", fields: asks(":method", "TRACE"), body: "abc", client: "400"},
	{name: "long field", fields: asks("x", strings.Repeat("y", 17<<10)), client: "431"},
	{name: "many fields", fields: asks(strings.Split(strings.Repeat("x,y,", 201)+"x,y", ",")...), client: "431"},
	{name: "long path", fields: asks(":path", "/"+strings.Repeat("y", 17<<10)), client: "414"},
	{name: "long method", fields: asks(":method", strings.Repeat("M", 33)), client: "400"},
	{name: "Max-Forwards", fields: asks(":method", "OPTIONS", "max-forwards", "0"), client: "200"},
	{name: "proxy's credentials", fields: asks("proxy-authorization", "x"), client: "200", member: plainH2},
	{name: "underscores", fields: asks("content_length", "9", "transfer_encoding", "chunked"), client: "200", member: plainH2},
}...)

// h2Wire is a client that speaks HTTP/2 frame by frame.
type h2Wire struct {
	net.Conn
	fr  *http2.Framer
	enc *hpack.Encoder
	blk bytes.Buffer

	last []hpack.HeaderField // fields of the last answer
}

// dialHTTP2 connects and says hello.
func (e *edge) dialHTTP2() *h2Wire {
	e.t.Helper()
	c := tls.Client(dial(e.t, e.addr), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	c.SetDeadline(time.Now().Add(e.wait))
	w := &h2Wire{Conn: c, fr: http2.NewFramer(c, c)}
	w.fr.AllowIllegalWrites = true
	w.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.enc = hpack.NewEncoder(&w.blk)
	io.WriteString(c, http2.ClientPreface)
	w.fr.WriteSettings()
	return w
}

// block encodes fields.
func (w *h2Wire) block(fields []string) []byte {
	w.blk.Reset()
	for i := 0; i < len(fields); i += 2 {
		w.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(w.blk.Bytes())
}

// headers sends a header block, in as many frames as it takes.
func (w *h2Wire) headers(id uint32, end bool, fields []string) {
	b := w.block(fields)
	n := min(len(b), 16<<10)
	w.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b[:n], EndStream: end, EndHeaders: n == len(b)})
	for b = b[n:]; len(b) > 0; b = b[n:] {
		n = min(len(b), 16<<10)
		w.fr.WriteContinuation(id, n == len(b), b[:n])
	}
}

// outcome is what becomes of stream id, in http2Vector.client's form.
func (w *h2Wire) outcome(id uint32) string {
	status := "none"
	for {
		f, err := w.fr.ReadFrame()
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id && f.PseudoValue("status") != "" {
				status, w.last = f.PseudoValue("status"), f.Fields
			}
			if f.StreamID == id && f.StreamEnded() {
				return status
			}
		case *http2.DataFrame:
			if f.StreamID == id && f.StreamEnded() {
				return status
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "reset " + f.ErrCode.String()
			}
		case *http2.GoAwayFrame:
			return "goaway " + f.ErrCode.String()
		}
		if err != nil {
			return "end: " + err.Error()
		}
	}
}

// http2Edge is an edge that ends TLS on either engine's run.
func http2Edge(t *testing.T) (*edge, <-chan string) {
	member, seen := scribe(t)
	e := &edge{t: t, addr: freeAddr(t), wait: 10 * time.Second}
	start(t, Config{Keys: clear{}, Loops: 1}, https(keep(web(e.addr, member), pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")), nil))
	return e, seen
}

func TestHTTP2Vectors(t *testing.T) {
	e, seen := http2Edge(t)
	for _, v := range http2Vectors {
		w := e.dialHTTP2()
		w.headers(1, v.body == "", v.fields)
		if v.body != "" {
			w.fr.WriteData(1, v.trailers == nil, []byte(v.body))
		}
		if v.trailers != nil {
			w.headers(1, true, v.trailers)
		}
		if got := w.outcome(1); got != v.client {
			t.Errorf("%.200q: the client got %q, want %q", v.name, got, v.client)
		}
		var want []string
		if v.member != "" {
			want = []string{v.member}
		}
		if got := pending(seen); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.200q: the member got\n%q, want\n%q", v.name, got, want)
		}
		w.headers(3, true, asks(":path", "/probe")) // one stream's fault is not the connection's
		if got := w.outcome(3); got != "200" {
			t.Errorf("%.200q: the next stream got %q", v.name, got)
		}
		w.Close()
	}
}

// Frames that break the connection (RFC 9113 sections 4 to 6), or a stream.
func TestHTTP2Frames(t *testing.T) {
	get := func(w *h2Wire) { w.headers(1, true, asks()) }
	post := func(w *h2Wire) { w.headers(1, false, asks(":method", "POST")) }
	raw := func(typ http2.FrameType, flags http2.Flags, id uint32, payload string) func(*h2Wire) {
		return func(w *h2Wire) { w.fr.WriteRawFrame(typ, flags, id, []byte(payload)) }
	}
	setting := func(id http2.SettingID, v uint32) func(*h2Wire) {
		return func(w *h2Wire) { w.fr.WriteSettings(http2.Setting{ID: id, Val: v}) }
	}
	all := func(steps ...func(*h2Wire)) func(*h2Wire) {
		return func(w *h2Wire) {
			for _, s := range steps {
				s(w)
			}
		}
	}
	const (
		ended = http2.FlagHeadersEndStream
		whole = http2.FlagHeadersEndHeaders
	)
	e, _ := http2Edge(t)
	for name, tc := range map[string]struct {
		send func(*h2Wire)
		want string // of stream 1
	}{
		"unknown type":                    {all(raw(0xbe, 0xff, 0, "x"), raw(0xbe, 0, 7, "x"), get), "200"},
		"unknown setting":                 {all(setting(0xff, 1), get), "200"},
		"PING":                            {all(raw(http2.FramePing, 0, 0, "12345678"), get), "200"},
		"PING acknowledged":               {all(raw(http2.FramePing, http2.FlagPingAck, 0, "12345678"), get), "200"},
		"PRIORITY of an idle stream":      {all(raw(http2.FramePriority, 0, 9, "\x00\x00\x00\x00\x00"), get), "200"},
		"GOAWAY of the client":            {all(raw(http2.FrameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00"), get), "200"},
		"padding":                         {func(w *h2Wire) { post(w); w.fr.WriteDataPadded(1, true, []byte("abc"), make([]byte, 200)) }, "200"},
		"empty DATA that ends":            {func(w *h2Wire) { post(w); w.fr.WriteData(1, true, nil) }, "200"},
		"flags that mean nothing":         {func(w *h2Wire) { w.fr.WriteRawFrame(http2.FrameHeaders, ended|whole|0xc2&^0x8, 1, w.block(asks())) }, "200"},
		"DATA on stream 0":                {raw(http2.FrameData, 0, 0, "x"), "goaway PROTOCOL_ERROR"},
		"HEADERS on stream 0":             {raw(http2.FrameHeaders, ended|whole, 0, "\x82"), "goaway PROTOCOL_ERROR"},
		"RST_STREAM on stream 0":          {raw(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x00"), "goaway PROTOCOL_ERROR"},
		"PRIORITY on stream 0":            {raw(http2.FramePriority, 0, 0, "\x00\x00\x00\x00\x00"), "goaway PROTOCOL_ERROR"},
		"CONTINUATION on stream 0":        {raw(http2.FrameContinuation, 0, 0, ""), "goaway PROTOCOL_ERROR"},
		"SETTINGS on a stream":            {raw(http2.FrameSettings, 0, 1, ""), "goaway PROTOCOL_ERROR"},
		"PING on a stream":                {raw(http2.FramePing, 0, 1, "12345678"), "goaway PROTOCOL_ERROR"},
		"GOAWAY on a stream":              {raw(http2.FrameGoAway, 0, 1, "\x00\x00\x00\x00\x00\x00\x00\x00"), "goaway PROTOCOL_ERROR"},
		"PUSH_PROMISE":                    {raw(http2.FramePushPromise, 0x4, 1, "\x00\x00\x00\x02\x82"), "goaway PROTOCOL_ERROR"},
		"even stream":                     {func(w *h2Wire) { w.headers(2, true, asks()) }, "goaway PROTOCOL_ERROR"},
		"DATA of an idle stream":          {raw(http2.FrameData, 0, 1, "x"), "goaway PROTOCOL_ERROR"},
		"RST_STREAM of an idle stream":    {raw(http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x00"), "goaway PROTOCOL_ERROR"},
		"WINDOW_UPDATE of an idle stream": {raw(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x01"), "goaway PROTOCOL_ERROR"},
		"stream that goes back":           {func(w *h2Wire) { w.headers(5, true, asks()); w.headers(3, true, asks()) }, "goaway STREAM_CLOSED"},
		"CONTINUATION alone":              {all(post, raw(http2.FrameContinuation, whole, 1, "")), "goaway PROTOCOL_ERROR"},
		"DATA inside a header block": {func(w *h2Wire) {
			w.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, w.block(asks()))
			w.fr.WriteData(1, true, nil)
		}, "goaway PROTOCOL_ERROR"},
		"other HEADERS inside a block": {func(w *h2Wire) {
			w.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, w.block(asks()))
			w.headers(3, true, asks())
		}, "goaway PROTOCOL_ERROR"},
		"other's CONTINUATION": {func(w *h2Wire) {
			w.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, w.block(asks()))
			w.fr.WriteContinuation(3, true, nil)
		}, "goaway PROTOCOL_ERROR"},
		"padding longer than the frame":     {all(post, raw(http2.FrameData, http2.FlagDataPadded, 1, "\x05ab")), "goaway PROTOCOL_ERROR"},
		"padding longer than the block":     {raw(http2.FrameHeaders, ended|whole|http2.FlagHeadersPadded, 1, "\x05\x82"), "goaway PROTOCOL_ERROR"},
		"padding of DATA without a length":  {all(post, raw(http2.FrameData, http2.FlagDataPadded, 1, "")), "goaway FRAME_SIZE_ERROR"},
		"padding of a block without length": {raw(http2.FrameHeaders, ended|whole|http2.FlagHeadersPadded, 1, ""), "goaway FRAME_SIZE_ERROR"},
		"priority that is too short":        {raw(http2.FrameHeaders, ended|whole|http2.FlagHeadersPriority, 1, "abc"), "goaway FRAME_SIZE_ERROR"},
		"PING of 7 bytes":                   {raw(http2.FramePing, 0, 0, "1234567"), "goaway FRAME_SIZE_ERROR"},
		"RST_STREAM of 3 bytes":             {all(post, raw(http2.FrameRSTStream, 0, 1, "\x00\x00\x00")), "goaway FRAME_SIZE_ERROR"},
		"WINDOW_UPDATE of 3 bytes":          {raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x01"), "goaway FRAME_SIZE_ERROR"},
		"SETTINGS of 5 bytes":               {raw(http2.FrameSettings, 0, 0, "12345"), "goaway FRAME_SIZE_ERROR"},
		"SETTINGS acknowledged with bytes":  {raw(http2.FrameSettings, http2.FlagSettingsAck, 0, "123456"), "goaway FRAME_SIZE_ERROR"},
		"frame too large":                   {all(post, raw(http2.FrameData, 0, 1, strings.Repeat("x", 16<<10+1))), "goaway FRAME_SIZE_ERROR"},
		"SETTINGS_ENABLE_PUSH 2":            {setting(http2.SettingEnablePush, 2), "goaway PROTOCOL_ERROR"},
		"SETTINGS_INITIAL_WINDOW_SIZE 2^31": {setting(http2.SettingInitialWindowSize, 1<<31), "goaway FLOW_CONTROL_ERROR"},
		"SETTINGS_MAX_FRAME_SIZE 16383":     {setting(http2.SettingMaxFrameSize, 16<<10-1), "goaway PROTOCOL_ERROR"},
		"SETTINGS_MAX_FRAME_SIZE 2^24":      {setting(http2.SettingMaxFrameSize, 1<<24), "goaway PROTOCOL_ERROR"},
		"window opened by 0":                {raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), "goaway PROTOCOL_ERROR"},
		"window of a stream opened by 0":    {all(post, raw(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00")), "reset PROTOCOL_ERROR"},
		"window beyond 2^31-1":              {raw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), "goaway FLOW_CONTROL_ERROR"},
		"window of a stream beyond 2^31-1":  {all(post, raw(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\xff\xff")), "reset FLOW_CONTROL_ERROR"},
		"stream that waits for itself": {func(w *h2Wire) {
			w.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.block(asks()), EndStream: true, EndHeaders: true, Priority: http2.PriorityParam{StreamDep: 1, Weight: 1}})
		}, "reset PROTOCOL_ERROR"},
		"second block that does not end":      {func(w *h2Wire) { post(w); w.headers(1, false, []string{"x", "y"}) }, "reset PROTOCOL_ERROR"},
		"bad index":                           {raw(http2.FrameHeaders, ended|whole, 1, "\xff\xff\x7f"), "goaway COMPRESSION_ERROR"},
		"index 0":                             {raw(http2.FrameHeaders, ended|whole, 1, "\x80"), "goaway COMPRESSION_ERROR"},
		"block that stops short":              {raw(http2.FrameHeaders, ended|whole, 1, "\x82\x00"), "goaway COMPRESSION_ERROR"},
		"bad Huffman code":                    {raw(http2.FrameHeaders, ended|whole, 1, "\x82\x00\x81\xff\x81\xff"), "goaway COMPRESSION_ERROR"},
		"table larger than allowed":           {raw(http2.FrameHeaders, ended|whole, 1, "\x3f\xe2\x1f\x82"), "goaway COMPRESSION_ERROR"},
		"first frame is no SETTINGS (HTTP/1)": {func(w *h2Wire) { io.WriteString(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }, "goaway FRAME_SIZE_ERROR"},
	} {
		w := e.dialHTTP2()
		go tc.send(w)
		if got := w.outcome(1); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		w.Close()
	}
}

// The answers of members that the vectors for HTTP/1.1 have, to a client that speaks
// HTTP/2: the same verdicts, nothing of a connection's own, and the next stream is served.
func TestAnswerVectorsOverHTTP2(t *testing.T) {
	p := &player{}
	e := &edge{t: t, addr: freeAddr(t), wait: 60 * time.Second}
	start(t, Config{Keys: clear{}, Loops: 1}, https(keep(web(e.addr, backend(t, p.serve).addr), pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")), nil))
	w := e.dialHTTP2()
	id := uint32(1)
	for i := range answerVectors {
		v := &answerVectors[i]
		if v.ask != "" { // of HTTP/1.0, HEAD and upgrades
			continue
		}
		p.now.Store(v)
		want := v.client
		switch at := strings.LastIndex(want, "HTTP/1.1 "); {
		case want == "✂":
			want = "reset INTERNAL_ERROR"
		case at >= 0 && !strings.HasSuffix(want, "502"):
			want = want[at+9 : at+12]
		default:
			want = "502"
		}
		w.headers(id, true, asks(":path", "/v"))
		if got := w.outcome(id); got != want {
			t.Errorf("%.200q: the client got %q, want %q", v.name, got, want)
			w.Close()
			w, id = e.dialHTTP2(), 1
			continue
		}
		for _, f := range w.last {
			switch f.Name {
			case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te":
				t.Errorf("%.200q: the client got %s", v.name, f)
			}
		}
		id += 2
		w.headers(id, true, asks(":path", "/probe"))
		if got := w.outcome(id); got != "200" {
			t.Errorf("%.200q: the next stream got %q", v.name, got)
		}
		id += 2
	}
	w.Close()
}
