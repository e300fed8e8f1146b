package http1

import "bytes"

// NextCookie cuts the first pair off the value of a Cookie field (RFC 6265
// section 4.2.1): name and value without the white space around them, and what
// follows. A part without "=" is a name with a nil value; quotes stay. Only ";"
// parts cookies: "," is met in values.
func NextCookie(v []byte) (name, value, rest []byte) {
	part := v
	if i := bytes.IndexByte(v, ';'); i >= 0 {
		part, rest = v[:i], v[i+1:]
	}
	if i := bytes.IndexByte(part, '='); i >= 0 {
		part, value = part[:i], trim(part[i+1:])
	}
	return trim(part), value, rest
}
