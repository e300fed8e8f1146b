package http1

import "bytes"

// Response is the head of a member's answer. Its slices point into the buffer
// that was parsed. Every refusal has status 502.
type Response struct {
	Minor  int
	Status int
	Reason []byte // may be empty
	Fields []Field

	Framing Framing
	Length  int64 // with Length

	// Length that the answer to a HEAD, or a 304, would have had; -1: none named.
	WouldBe int64
	// KeepAlive: the member's connection may carry another request once the
	// body has been read.
	KeepAlive bool
	// Upgraded: the connection is a tunnel from here on (101 to a WebSocket upgrade).
	Upgraded bool

	scan scanner
	c    common
}

// Asked is what an answer's framing depends on in the request.
type Asked struct {
	Head      bool // the method was HEAD
	WebSocket bool // an upgrade was asked for
}

// Reset forgets an answer, also one of which only a part has come.
func (r *Response) Reset() { *r = Response{Fields: r.Fields[:0]} }

// Parse reads an answer's head from the beginning of buf, with Request.Parse's
// way of saying how far it got.
func (r *Response) Parse(buf []byte, lim *Limits, asked Asked) (n int, err error) {
	n, ref := r.scan.scan(buf, lim, false)
	if n == 0 {
		if err := r.scan.judge(buf, lim, ref, r.statusLine, statusChar); err != nil {
			ref = err
		}
		if ref == nil {
			return 0, nil
		}
	}
	r.Reset() // nothing of the answer before may show through
	if ref == nil {
		ref = r.parse(buf[:n], asked)
	}
	if ref != nil {
		return 0, asAnswer(ref)
	}
	return n, nil
}

func (r *Response) parse(head []byte, asked Asked) *Refusal {
	l, rest := line(head)
	if err := r.statusLine(l); err != nil {
		return err
	}
	var err *Refusal
	if r.Fields, err = parseFields(r.Fields[:0], rest); err != nil {
		return err
	}
	if err := r.c.digest(r.Fields, r.Minor); err != nil {
		return err
	}
	return r.decide(asked)
}

// statusStart is how every status line begins.
const statusStart = "HTTP/"

// statusLine reads "version SP code [SP reason]" (RFC 9112 section 4). The SP
// before an absent reason is often left out; nothing can be misread by it.
func (r *Response) statusLine(l []byte) *Refusal {
	if !bytes.HasPrefix(l, []byte(statusStart)) {
		return errStatusLine
	}
	if bytes.IndexByte(l, '\r') >= 0 {
		return errBareCR
	}
	if len(l) < 12 || l[8] != ' ' || len(l) > 12 && l[12] != ' ' {
		return errStatusLine
	}
	minor, err := version(l[:8])
	if err != nil {
		return errAnswerVersion
	}
	if !all(l[9:12], cDigit) {
		return errStatusLine
	}
	r.Minor = minor
	r.Status = int(l[9]-'0')*100 + int(l[10]-'0')*10 + int(l[11]-'0')
	if r.Status < 100 || r.Status > 599 {
		return errStatusCode
	}
	if len(l) > 13 {
		r.Reason = l[13:]
		if !all(r.Reason, cValue) {
			return errStatusLine
		}
	}
	return nil
}

// decide applies the rules of RFC 9112 section 6.3 in their order.
func (r *Response) decide(asked Asked) *Refusal {
	r.KeepAlive = r.c.persists(r.Minor)
	r.WouldBe = -1
	if r.c.hasLength {
		r.WouldBe = r.c.length
	}
	bodiless := r.Status < 200 || r.Status == 204
	if bodiless && r.c.hasCoding {
		return errAnswerNoBody
	}
	switch {
	case r.Status == 101:
		if !asked.WebSocket || r.Minor == 0 || !r.c.websocket() {
			return errAnswerUpgrade
		}
		r.Upgraded, r.KeepAlive, r.WouldBe = true, false, -1
	case bodiless:
		if r.WouldBe > 0 { // the body that must not be there may be on its way
			r.KeepAlive = false
		}
		r.WouldBe = -1
	case asked.Head || r.Status == 304:
	case r.c.hasCoding:
		r.Framing, r.WouldBe = Chunks, -1
	case r.c.hasLength:
		r.Framing, r.Length = Length, r.c.length
	default:
		r.Framing, r.KeepAlive = UntilClose, false
	}
	return nil
}

// Informational reports whether a final answer is still to come.
func (r *Response) Informational() bool { return r.Status < 200 && r.Status != 101 }

// Nominated reports whether the Connection field names a field as hop-by-hop.
func (r *Response) Nominated(name []byte) bool { return nominated(r.Fields, r.c.nominates, name) }
