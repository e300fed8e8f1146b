package http1

// Character classes, one bit each (RFC 9110 5.6.2, RFC 9112, RFC 3986).
const (
	cToken  = 1 << iota // tchar
	cValue              // field-content: VCHAR, obs-text, SP, HTAB
	cTarget             // what a request target may hold: visible ASCII but '#'
	cHost               // reg-name without percent-encoding and comma
	cHex                // hexadecimal digit
	cDigit              // decimal digit
	cQuoted             // inside a quoted-string, but for '"' and '\'
)

var class = func() (t [256]uint8) {
	for c := range 256 {
		alpha := 'a' <= c|0x20 && c|0x20 <= 'z' && c < 128
		digit := '0' <= c && c <= '9'
		if alpha || digit || in(c, "!#$%&'*+-.^_`|~") {
			t[c] |= cToken
		}
		if c >= 0x20 && c != 0x7f || c == '\t' {
			t[c] |= cValue
		}
		if c > 0x20 && c < 0x7f && c != '#' {
			t[c] |= cTarget
		}
		if alpha || digit || in(c, "-._~!$&'()*+;=") {
			t[c] |= cHost
		}
		if digit || 'a' <= c|0x20 && c|0x20 <= 'f' && c < 128 {
			t[c] |= cHex
		}
		if digit {
			t[c] |= cDigit
		}
		if t[c]&cValue != 0 && c != '"' && c != '\\' {
			t[c] |= cQuoted
		}
	}
	return t
}()

func in(c int, set string) bool {
	for i := range len(set) {
		if int(set[i]) == c {
			return true
		}
	}
	return false
}

// all reports whether b is not empty and all of one class.
func all(b []byte, c uint8) bool {
	for _, x := range b {
		if class[x]&c == 0 {
			return false
		}
	}
	return len(b) > 0
}

// IsToken reports whether b is a token (RFC 9110 section 5.6.2).
func IsToken(b []byte) bool { return all(b, cToken) }

// Is compares b with a lower-case ASCII name, ignoring b's case.
func Is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range len(lower) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// same compares two names, ignoring the case of ASCII letters.
func same(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x |= 0x20
		}
		if 'A' <= y && y <= 'Z' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}

// trim removes optional white space (SP, HTAB) at both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// Elements calls f with each element of a comma-separated list, trimmed, empty
// ones left out, until f returns false. It splits at every comma: right for
// lists of tokens, which is all it is used for.
func Elements(list []byte, f func(e []byte) bool) bool {
	for len(list) > 0 {
		e := list
		list = nil
		for i, c := range e {
			if c == ',' {
				e, list = e[:i], e[i+1:]
				break
			}
		}
		if e = trim(e); len(e) > 0 && !f(e) {
			return false
		}
	}
	return true
}
