package http1

import "bytes"

// Field is one field line: a token and a value without the white space around it.
type Field struct{ Name, Value []byte }

// scanner finds the end of a head, line by line, and remembers how far it got,
// so that a head that trickles in is not read again and again.
type scanner struct {
	at    int // where the line that is not complete yet begins
	seen  int // how far that line was searched
	lines int // complete lines so far, leading empty ones not counted
	skip  int // bytes of leading empty lines
	empty int // how many of them

	early early
}

// scan looks for the empty line that ends the head. It returns the length of
// the head with it, 0 when more is needed. leading allows empty lines before
// the first line. Each byte is looked at once, and the verdict does not depend
// on how the bytes were cut: a limit counts as broken by the byte that breaks
// it, complete line or not.
func (s *scanner) scan(buf []byte, lim *Limits, leading bool) (n int, err *Refusal) {
	for {
		i := bytes.IndexByte(buf[s.seen:], '\n')
		if i < 0 {
			s.seen = len(buf)
			return 0, s.tooLong(buf[s.at:], len(buf), lim)
		}
		end := s.seen + i // the LF
		l := buf[s.at:end]
		s.seen = end + 1
		if err := s.tooLong(l, s.seen, lim); err != nil {
			return 0, err
		}
		if len(l) == 0 || l[len(l)-1] != '\r' {
			return 0, errBareLF
		}
		if len(l) == 1 {
			if s.lines > 0 {
				return s.seen, nil
			}
			if s.empty++; !leading || s.empty > maxLeadingLines {
				return 0, errLeading
			}
			s.at = s.seen
			s.skip = s.seen
			continue
		}
		s.lines++
		s.at = s.seen
		if s.lines-1 > lim.Fields {
			return 0, errFieldMany
		}
	}
}

// tooLong judges the present line l, without its LF, complete or not, and the
// head that reaches up to end. A CR that may yet turn out to end the line is not
// counted. When both are too long, the limit that was broken first decides.
func (s *scanner) tooLong(l []byte, end int, lim *Limits) *Refusal {
	limit, err := lim.Field, errFieldLong
	if s.lines == 0 {
		limit, err = lim.RequestLine, errLineLong
	}
	length := len(l)
	if length > 0 && l[length-1] == '\r' {
		length--
	}
	headEnd := s.skip + lim.Head
	if length > limit && s.at+limit < headEnd {
		return err
	}
	if end > headEnd {
		return errHeadLong
	}
	return nil
}

// line cuts the next line off a complete head.
func line(head []byte) (l, rest []byte) {
	i := bytes.IndexByte(head, '\n')
	return head[:i-1], head[i+1:]
}

// parseFields reads field lines up to the empty line into dst.
func parseFields(dst []Field, head []byte) ([]Field, *Refusal) {
	for {
		var l []byte
		l, head = line(head)
		if len(l) == 0 {
			return dst, nil
		}
		f, err := parseField(l)
		if err != nil {
			return dst, err
		}
		dst = append(dst, f)
	}
}

func parseField(l []byte) (Field, *Refusal) {
	if l[0] == ' ' || l[0] == '\t' {
		return Field{}, errFold
	}
	colon := bytes.IndexByte(l, ':')
	if colon < 1 || !all(l[:colon], cToken) {
		return Field{}, errFieldName
	}
	v := trim(l[colon+1:])
	if len(v) > 0 && !all(v, cValue) {
		for _, b := range v { // the first one counts
			if err := valueChar(b); err != nil {
				return Field{}, err
			}
		}
	}
	return Field{l[:colon], v}, nil
}
