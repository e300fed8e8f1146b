package http1

import "bytes"

// An incomplete head is judged as far as it has come, so that what can never
// become a request (a TLS hello, HTTP/0.9, garbage) is refused at once, not when
// its time is up. The verdict is the one that the complete head would get: of two
// faults the first in the head decides, however its bytes were cut.

// early remembers how far a head was judged, so that each byte is looked at once.
type early struct {
	at    int  // bytes that were judged
	start int  // where the line that is judged begins
	word  int  // where the method, target or version of a request line begins
	lines int  // complete lines that were judged
	part  part // where in the line
}

type part uint8

const (
	inName  part = iota // method, or name of a field
	inValue             // target, or value of a field
	inRest              // version
)

// judge looks at a head that scan has not found the end of, or has refused for ref.
// check judges a complete first line, char a byte of one that is not complete.
// A nil result means that ref stands.
func (s *scanner) judge(buf []byte, lim *Limits, ref *Refusal, check func(l []byte) *Refusal, char func(e *early, b byte) *Refusal) *Refusal {
	e := &s.early
	if e.lines == 0 && e.at < s.skip {
		e.at, e.start, e.word = s.skip, s.skip, s.skip
	}
	for e.start < s.at {
		l, _ := line(buf[e.start:])
		var err *Refusal
		if e.lines == 0 {
			err = check(l)
		} else {
			_, err = parseField(l)
		}
		if err != nil {
			return err
		}
		e.start += len(l) + 2
		e.at, e.part = e.start, inName
		e.lines++
	}
	if ref == errFieldMany { // by a complete line
		return nil
	}
	// The line that is not complete, or broke a limit: what is beyond that does not count.
	end := len(buf)
	if i := bytes.IndexByte(buf[e.at:], '\n'); i >= 0 {
		end = e.at + i
	}
	limit := lim.Field
	if e.lines == 0 {
		limit = lim.RequestLine
	} else {
		char = fieldChar
	}
	end = min(end, e.start+limit, s.skip+lim.Head)
	for ; e.at < end; e.at++ {
		b := buf[e.at]
		if b == '\r' && e.at+1 == end {
			return nil // it may end the line
		}
		if err := char(e, b); err != nil {
			return err
		}
	}
	return nil
}

// requestChar judges a byte of "method SP target SP version".
func requestChar(e *early, b byte) *Refusal {
	begins := e.at == e.word
	switch {
	case b == ' ' && e.part < inRest:
		if begins {
			return errRequestLine
		}
		e.part++
		e.word = e.at + 1
	case e.part == inName && (class[b]&cToken == 0 || e.at-e.word == maxMethod):
		return errMethod
	case e.part == inValue && class[b]&cTarget == 0:
		return errTarget
	case e.part == inRest && class[b]&(cTarget|cToken) == 0:
		return errVersion
	}
	return nil
}

// statusChar judges a byte of a status line: it begins like one.
func statusChar(e *early, b byte) *Refusal {
	if i := e.at - e.word; i < len(statusStart) && b != statusStart[i] {
		return errStatusLine
	}
	if b == '\r' {
		return errBareCR
	}
	return nil
}

// fieldChar judges a byte of "name: value".
func fieldChar(e *early, b byte) *Refusal {
	first := e.at == e.start
	switch {
	case e.part == inName && first && (b == ' ' || b == '\t'):
		return errFold
	case e.part == inName && b == ':' && !first:
		e.part = inValue
	case e.part == inName && class[b]&cToken == 0:
		return errFieldName
	case e.part == inValue:
		return valueChar(b)
	}
	return nil
}

func valueChar(b byte) *Refusal {
	switch {
	case b == '\r':
		return errBareCR
	case class[b]&cValue == 0:
		return errFieldValue
	}
	return nil
}

// AsksHead reports whether a head that was refused, or is not whole yet, began as that
// of HEAD: the answer to it has no body, whatever was wrong (RFC 9110 section 9.3.2).
func AsksHead(buf []byte) bool {
	buf = bytes.TrimPrefix(buf, []byte("\r\n")) // as scan skips it
	return bytes.HasPrefix(buf, []byte("HEAD "))
}
