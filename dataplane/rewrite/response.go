package rewrite

import (
	"strconv"

	"lbd/dataplane/http1"
)

// ResponseOptions are what an answer's head depends on besides itself.
type ResponseOptions struct {
	// ClientMinor is the request's HTTP minor version; 0 gets no chunks.
	ClientMinor int
	// KeepAlive: the client's connection goes on after this answer.
	KeepAlive bool
	// Framing towards the client: see ClientFraming.
	Framing http1.Framing
	// NodeHeader is a whole line "Name: value\r\n" that names the node, or nil. A
	// field of that name in the member's answer is left out.
	NodeHeader []byte
	// Strict is a whole Strict-Transport-Security line, or nil. It takes the place of
	// the member's.
	Strict []byte
	// Lines are whole lines of ours to add, or nil; not to informational answers.
	Lines []byte
	// HideCookie names a cookie that only we may set; "" for none.
	HideCookie string
	// Date makes the Date line of a final answer that has none (RFC 9110 section
	// 6.6.1); nil: it goes without.
	Date func() []byte
}

// ClientFraming is how the body of r goes to a client of that HTTP minor
// version. UntilClose means that the client's connection must end with it.
func ClientFraming(r *http1.Response, clientMinor int) http1.Framing {
	switch r.Framing {
	case http1.Chunks, http1.UntilClose:
		if clientMinor == 0 {
			return http1.UntilClose
		}
		return http1.Chunks
	}
	return r.Framing
}

func (o *ResponseOptions) namesNode(name []byte) bool {
	n := len(name)
	return n < len(o.NodeHeader) && o.NodeHeader[n] == ':' && sameFold(name, o.NodeHeader[:n])
}

func (o *ResponseOptions) replaces(name []byte) bool {
	return len(o.Strict) > 0 && http1.Is(name, "strict-transport-security")
}

// AppendResponse appends the head of r as the client gets it, with the empty line.
func AppendResponse(dst []byte, r *http1.Response, o *ResponseOptions) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(r.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, r.Reason...)
	dst = append(dst, '\r', '\n')
	dated := r.Status < 200 || o.Date == nil
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) == 4 && http1.Is(f.Name, "date") && !r.Nominated(f.Name) {
			dated = true
		}
		if connectionField(f.Name) || r.Nominated(f.Name) || o.namesNode(f.Name) || o.replaces(f.Name) || o.HideCookie != "" && setsCookie(f, o.HideCookie) {
			continue
		}
		if len(f.Name) == 7 && http1.Is(f.Name, "trailer") && !(r.Framing == http1.Chunks && o.Framing == http1.Chunks && http1.MayAnnounce(f.Value)) {
			continue // what it announces does not come
		}
		dst = appendField(dst, f.Name, f.Value)
	}
	if !dated {
		dst = append(dst, o.Date()...)
	}
	dst = append(dst, o.NodeHeader...)
	if !r.Informational() {
		dst = append(dst, o.Strict...)
		dst = append(dst, o.Lines...)
	}
	switch {
	case r.Upgraded:
		return append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"...)
	case r.Informational():
		return append(dst, '\r', '\n')
	case o.Framing == http1.Chunks:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case o.Framing == http1.Length:
		dst = appendLength(dst, r.Length)
	case r.WouldBe >= 0: // HEAD, 304: what it would have been; or an empty body
		dst = appendLength(dst, r.WouldBe)
	}
	switch {
	case !o.KeepAlive || o.Framing == http1.UntilClose:
		dst = append(dst, "Connection: close\r\n"...)
	case o.ClientMinor == 0:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, '\r', '\n')
}
