package http1

import "bytes"

// Request is the head of a request. Its slices point into the buffer that was
// parsed. Use it again and again: the fields' memory is kept.
type Request struct {
	Method []byte
	Target []byte // as sent
	Path   []byte // origin-form without the query: "/a/b", or "*"
	Query  []byte // behind the "?"; nil when there is none
	Host   []byte // authority: from the target in absolute-form (Host is equal), else Host; empty only in HTTP/1.0
	Minor  int    // 0 or 1
	Fields []Field

	Framing Framing // NoBody, Length or Chunks
	Length  int64   // with Length

	KeepAlive bool // the client's connection may carry another request
	Expect100 bool // the client waits for 100 (Continue) before it sends the body
	WebSocket bool // upgrade to WebSocket asked for, correctly

	scan scanner
	c    common
}

// Reset forgets a head, also one of which only a part has come.
func (r *Request) Reset() {
	*r = Request{Fields: r.Fields[:0]}
}

// Parse reads a request head from the beginning of buf. n is its length with the
// empty line, and with empty lines before it; 0 with a nil error means that more
// is needed: call again with the same bytes and more behind them. A refusal is
// always a *Refusal. The call after either of the others begins a new head.
func (r *Request) Parse(buf []byte, lim *Limits) (n int, err error) {
	n, ref := r.scan.scan(buf, lim, true)
	if n == 0 {
		if err := r.scan.judge(buf, lim, ref, r.requestLine, requestChar); err != nil {
			ref = err
		}
		if ref == nil {
			return 0, nil
		}
	}
	skip := r.scan.skip
	r.Reset() // nothing of the request before may show through
	if ref == nil {
		ref = r.parse(buf[skip:n])
	}
	if ref != nil {
		return 0, ref
	}
	return n, nil
}

func (r *Request) parse(head []byte) *Refusal {
	l, rest := line(head)
	if err := r.requestLine(l); err != nil {
		return err
	}
	var err *Refusal
	if r.Fields, err = parseFields(r.Fields[:0], rest); err != nil {
		return err
	}
	if err := r.c.digest(r.Fields, r.Minor); err != nil {
		return err
	}
	if err := r.host(); err != nil {
		return err
	}
	return r.decide()
}

// requestLine reads "method SP target SP version", each SP exactly one
// (RFC 9112 section 3), from left to right: see early.
func (r *Request) requestLine(l []byte) *Refusal {
	r.Method, l, _ = word(l)
	switch {
	case len(r.Method) == 0:
		return errRequestLine
	case len(r.Method) > maxMethod || !all(r.Method, cToken):
		return errMethod
	}
	var more bool
	r.Target, l, more = word(l)
	switch {
	case len(r.Target) == 0:
		return errRequestLine
	case !all(r.Target, cTarget):
		return errTarget
	case !more:
		return errRequestLine
	}
	minor, err := version(l)
	if err != nil {
		return err
	}
	r.Minor = minor
	return r.target()
}

// word cuts off what is before the first SP; more says that there was one.
func word(l []byte) (w, rest []byte, more bool) {
	if i := bytes.IndexByte(l, ' '); i >= 0 {
		return l[:i], l[i+1:], true
	}
	return l, nil, false
}

// decide turns the fields into framing and connection behaviour.
func (r *Request) decide() *Refusal {
	switch {
	case r.c.hasCoding:
		r.Framing = Chunks
	case r.c.hasLength && r.c.length > 0:
		r.Framing, r.Length = Length, r.c.length
	default: // no body, or an empty one
		r.Framing, r.Length = NoBody, 0
	}
	if r.Framing != NoBody && string(r.Method) == "TRACE" {
		return errTraceBody
	}
	r.KeepAlive = r.c.persists(r.Minor)
	r.WebSocket = r.c.websocket() && r.Minor == 1 && string(r.Method) == "GET" && r.Framing == NoBody
	return r.expect()
}

// expect knows one expectation (RFC 9110 section 10.1.1); HTTP/1.0 has none.
func (r *Request) expect() *Refusal {
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) != 6 || !Is(f.Name, "expect") || r.Minor == 0 {
			continue
		}
		if !Is(f.Value, "100-continue") {
			return errExpect
		}
		r.Expect100 = r.Framing != NoBody
	}
	return nil
}

// Idempotent reports whether the method may be repeated (RFC 9110 section 9.2.2).
func (r *Request) Idempotent() bool {
	switch string(r.Method) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// AcceptsTrailers reports whether the client takes a trailer section behind a
// chunked answer (RFC 9110 section 6.5.1). HTTP/1.0 has none.
func (r *Request) AcceptsTrailers() bool {
	if r.Minor == 0 {
		return false
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) == 2 && Is(f.Name, "te") && !Elements(f.Value, func(e []byte) bool { return !Is(e, "trailers") }) {
			return true
		}
	}
	return false
}

// HasLength reports whether the request named a length, also 0.
func (r *Request) HasLength() bool { return r.c.hasLength }

// Nominated reports whether the Connection field names a field as hop-by-hop.
func (r *Request) Nominated(name []byte) bool { return nominated(r.Fields, r.c.nominates, name) }

func nominated(fields []Field, some bool, name []byte) bool {
	if !some {
		return false
	}
	for i := range fields {
		f := &fields[i]
		if len(f.Name) == 10 && Is(f.Name, "connection") && !Elements(f.Value, func(e []byte) bool { return !same(e, name) }) {
			return true
		}
	}
	return false
}
