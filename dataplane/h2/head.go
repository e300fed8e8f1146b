package h2

import (
	"bytes"
	"errors"
	"strconv"

	"golang.org/x/net/http2/hpack"

	"lbd/dataplane/http1"
)

// errMalformed is a request that RFC 9113 section 8.1.1 calls malformed: its
// stream ends with PROTOCOL_ERROR.
var errMalformed = errors.New("malformed request")

// headList collects a header block, field by field, within bounds.
type headList struct {
	fields []hpack.HeaderField
	size   int  // as RFC 9113 section 6.5.2 counts it
	over   bool // a bound was passed: the rest was decoded and dropped
	bad    bool // a name or value that HTTP does not allow
	last   bool // a regular field was seen: no pseudo field may follow

	method, scheme, authority, path string
	pseudo                          int // how many
}

func (h *headList) reset() { *h = headList{fields: h.fields[:0]} }

// release lets go of what the fields hold: the connection may be idle for long.
func (h *headList) release() {
	clear(h.fields)
	h.reset()
	if cap(h.fields) > keptFields {
		h.fields = nil
	}
}

// add takes one decoded field.
func (h *headList) add(f hpack.HeaderField, lim *http1.Limits) {
	h.size += int(f.Size())
	if h.over = h.over || h.size > lim.Head || len(h.fields) > lim.Fields; h.over {
		return
	}
	if len(f.Name) > 0 && f.Name[0] == ':' {
		h.addPseudo(f)
		return
	}
	h.last = true
	if !fieldName(f.Name) || !fieldValue(f.Value) {
		h.bad = true
		return
	}
	if len(f.Name)+len(f.Value) > lim.Field-4 {
		h.over = true
		return
	}
	h.fields = append(h.fields, f)
}

func (h *headList) addPseudo(f hpack.HeaderField) {
	into := map[string]*string{":method": &h.method, ":scheme": &h.scheme, ":authority": &h.authority, ":path": &h.path}[f.Name]
	if into == nil || *into != "" || h.last || f.Value == "" {
		h.bad = true
		return
	}
	*into = f.Value
	h.pseudo++
}

// fieldName: a lower-case token (RFC 9113 section 8.2.1).
func fieldName(s string) bool {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return http1.IsToken([]byte(s))
}

// fieldValue: nothing that could end a line, and no white space at the ends.
func fieldValue(s string) bool {
	if s == "" {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	return !blank(s[0]) && !blank(s[len(s)-1])
}

// scheme reports whether s is one by its form (RFC 3986 section 3.1).
func scheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// visible reports whether s may stand in a request line.
func visible(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return s != ""
}

// body says how a request's body is framed in HTTP/1.1.
type bodyKind uint8

const (
	noBody bodyKind = iota
	lengthBody
	chunkedBody
)

// request is what a header block says: its HTTP/1.1 form, and what the stream
// must keep to.
type request struct {
	head   []byte
	body   bodyKind
	length int64 // with lengthBody
	isHead bool  // the method is HEAD
}

// translate makes the HTTP/1.1 form of a request. ended: the block ended the
// stream. An error is errMalformed.
func (h *headList) translate(ended bool) (request, error) {
	var r request
	if h.bad || h.pseudo == 0 || !visible(h.method) || !http1.IsToken([]byte(h.method)) {
		return r, errMalformed
	}
	target := h.path
	if h.method == "CONNECT" { // RFC 9113 section 8.5
		if h.scheme != "" || h.path != "" || h.authority == "" {
			return r, errMalformed
		}
		target = h.authority
	} else if !scheme(h.scheme) || !visible(h.path) || h.path[0] != '/' && (h.path != "*" || h.method != "OPTIONS") {
		return r, errMalformed
	}
	host, err := h.host()
	if err != nil {
		return r, err
	}
	length := int64(-1)
	var cookie []byte
	out := make([]byte, 0, h.size+64)
	out = append(out, h.method...)
	out = append(out, ' ')
	out = append(out, target...)
	out = append(out, " HTTP/1.1\r\nhost: "...)
	out = append(out, host...)
	out = append(out, "\r\n"...)
	for i := range h.fields {
		f := &h.fields[i]
		switch f.Name {
		case "host":
			continue
		case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
			return r, errMalformed // RFC 9113 section 8.2.2
		case "te":
			if f.Value != "trailers" {
				return r, errMalformed
			}
			out = append(out, "te: trailers\r\nconnection: te\r\n"...)
			continue
		case "content-length":
			n, err := strconv.ParseUint(f.Value, 10, 63)
			if err != nil || length >= 0 && length != int64(n) {
				return r, errMalformed
			}
			length = int64(n)
			continue
		case "cookie": // RFC 9113 section 8.2.3: crumbs become one field again
			if cookie != nil {
				cookie = append(cookie, "; "...)
			}
			cookie = append(cookie, f.Value...)
			continue
		}
		out = appendField(out, f.Name, f.Value)
	}
	if cookie != nil {
		out = append(append(append(out, "cookie: "...), cookie...), "\r\n"...)
	}
	switch {
	case length > 0 && ended:
		return r, errMalformed // RFC 9113 section 8.1.1
	case length >= 0:
		out = append(strconv.AppendInt(append(out, "content-length: "...), length, 10), "\r\n"...)
		r.body, r.length = lengthBody, length
	case !ended:
		out = append(out, "transfer-encoding: chunked\r\n"...)
		r.body = chunkedBody
	}
	r.head = append(out, "\r\n"...)
	r.isHead = h.method == "HEAD"
	return r, nil
}

// host is the authority of the request: what Host says must not differ.
func (h *headList) host() (string, error) {
	host, seen := h.authority, false
	for i := range h.fields {
		f := &h.fields[i]
		if f.Name != "host" {
			continue
		}
		if seen || h.authority != "" && !bytes.EqualFold([]byte(f.Value), []byte(h.authority)) {
			return "", errMalformed
		}
		host, seen = f.Value, true
	}
	if !visible(host) {
		return "", errMalformed
	}
	return host, nil
}

// trailers makes the end of a chunked body, with the fields as its trailers.
func (h *headList) trailers() ([]byte, error) {
	if h.bad || h.over || h.pseudo > 0 {
		return nil, errMalformed
	}
	out := append(make([]byte, 0, h.size+16), "0\r\n"...)
	for i := range h.fields {
		f := &h.fields[i]
		switch f.Name {
		case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
			return nil, errMalformed
		}
		if http1.ForbiddenTrailer([]byte(f.Name)) {
			continue
		}
		out = appendField(out, f.Name, f.Value)
	}
	return append(out, "\r\n"...), nil
}

func appendField(out []byte, name, value string) []byte {
	out = append(out, name...)
	out = append(out, ": "...)
	out = append(out, value...)
	return append(out, "\r\n"...)
}
