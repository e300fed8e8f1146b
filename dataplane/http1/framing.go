package http1

import (
	"bytes"
	"math"
)

// Framing is how the end of a body is found.
type Framing uint8

const (
	NoBody     Framing = iota
	Length             // Content-Length bytes follow
	Chunks             // chunks follow
	UntilClose         // answers only: everything up to the end of the connection
)

// common is what the fields of every message decide.
type common struct {
	hasLength   bool
	length      int64
	hasCoding   bool
	close       bool // Connection: close
	keepAlive   bool // Connection: keep-alive
	upgrade     bool // Connection: upgrade
	nominates   bool // Connection names anything else: fields to leave out
	options     int  // how many things Connection names
	optionBytes int  // in all Connection fields
	protocol    []byte
	upgradeN    int
}

// digest reads the fields that framing and connection management depend on.
func (c *common) digest(fields []Field, minor int) *Refusal {
	*c = common{}
	for i := range fields {
		f := &fields[i]
		var err *Refusal
		switch len(f.Name) {
		case 7:
			if Is(f.Name, "upgrade") {
				c.upgradeN++
				c.protocol = f.Value
			}
		case 10:
			if Is(f.Name, "connection") {
				err = c.connectionOptions(f.Value)
			}
		case 14:
			if Is(f.Name, "content-length") {
				err = c.contentLength(f.Value)
			}
		case 17:
			if Is(f.Name, "transfer-encoding") {
				err = c.transferEncoding(f.Value, minor)
			}
		}
		if err != nil {
			return err
		}
	}
	if c.hasLength && c.hasCoding {
		return errBoth
	}
	return nil
}

// contentLength takes plain digits that fit int63, once (RFC 9112 section 6.3).
func (c *common) contentLength(v []byte) *Refusal {
	if c.hasLength {
		return errLengthTwice
	}
	if !all(v, cDigit) {
		return errLength
	}
	var n int64
	for _, b := range v {
		d := int64(b - '0')
		if n > (math.MaxInt64-d)/10 {
			return errLength
		}
		n = n*10 + d
	}
	c.hasLength, c.length = true, n
	return nil
}

// transferEncoding takes "chunked", once, in HTTP/1.1 (RFC 9112 section 6.1).
func (c *common) transferEncoding(v []byte, minor int) *Refusal {
	switch {
	case minor == 0:
		return errCodingIn10
	case c.hasCoding:
		return errCodingTwice
	case Is(v, "chunked"):
		c.hasCoding = true
		return nil
	}
	// A well-formed list that ends in chunked is merely more than we do.
	if i := bytes.LastIndexByte(v, ','); i > 0 && Is(trim(v[i+1:]), "chunked") {
		tokens := true
		for rest := v[:i]; tokens && len(rest) > 0; {
			e := rest
			if j := bytes.IndexByte(rest, ','); j >= 0 {
				e, rest = rest[:j], rest[j+1:]
			} else {
				rest = nil
			}
			tokens = all(trim(e), cToken) && !Is(trim(e), "chunked")
		}
		if tokens {
			return errCodingUnknown
		}
	}
	return errCoding
}

// connectionOptions reads one Connection field. The number of options is bounded
// because every field is compared with every one of them.
func (c *common) connectionOptions(v []byte) *Refusal {
	if c.optionBytes += len(v); c.optionBytes > maxOptionBytes {
		return errConnectionMany
	}
	if !Elements(v, func(e []byte) bool {
		c.options++
		switch {
		case Is(e, "close"):
			c.close = true
		case Is(e, "keep-alive"):
			c.keepAlive = true
		case Is(e, "upgrade"):
			c.upgrade = true
		default:
			c.nominates = true
		}
		return all(e, cToken)
	}) {
		return errConnection
	}
	if c.options > maxOptions {
		return errConnectionMany
	}
	return nil
}

// persists reports whether the connection outlives the message (RFC 9112 section 9.3).
func (c *common) persists(minor int) bool {
	return !c.close && (minor == 1 || c.keepAlive)
}

// websocket reports whether an upgrade to WebSocket alone is meant (RFC 6455).
func (c *common) websocket() bool {
	return c.upgrade && c.upgradeN == 1 && Is(c.protocol, "websocket")
}

// version reads the version of HTTP/1 (RFC 9112 section 2.3). A minor version
// above 1 is served as the highest there is (RFC 9110 section 2.5).
func version(v []byte) (minor int, err *Refusal) {
	if len(v) != 8 || string(v[:5]) != "HTTP/" || class[v[5]]&cDigit == 0 || v[6] != '.' || class[v[7]]&cDigit == 0 {
		return 0, errVersion
	}
	if v[5] != '1' {
		return 0, errVersionNumber
	}
	return min(1, int(v[7]-'0')), nil
}
