package http1

import "bytes"

// target checks the request target and splits it (RFC 9112 section 3.2).
func (r *Request) target() *Refusal {
	t := r.Target
	if Is(r.Method, "connect") { // in any case: members may not be strict about it
		return errConnect
	}
	switch {
	case t[0] == '/':
		return r.split(t)
	case len(t) == 1 && t[0] == '*':
		if string(r.Method) != "OPTIONS" {
			return errTarget
		}
		r.Path = t
		return nil
	}
	// absolute-form
	var rest []byte
	switch {
	case len(t) > 7 && Is(t[:7], "http://"):
		rest = t[7:]
	case len(t) > 8 && Is(t[:8], "https://"):
		rest = t[8:]
	default:
		return errTarget
	}
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	r.Host = rest[:end]
	if !validHost(r.Host) { // also refuses userinfo: '@' is no host character
		return errTarget
	}
	switch path := rest[end:]; {
	case len(path) == 0 && string(r.Method) == "OPTIONS":
		r.Path = asterisk // RFC 9112 section 3.2.4
	case len(path) == 0:
		r.Path = slash
	case path[0] == '?':
		r.Path, r.Query = slash, path[1:]
	default:
		return r.split(path)
	}
	return nil
}

var (
	slash    = []byte("/")
	asterisk = []byte("*")
)

// split cuts the query off. In the path every "%" must begin an escape: what a
// member would make of another one is anybody's guess. The query is the
// application's own; "?q=100%" is common and passes.
func (r *Request) split(t []byte) *Refusal {
	r.Path = t
	if q := bytes.IndexByte(t, '?'); q >= 0 {
		r.Path, r.Query = t[:q], t[q+1:]
	}
	for p := r.Path; ; {
		i := bytes.IndexByte(p, '%')
		if i < 0 {
			return nil
		}
		if i+2 >= len(p) || class[p[i+1]]&cHex == 0 || class[p[i+2]]&cHex == 0 {
			return errTarget
		}
		p = p[i+3:]
	}
}

// host wants exactly one valid Host in HTTP/1.1, at most one in HTTP/1.0, equal
// to the authority of an absolute-form target (RFC 9112 section 3.2).
func (r *Request) host() *Refusal {
	var host []byte
	n := 0
	for i := range r.Fields {
		if f := &r.Fields[i]; len(f.Name) == 4 && Is(f.Name, "host") {
			host = f.Value
			n++
		}
	}
	switch {
	case n > 1:
		return errHostTwice
	case n == 0 && r.Minor == 1:
		return errHostMissing
	case n == 0:
		return nil
	case !validHost(host):
		return errHost
	case r.Host != nil && !same(r.withoutDefaultPort(r.Host), r.withoutDefaultPort(host)):
		return errAuthority
	}
	r.Host = host
	return nil
}

// withoutDefaultPort is a valid host without the port that an absolute-form
// target's scheme has anyway (RFC 9110 section 4.2.3).
func (r *Request) withoutDefaultPort(host []byte) []byte {
	port := ":80"
	if len(r.Target) > 5 && r.Target[4]|0x20 == 's' {
		port = ":443"
	}
	if n := len(host) - len(port); n > 0 && string(host[n:]) == port {
		return host[:n]
	}
	return host
}

// validHost checks uri-host [ ":" port ] (RFC 9110 section 7.2, RFC 3986 section
// 3.2.2), without comma, which a lenient member could take for a list.
func validHost(h []byte) bool {
	if len(h) == 0 {
		return false
	}
	if h[0] == '[' {
		end := bytes.IndexByte(h, ']')
		return end > 0 && validIPv6(h[1:end]) && validPort(h[end+1:])
	}
	name := h
	if i := bytes.IndexByte(h, ':'); i >= 0 {
		name = h[:i]
		if !validPort(h[i:]) {
			return false
		}
	}
	for i := 0; i < len(name); i++ {
		if name[i] == '%' {
			if i+2 >= len(name) || class[name[i+1]]&cHex == 0 || class[name[i+2]]&cHex == 0 {
				return false
			}
			i += 2
		} else if class[name[i]]&cHost == 0 {
			return false
		}
	}
	return len(name) > 0
}

// validPort checks "" or ":" followed by at most five digits up to 65535.
func validPort(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	if p[0] != ':' || len(p) > 6 {
		return false
	}
	n := 0
	for _, d := range p[1:] {
		if class[d]&cDigit == 0 {
			return false
		}
		n = n*10 + int(d-'0')
	}
	return n <= 65535
}

// validIPv6 checks the shape of an IPv6 address without zone: groups of up to
// four hex digits, one "::" at most, an IPv4 tail allowed.
func validIPv6(a []byte) bool {
	groups, double, i := 0, false, 0
	if len(a) >= 2 && a[0] == ':' && a[1] == ':' {
		double, i = true, 2
	}
	for i < len(a) {
		j := i
		for j < len(a) && class[a[j]]&cHex != 0 {
			j++
		}
		if j < len(a) && a[j] == '.' {
			return validIPv4(a[i:]) && (groups == 6 || double && groups < 6)
		}
		if j == i || j-i > 4 {
			return false
		}
		groups++
		if j == len(a) {
			i = j
			break
		}
		if a[j] != ':' || j+1 == len(a) {
			return false
		}
		i = j + 1
		if a[i] == ':' {
			if double {
				return false
			}
			double = true
			i++
		}
	}
	return groups == 8 && !double || groups < 8 && double
}

func validIPv4(a []byte) bool {
	parts := 0
	for part := range bytes.SplitSeq(a, []byte{'.'}) {
		parts++
		n := 0
		if len(part) == 0 || len(part) > 3 || len(part) > 1 && part[0] == '0' {
			return false
		}
		for _, d := range part {
			if class[d]&cDigit == 0 {
				return false
			}
			n = n*10 + int(d-'0')
		}
		if n > 255 {
			return false
		}
	}
	return parts == 4
}
