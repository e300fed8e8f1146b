package route

import (
	"fmt"
	"net/url"
	"strings"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

// Kind is what a verdict asks for.
type Kind uint8

const (
	ToPool     Kind = iota // forward to Verdict.Pool
	Reject                 // answer 403
	RedirectTo             // answer Redirect.Code with a Location
)

// Verdict is what happens to a request. The zero Verdict sends it to the zero pool.
type Verdict[P any] struct {
	Kind     Kind
	Pool     P                // with ToPool
	Redirect *Redirect        // with RedirectTo; shared, read-only
	Policy   model.L7PolicyID // that decided; "" for the default pool
}

// Redirect is a compiled redirection.
type Redirect struct {
	Code   int
	target string
	prefix bool // the request's path and query follow target
}

// NewRedirect checks target, an absolute http or https URL that becomes the
// Location, or the part before path and query with prefix. Bytes that have no
// place in a URL on the wire are escaped here, so that what comes out is visible
// ASCII whatever was stored.
func NewRedirect(code int, target string, prefix bool) (*Redirect, error) {
	switch code {
	case 0:
		code = 302
	case 301, 302, 303, 307, 308:
	default:
		return nil, fmt.Errorf("redirect code %d", code)
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("redirect to %q: no absolute http or https URL", target)
	}
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return &Redirect{Code: code, target: b.String(), prefix: prefix}, nil
}

// AppendLocation appends the value of the Location field. Path and query of a
// parsed request hold visible ASCII only, so no line can end inside it.
func (r *Redirect) AppendLocation(dst []byte, req *http1.Request) []byte {
	dst = append(dst, r.target...)
	if !r.prefix {
		return dst
	}
	if len(req.Path) > 0 && req.Path[0] == '/' { // not "*"
		dst = append(dst, req.Path...)
	}
	if req.Query != nil {
		dst = append(dst, '?')
		dst = append(dst, req.Query...)
	}
	return dst
}
