package route

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

// rule is one compiled condition. The model's enabled rules of a policy must all
// hold.
type rule struct {
	kind   model.L7RuleType
	cmp    model.L7Compare
	key    string // COOKIE, SSL_DN_FIELD: as stored; HEADER: lower case
	value  string // HOST_NAME: lower case
	number int    // SSL_VERIFY_RESULT
	re     *regexp.Regexp
	invert bool
}

// compileRule checks r. What the API lets in compiles; the rest is an error.
func compileRule(r *model.L7Rule) (rule, error) {
	out := rule{kind: r.Type, cmp: r.Compare, key: r.Key, value: r.Value, invert: r.Invert}
	switch r.Compare {
	case model.L7EqualTo, model.L7StartsWith, model.L7EndsWith, model.L7Contains, model.L7Regex:
	default:
		return rule{}, fmt.Errorf("compare type %q", r.Compare)
	}
	switch r.Type {
	case model.L7HostName:
		out.value = strings.ToLower(r.Value)
	case model.L7Path, model.L7Cookie, model.L7SSLDNField:
	case model.L7FileType:
		out.value = strings.TrimPrefix(r.Value, ".")
		if r.Compare != model.L7EqualTo && r.Compare != model.L7Regex {
			return rule{}, fmt.Errorf("compare type %s of a %s rule", r.Compare, r.Type)
		}
	case model.L7Header:
		out.key = strings.ToLower(r.Key)
		// A value with blanks is stored in quotes.
		if v := r.Value; r.Compare != model.L7Regex && len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			out.value = v[1 : len(v)-1]
		}
	case model.L7SSLConnHasCert:
	case model.L7SSLVerifyResult:
		n, err := strconv.Atoi(r.Value)
		if err != nil {
			return rule{}, fmt.Errorf("verify result %q is no number", r.Value)
		}
		out.number = n
	default:
		return rule{}, fmt.Errorf("rule type %q", r.Type)
	}
	if r.Compare == model.L7Regex {
		expr := r.Value
		if r.Type == model.L7HostName {
			expr = "(?i:" + expr + ")"
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return rule{}, fmt.Errorf("regular expression: %w", err)
		}
		out.re = re
	}
	return out, nil
}

// holds reports whether the rule is true of a request.
func (r *rule) holds(f *facts) bool { return r.found(f) != r.invert }

func (r *rule) found(f *facts) bool {
	switch r.kind {
	case model.L7HostName:
		return f.host != nil && r.matchFold(f.host)
	case model.L7Path:
		return f.path != nil && r.match(f.path)
	case model.L7FileType:
		return r.fileType(f.path)
	case model.L7Header:
		return r.header(f.req)
	case model.L7Cookie:
		return r.cookie(f.req)
	}
	t := f.client.TLS
	if t == nil {
		return false
	}
	switch r.kind {
	case model.L7SSLConnHasCert:
		return t.HasCert
	case model.L7SSLVerifyResult:
		return t.VerifyResult == r.number
	default: // SSL_DN_FIELD
		v, ok := t.Fields[r.key]
		return ok && r.matchString(v)
	}
}

func (r *rule) match(b []byte) bool {
	switch r.cmp {
	case model.L7EqualTo:
		return string(b) == r.value
	case model.L7StartsWith:
		return len(b) >= len(r.value) && string(b[:len(r.value)]) == r.value
	case model.L7EndsWith:
		return len(b) >= len(r.value) && string(b[len(b)-len(r.value):]) == r.value
	case model.L7Contains:
		return containsString(b, r.value)
	default:
		return r.re.Match(b)
	}
}

func (r *rule) matchString(s string) bool {
	switch r.cmp {
	case model.L7EqualTo:
		return s == r.value
	case model.L7StartsWith:
		return strings.HasPrefix(s, r.value)
	case model.L7EndsWith:
		return strings.HasSuffix(s, r.value)
	case model.L7Contains:
		return strings.Contains(s, r.value)
	default:
		return r.re.MatchString(s)
	}
}

// matchFold is match without regard to case; r.value is lower case.
func (r *rule) matchFold(b []byte) bool {
	n := len(r.value)
	switch r.cmp {
	case model.L7EqualTo:
		return http1.Is(b, r.value)
	case model.L7StartsWith:
		return len(b) >= n && http1.Is(b[:n], r.value)
	case model.L7EndsWith:
		return len(b) >= n && http1.Is(b[len(b)-n:], r.value)
	case model.L7Contains:
		for i := 0; i+n <= len(b); i++ {
			if http1.Is(b[i:i+n], r.value) {
				return true
			}
		}
		return false
	default:
		return r.re.Match(b)
	}
}

// fileType compares the extension of the path's last segment. A regular
// expression may mean the extension or, as with HAProxy, the path that it ends.
func (r *rule) fileType(path []byte) bool {
	name := path[bytes.LastIndexByte(path, '/')+1:]
	dot := bytes.LastIndexByte(name, '.')
	ext := name[dot+1:]
	if r.cmp == model.L7Regex {
		return path != nil && (dot >= 0 && r.re.Match(ext) || r.re.Match(path))
	}
	return dot >= 0 && string(ext) == r.value
}

// header looks at every field line of the name, as a whole and, as HAProxy does,
// at the elements of a comma-separated one.
func (r *rule) header(req *http1.Request) bool {
	for i := range req.Fields {
		f := &req.Fields[i]
		if len(f.Name) != len(r.key) || !http1.Is(f.Name, r.key) {
			continue
		}
		if r.match(f.Value) {
			return true
		}
		if bytes.IndexByte(f.Value, ',') < 0 {
			continue
		}
		for rest := f.Value; len(rest) > 0; {
			e := rest
			rest = nil
			if k := bytes.IndexByte(e, ','); k >= 0 {
				e, rest = e[:k], e[k+1:]
			}
			if e = bytes.Trim(e, " \t"); len(e) > 0 && r.match(e) {
				return true
			}
		}
	}
	return false
}

func (r *rule) cookie(req *http1.Request) bool {
	for i := range req.Fields {
		f := &req.Fields[i]
		if len(f.Name) != 6 || !http1.Is(f.Name, "cookie") {
			continue
		}
		for rest := f.Value; len(rest) > 0; {
			var name, value []byte
			name, value, rest = http1.NextCookie(rest)
			if string(name) == r.key && r.match(value) {
				return true
			}
		}
	}
	return false
}

func containsString(b []byte, s string) bool {
	if len(s) == 0 {
		return true
	}
	for {
		i := bytes.IndexByte(b, s[0])
		if i < 0 || len(b)-i < len(s) {
			return false
		}
		if string(b[i:i+len(s)]) == s {
			return true
		}
		b = b[i+1:]
	}
}
