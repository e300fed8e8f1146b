package accesslog

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lbd/dataplane/http1"
)

// field appends one value of an entry, raw: quoting is the format's business.
type field struct {
	append func(dst []byte, e *Entry) []byte
	number bool // needs no quotes in JSON
}

func text(f func(*Entry) string) field {
	return field{append: func(dst []byte, e *Entry) []byte { return append(dst, f(e)...) }}
}

func part(f func(*Entry) span) field {
	return field{append: func(dst []byte, e *Entry) []byte { return append(dst, e.bytes(f(e))...) }}
}

func number(f func(*Entry) int64) field {
	return field{number: true, append: func(dst []byte, e *Entry) []byte { return strconv.AppendInt(dst, f(e), 10) }}
}

func addr(f func(*Entry) netip.AddrPort) field {
	return field{append: func(dst []byte, e *Entry) []byte {
		if a := f(e); a.IsValid() {
			dst = a.AppendTo(dst)
		}
		return dst
	}}
}

// micros: durations are written in microseconds.
func micros(f func(Timing) time.Duration) field {
	return number(func(e *Entry) int64 { return f(e.Timing()).Microseconds() })
}

// fields are what a format may name.
var fields = map[string]field{
	"time": {append: func(dst []byte, e *Entry) []byte {
		return e.begin.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	}},
	"listener":     text(func(e *Entry) string { return string(e.Listener) }),
	"loadbalancer": text(func(e *Entry) string { return string(e.LoadBalancer) }),
	"policy":       text(func(e *Entry) string { return string(e.Policy) }),
	"pool":         text(func(e *Entry) string { return string(e.Pool) }),
	"member":       text(func(e *Entry) string { return string(e.Member) }),
	"member_addr":  addr(func(e *Entry) netip.AddrPort { return e.MemberAddr }),
	"client":       addr(func(e *Entry) netip.AddrPort { return e.Client }),
	"vip":          addr(func(e *Entry) netip.AddrPort { return e.Local }),
	"protocol":     text(func(e *Entry) string { return e.Protocol }),
	"tls":          text(func(e *Entry) string { return e.TLS }),
	"method":       part(func(e *Entry) span { return e.method }),
	"target":       part(func(e *Entry) span { return e.target }),
	"path": part(func(e *Entry) span {
		s := e.target
		for i, c := range e.bytes(s) {
			if c == '?' {
				return span{s.from, s.from + int32(i)}
			}
		}
		return s
	}),
	"host":      part(func(e *Entry) span { return e.host }),
	"status":    number(func(e *Entry) int64 { return int64(e.Status) }),
	"bytes_in":  number(func(e *Entry) int64 { return e.BytesIn }),
	"bytes_out": number(func(e *Entry) int64 { return e.BytesOut }),
	"tries":     number(func(e *Entry) int64 { return int64(e.Tries) }),
	"reused": {number: true, append: func(dst []byte, e *Entry) []byte {
		return strconv.AppendBool(dst, e.Reused)
	}},
	"end":         text(func(e *Entry) string { return e.End.String() }),
	"head_us":     micros(func(t Timing) time.Duration { return t.Head }),
	"connect_us":  micros(func(t Timing) time.Duration { return t.Connect }),
	"wait_us":     micros(func(t Timing) time.Duration { return t.Wait }),
	"transfer_us": micros(func(t Timing) time.Duration { return t.Transfer }),
	"total_us":    micros(func(t Timing) time.Duration { return t.Total }),
}

// jsonFields are those of the format "json", in their order.
var jsonFields = []string{
	"time", "loadbalancer", "listener", "client", "vip", "protocol", "tls", "method", "host", "target", "status", "bytes_in", "bytes_out",
	"policy", "pool", "member", "member_addr", "tries", "reused", "end", "head_us", "connect_us", "wait_us", "transfer_us", "total_us",
	"header:user-agent", "header:referer",
}

// secret are request fields that no log may hold.
var secret = []string{"authorization", "proxy-authorization", "cookie", "x-auth-token", "x-api-key"}

// Format is a compiled format.
type Format struct {
	parts   []formatPart
	headers []string // lower case; part of Entry.headers of the same number
}

type formatPart struct {
	literal []byte
	field   field // with append == nil the literal alone
	json    bool
}

// maxFormat bounds a template, in bytes.
const maxFormat = 4096

// ParseFormat compiles "json", or a template: text with {field} in it, {{ and }}
// for braces. {header:NAME} is a field of the request. Values are escaped so that
// a line stays one line and a quoted value ends at its quote.
func ParseFormat(s string) (*Format, error) {
	f := &Format{}
	if s == "json" {
		return f, f.json()
	}
	if len(s) > maxFormat {
		return nil, fmt.Errorf("access log format: %d bytes, at most %d are allowed", len(s), maxFormat)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return nil, fmt.Errorf("access log format: control characters are not allowed: a line is one entry")
	}
	var literal []byte
	named := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case (c == '{' || c == '}') && i+1 < len(s) && s[i+1] == c:
			literal = append(literal, c)
			i++
		case c == '}':
			return nil, fmt.Errorf("access log format: } without { at byte %d: write }} for a brace", i)
		case c == '{':
			n := strings.IndexByte(s[i:], '}')
			if n < 0 {
				return nil, fmt.Errorf("access log format: { without } at byte %d: write {{ for a brace", i)
			}
			p, err := f.field(s[i+1 : i+n])
			if err != nil {
				return nil, err
			}
			f.parts = append(f.parts, formatPart{literal: literal, field: p})
			literal, named = nil, true
			i += n
		default:
			literal = append(literal, c)
		}
	}
	if !named {
		return nil, fmt.Errorf("access log format: %q names no {field} and is not json: one of %s", s, names())
	}
	if len(literal) > 0 {
		f.parts = append(f.parts, formatPart{literal: literal})
	}
	return f, nil
}

func names() string { return strings.Join(slices.Sorted(maps.Keys(fields)), ", ") + ", header:NAME" }

// field finds one by name and has headers kept.
func (f *Format) field(name string) (field, error) {
	header, ok := strings.CutPrefix(name, "header:")
	if !ok {
		if p, ok := fields[name]; ok {
			return p, nil
		}
		return field{}, fmt.Errorf("access log format: there is no field %q: one of %s", name, names())
	}
	header = strings.ToLower(header)
	switch {
	case !http1.IsToken([]byte(header)):
		return field{}, fmt.Errorf("access log format: %q is not the name of a request field", header)
	case slices.Contains(secret, header):
		return field{}, fmt.Errorf("access log format: %s may hold secrets and is not logged", header)
	}
	i := slices.Index(f.headers, header)
	if i < 0 {
		if i = len(f.headers); i == maxHeaders {
			return field{}, fmt.Errorf("access log format: at most %d request fields can be logged", maxHeaders)
		}
		f.headers = append(f.headers, header)
	}
	return part(func(e *Entry) span { return e.headers[i] }), nil
}

func (f *Format) json() error {
	for i, name := range jsonFields {
		p, err := f.field(name)
		if err != nil {
			return err
		}
		open := ","
		if i == 0 {
			open = "{"
		}
		key := strings.ReplaceAll(strings.TrimPrefix(name, "header:"), "-", "_")
		f.parts = append(f.parts, formatPart{literal: []byte(open + `"` + key + `":`), field: p, json: true})
	}
	f.parts = append(f.parts, formatPart{literal: []byte("}")})
	return nil
}

// Append appends the line of a finished entry, without an end of line.
func (f *Format) Append(dst []byte, e *Entry) []byte {
	for i := range f.parts {
		p := &f.parts[i]
		dst = append(dst, p.literal...)
		if p.field.append == nil {
			continue
		}
		at := len(dst)
		switch {
		case !p.json:
			if dst = p.field.append(dst, e); len(dst) == at {
				dst = append(dst, '-')
			} else if !p.field.number {
				dst = escape(dst, at, false)
			}
		case p.field.number:
			dst = p.field.append(dst, e)
		default:
			dst = append(dst, '"')
			dst = escape(p.field.append(dst, e), at+1, true)
			dst = append(dst, '"')
		}
	}
	return dst
}

// escape makes dst[at:] safe inside quotes. In JSON what is not UTF-8 becomes the
// replacement character; in a template it is written as \xHH.
func escape(dst []byte, at int, json bool) []byte {
	i := at
	for i < len(dst) && dst[i] >= ' ' && dst[i] < 0x7f && dst[i] != '"' && dst[i] != '\\' {
		i++
	}
	if i == len(dst) { // nearly always
		return dst
	}
	raw := string(dst[i:])
	dst = dst[:i]
	for len(raw) > 0 {
		r, n := utf8.DecodeRuneInString(raw)
		switch bad := r == utf8.RuneError && n == 1; {
		case raw[0] == '"' || raw[0] == '\\':
			dst = append(dst, '\\', raw[0])
		case bad && json:
			dst = append(dst, `\ufffd`...)
		case (r < ' ' || r >= 0x7f && r < 0xa0) && json:
			dst = append(dst, `\u00`...)
			dst = hex.AppendEncode(dst, []byte{byte(r)})
		case bad || r < ' ' || r >= 0x7f && r < 0xa0:
			for i := range n {
				dst = append(dst, `\x`...)
				dst = hex.AppendEncode(dst, []byte{raw[i]})
			}
		default:
			dst = append(dst, raw[:n]...)
		}
		raw = raw[n:]
	}
	return dst
}
