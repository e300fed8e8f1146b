package http1

import "bytes"

// Chunked reads a chunked body (RFC 9112 section 7.1), byte by byte if it must.
// The zero value begins a body.
type Chunked struct {
	state    chunkState
	left     int64 // bytes of the present chunk still to come
	digits   int   // of the size
	line     int   // bytes of the size line so far
	trailer  int   // bytes of the trailer section so far
	trailers int   // its fields
	ext      extState
	buf      []byte // an incomplete trailer line
	kept     []byte // trailer lines that may be passed on
	answer   bool   // a member's body: what its trailers must not hold is dropped
}

type chunkState uint8

const (
	atSize chunkState = iota
	atExtension
	atSizeLF
	atData
	atDataCR
	atDataLF
	atTrailer
	atTrailerLF
	atEnd
)

// Reset begins a new body.
func (c *Chunked) Reset() { *c = Chunked{buf: c.buf[:0], kept: c.kept[:0]} }

// Done reports whether the body and its trailer section have been read.
func (c *Chunked) Done() bool { return c.state == atEnd }

// Next reads from the beginning of in. It stops behind each span of body data,
// so that the caller can send it on: in[:consumed] is done with, data (part of
// it) is body, possibly empty. Call it again with in[consumed:] until done, or
// until it consumes nothing because in is empty. Trailer fields are checked and
// are in Trailer when it is done. One that must not be there (RFC 9110 section
// 6.5.1) is refused in a request and dropped in an answer. A refusal is always a
// *Refusal.
func (c *Chunked) Next(in []byte, lim *Limits) (consumed int, data []byte, done bool, err error) {
	n, data, ref := c.next(in, lim)
	if ref != nil {
		return n, nil, false, ref
	}
	return n, data, c.state == atEnd, nil
}

// NextAnswer is Next for a member's body: refusals have status 502.
func (c *Chunked) NextAnswer(in []byte, lim *Limits) (consumed int, data []byte, done bool, err error) {
	c.answer = true
	n, data, ref := c.next(in, lim)
	if ref != nil {
		return n, nil, false, asAnswer(ref)
	}
	return n, data, c.state == atEnd, nil
}

func (c *Chunked) next(in []byte, lim *Limits) (n int, data []byte, err *Refusal) {
	for n < len(in) && c.state != atEnd {
		b := in[n]
		switch c.state {
		case atData:
			size := min(int64(len(in)-n), c.left)
			data = in[n : n+int(size)]
			c.left -= size
			if c.left == 0 {
				c.state = atDataCR
			}
			return n + int(size), data, nil
		case atSize, atExtension:
			err = c.sizeLine(b, lim)
		case atSizeLF:
			err = c.sizeEnd(b)
		case atDataCR:
			c.state = atDataLF
			if b != '\r' {
				err = errChunkEnd
			}
		case atDataLF:
			*c = Chunked{buf: c.buf, kept: c.kept, answer: c.answer} // atSize
			if b != '\n' {
				err = errChunkEnd
			}
		case atTrailer, atTrailerLF:
			err = c.trailerByte(b, lim)
		}
		if err != nil {
			return n, nil, err
		}
		n++
	}
	return n, nil, nil
}

// sizeLine takes one byte of "size [extensions]", up to the CR.
func (c *Chunked) sizeLine(b byte, lim *Limits) *Refusal {
	if b == '\r' {
		if c.digits == 0 {
			return errChunkSize
		}
		if c.state == atExtension && !c.ext.complete() {
			return errChunkExt
		}
		c.state = atSizeLF
		return nil
	}
	if c.line++; c.line > lim.ChunkLine {
		return errChunkLine
	}
	if c.state == atExtension {
		if !c.ext.take(b) {
			return errChunkExt
		}
		return nil
	}
	if class[b]&cHex == 0 {
		if c.digits == 0 || b != ';' && b != ' ' && b != '\t' {
			return errChunkSize
		}
		c.state = atExtension
		c.ext = extBefore
		if !c.ext.take(b) {
			return errChunkExt
		}
		return nil
	}
	if c.digits++; c.left > (1<<63-1)>>4 {
		return errChunkHuge
	}
	v := int64(b | 0x20)
	if v >= 'a' {
		v -= 'a' - 10
	} else {
		v = int64(b - '0')
	}
	c.left = c.left<<4 | v
	return nil
}

func (c *Chunked) sizeEnd(b byte) *Refusal {
	if b != '\n' {
		return errBareCR
	}
	if c.left > 0 {
		c.state = atData
	} else {
		c.state = atTrailer
		c.buf, c.kept = c.buf[:0], c.kept[:0]
	}
	return nil
}

// trailerByte collects trailer lines and checks each; an empty one ends the body.
func (c *Chunked) trailerByte(b byte, lim *Limits) *Refusal {
	if c.trailer++; c.trailer > lim.Trailers {
		return errTrailerLong
	}
	if c.state == atTrailer {
		switch b {
		case '\r':
			c.state = atTrailerLF
		case '\n':
			return errBareLF
		default:
			c.buf = append(c.buf, b)
		}
		return nil
	}
	if b != '\n' {
		return errBareCR
	}
	if len(c.buf) == 0 {
		c.state = atEnd
		return nil
	}
	if c.trailers++; c.trailers > lim.TrailerN {
		return errTrailerMany
	}
	f, err := parseField(c.buf)
	if err != nil {
		return errTrailerField
	}
	switch {
	case identityField(f.Name): // left out in both directions
	case !ForbiddenTrailer(f.Name):
		c.kept = append(append(append(append(c.kept, f.Name...), ": "...), f.Value...), crlf...)
	case !c.answer:
		return errTrailerName
	}
	c.state, c.buf = atTrailer, c.buf[:0]
	return nil
}

// Trailer is the trailer section that came with the body, field lines with their
// ends and without the empty line. It is valid until Reset.
func (c *Chunked) Trailer() []byte { return c.kept }

// TrailerFields appends the fields of Trailer to dst.
func (c *Chunked) TrailerFields(dst []Field) []Field {
	for b := c.kept; len(b) > 0; {
		var l []byte
		l, b = line(b)
		if f, err := parseField(l); err == nil { // it was read before
			dst = append(dst, f)
		}
	}
	return dst
}

// ForbiddenTrailer names fields that would change framing, routing or identity
// if a member merged them into the head (RFC 9110 section 6.5.1).
func ForbiddenTrailer(name []byte) bool {
	for _, n := range [...]string{"content-length", "transfer-encoding", "host", "connection", "trailer", "te", "upgrade", "content-encoding", "content-type", "content-range", "authorization", "cookie", "set-cookie", "expect"} {
		if Is(name, n) {
			return true
		}
	}
	return len(name) >= 12 && Is(name[:12], "x-forwarded-")
}

// MayAnnounce reports whether all names of a Trailer field's value may stand in a
// trailer section, so that the field can be passed on.
func MayAnnounce(v []byte) bool {
	return Elements(v, func(e []byte) bool { return all(e, cToken) && !ForbiddenTrailer(e) && !identityField(e) })
}

// identityField names what members take from us alone, in spellings that CGI makes
// equal to ours but ForbiddenTrailer does not know. It has no business in a trailer.
func identityField(name []byte) bool {
	var b [32]byte
	if len(name) > len(b) || ForbiddenTrailer(name) {
		return false
	}
	for i, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			c = '-'
		}
		b[i] = c
	}
	switch n := b[:len(name)]; string(n) {
	case "x-real-ip", "x-client-ip", "forwarded", "keep-alive", "proxy-connection", "content-length", "transfer-encoding":
		return true
	default:
		return bytes.HasPrefix(n, []byte("x-forwarded-")) || bytes.HasPrefix(n, []byte("x-ssl-"))
	}
}
