package rewrite

import "lbd/dataplane/http1"

// appendCookies appends a Cookie field without the pairs of that name: the line as
// it came when there is none, no line when nothing else is there.
func appendCookies(dst []byte, f *http1.Field, hide string) []byte {
	found := false
	for rest := f.Value; len(rest) > 0 && !found; {
		var name []byte
		name, _, rest = http1.NextCookie(rest)
		found = string(name) == hide
	}
	if !found {
		return appendField(dst, f.Name, f.Value)
	}
	at := len(dst)
	dst = append(dst, f.Name...)
	dst = append(dst, ':')
	some := false
	for rest := f.Value; len(rest) > 0; {
		pair := rest
		var name, value []byte
		name, value, rest = http1.NextCookie(rest)
		if string(name) == hide || len(name) == 0 && value == nil {
			continue
		}
		pair = trimPair(pair[:len(pair)-len(rest)])
		if some {
			dst = append(dst, ';')
		}
		some = true
		dst = append(dst, ' ')
		dst = append(dst, pair...)
	}
	if !some {
		return dst[:at]
	}
	return append(dst, '\r', '\n')
}

// trimPair takes the blanks around a pair and the ";" behind it away.
func trimPair(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == ';') {
		b = b[:len(b)-1]
	}
	return b
}

// setsCookie reports whether a field is a Set-Cookie for name.
func setsCookie(f *http1.Field, name string) bool {
	if len(f.Name) != 10 || !http1.Is(f.Name, "set-cookie") {
		return false
	}
	n, _, _ := http1.NextCookie(f.Value)
	return string(n) == name
}
