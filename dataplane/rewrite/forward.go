package rewrite

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"lbd/dataplane/http1"
	"lbd/dataplane/route"
)

// Forward is a listener's insert_headers, compiled.
type Forward struct {
	lines []forwardLine
	// drop are the lower-case names of client copies that are left out.
	drop []string
	// trail: X-Forwarded-For is inserted. Client copies stay, but only with
	// exactly this name.
	trail bool
}

type forwardLine struct {
	prefix []byte // "Name: "
	value  source
	fixed  []byte
	tls    func(*route.TLSPeer) string // with tlsValue
}

type source uint8

const (
	fixedValue source = iota
	clientAddr
	localAddr
	tlsValue
)

// Names of insert_headers on HTTP listeners (contract 3.2) and what they carry.
const (
	ForwardedFor   = "X-Forwarded-For"   // the client's address
	ForwardedPort  = "X-Forwarded-Port"  // the listener's port
	ForwardedProto = "X-Forwarded-Proto" // http
	ForwardedIP    = "X-Forwarded-IP"    // the address the client connected to
	ClientIP       = "X-Client-IP"       // the client's address
	RealIP         = "X-Real-IP"         // the client's address
)

// Compile makes a listener's Forward. A header is on when its value, lower-cased,
// is "true". An unknown name is an error.
func Compile(insert map[string]string, port uint16, proto string) (*Forward, error) {
	f := &Forward{}
	names := make([]string, 0, len(insert))
	for name, v := range insert {
		if strings.EqualFold(v, "true") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		l := forwardLine{prefix: []byte(name + ": ")}
		switch name {
		case ForwardedFor, ClientIP, RealIP:
			l.value = clientAddr
		case ForwardedIP:
			l.value = localAddr
		case ForwardedPort:
			l.fixed = fmt.Append(nil, port)
		case ForwardedProto:
			l.fixed = []byte(proto)
		default:
			if l.tls = tlsField(name); l.tls == nil {
				return nil, fmt.Errorf("header %q cannot be inserted", name)
			}
			l.value = tlsValue
		}
		f.lines = append(f.lines, l)
		if name == ForwardedFor {
			f.trail = true
		} else {
			f.drop = append(f.drop, strings.ToLower(name))
		}
	}
	return f, nil
}

// drops reports whether a client's field of that name is left out.
func (f *Forward) drops(name []byte) bool {
	const trail = "x-forwarded-for"
	if f.trail && sameLoose(name, trail) {
		return !http1.Is(name, trail)
	}
	for _, d := range f.drop {
		if sameLoose(name, d) {
			return true
		}
	}
	return false
}

// inserts reports whether the name is one that lbd writes; such a name in
// Connection is not obeyed.
func (f *Forward) inserts(name []byte) bool {
	for i := range f.lines {
		if p := f.lines[i].prefix; sameFold(name, p[:len(p)-2]) {
			return true
		}
	}
	return false
}

func (f *Forward) append(dst []byte, client, local netip.Addr, peer *route.TLSPeer) []byte {
	for i := range f.lines {
		l := &f.lines[i]
		dst = append(dst, l.prefix...)
		switch l.value {
		case clientAddr:
			dst = appendAddr(dst, client)
		case localAddr:
			dst = appendAddr(dst, local)
		case tlsValue:
			if peer != nil {
				dst = appendClean(dst, l.tls(peer))
			}
		default:
			dst = append(dst, l.fixed...)
		}
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// appendAddr writes an address without its zone, which means nothing elsewhere.
func appendAddr(dst []byte, a netip.Addr) []byte {
	return a.Unmap().WithZone("").AppendTo(dst)
}

// sameLoose compares a field name with a lower-case one as CGI does: there all
// that is neither letter nor digit may become the same "_".
func sameLoose(name []byte, lower string) bool {
	if len(name) != len(lower) {
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
		if c != lower[i] {
			return false
		}
	}
	return true
}

func sameFold(a, b []byte) bool {
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
