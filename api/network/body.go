package network

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
	"lbd/store/model"
)

// maxText bounds names and descriptions, in characters (Neutron's limit).
const maxText = 255

// body is the object of a request. Each method takes one attribute: it returns
// nil where the attribute is absent, and remembers the first fault. What nobody
// took is unknown, which done reports.
type body struct {
	m      map[string]json.RawMessage
	err    error
	sketch *openapi.Schema // instead of m: what is taken is noted
}

// sketched is a body that notes what is taken from it.
func sketched() *body { return &body{sketch: openapi.Object()} }

// note adds an attribute to a sketch, if b is one.
func (b *body) note(key string, s *openapi.Schema) { b.sketch.Add(key, s) }

// has tells whether an attribute is there, as in a sketch all are.
func (b *body) has(key string) bool {
	_, ok := b.m[key]
	return ok || b.sketch != nil
}

// need refuses a body without the attribute.
func (b *body) need(key string) {
	b.sketch.Need(key)
	b.fail(required(key))
}

// readBody reads {"wrapper": {...}}.
func readBody(c echo.Context, wrapper string) (*body, error) {
	outer, err := readObject(c)
	if err != nil {
		return nil, err
	}
	return outer.inside(wrapper)
}

// inside is the object that is all of b.
func (b *body) inside(wrapper string) (*body, error) {
	if b.sketch != nil {
		in := sketched()
		b.sketch.Add(wrapper, in.sketch)
		b.sketch.Need(wrapper)
		return in, nil
	}
	raw, ok := b.m[wrapper]
	if !ok || len(b.m) != 1 {
		return nil, badRequest("Unable to find '%s' in request body", wrapper)
	}
	m, err := object(raw)
	if err != nil {
		return nil, err
	}
	return &body{m: m}, nil
}

// readObject reads {...}.
func readObject(c echo.Context) (*body, error) {
	if s := openapi.From(c.Request().Context()); s != nil {
		b := sketched()
		s.Root = b.sketch
		return b, nil
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, err // the server's limit, or the client left
	}
	m, err := object(b)
	if err != nil {
		return nil, err
	}
	return &body{m: m}, nil
}

// object splits a JSON object into its members. A key that comes twice is
// refused: readers disagree on which one counts.
func object(b []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(b) {
		return nil, badRequest("The request body is not UTF-8.")
	}
	if !json.Valid(b) {
		return nil, badRequest("The request body is not valid JSON.")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, badRequest("A JSON object is expected.")
	}
	m := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, badRequest("The request body is not valid JSON.")
		}
		key, _ := t.(string)
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, badRequest("The request body is not valid JSON.")
		}
		if _, ok := m[key]; ok {
			return nil, badRequest("Attribute '%s' comes twice.", key)
		}
		m[key] = v
	}
	return m, nil
}

func (b *body) take(key string) (json.RawMessage, bool) {
	b.note(key, &openapi.Schema{}) // whoever knows more has said it
	v, ok := b.m[key]
	delete(b.m, key)
	return v, ok
}

func (b *body) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// done is the first fault, or that attributes are left over.
func (b *body) done() error {
	if b.sketch != nil {
		return openapi.ErrSketched
	}
	if b.err != nil || len(b.m) == 0 {
		return b.err
	}
	keys := make([]string, 0, len(b.m))
	for k := range b.m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return badRequest("Unrecognized attribute(s) '%s'", shorten(strings.Join(keys, ", ")))
}

func isNull(v json.RawMessage) bool { return string(v) == "null" }

// text is a string of at most maxText characters; null is the empty one.
func (b *body) text(key string) *string {
	b.note(key, openapi.Text(maxText))
	v, ok := b.take(key)
	if !ok {
		return nil
	}
	s := ""
	if isNull(v) {
		return &s
	}
	if json.Unmarshal(v, &s) != nil {
		b.fail(badInput(key, "'%s' is not a valid string.", v))
		return nil
	}
	if n := utf8.RuneCountInString(s); n > maxText {
		b.fail(badInput(key, "%d characters are more than %d.", n, maxText))
		return nil
	}
	return &s
}

// id is like text, as the id of something.
func id[S ~string](b *body, key string) *S {
	s := b.text(key)
	if s == nil {
		return nil
	}
	out := S(*s)
	return &out
}

func (b *body) boolean(key string) *bool {
	b.note(key, &openapi.Schema{Type: "boolean"})
	v, ok := b.take(key)
	if !ok {
		return nil
	}
	if out, ok := truth(strings.Trim(string(v), `"`)); ok {
		return &out
	}
	b.fail(badInput(key, "'%s' is not a valid boolean.", v))
	return nil
}

// truth reads what clients write for a boolean.
func truth(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on", "t":
		return true, true
	case "false", "0", "no", "off", "f":
		return false, true
	}
	return false, false
}

// integer is a number, also one in quotes; null counts as absent.
func (b *body) integer(key string, least, most int) *int {
	b.note(key, openapi.Integer(least, most))
	v, ok := b.take(key)
	if !ok || isNull(v) {
		return nil
	}
	n, err := strconv.Atoi(strings.Trim(string(v), `"`))
	if err != nil || n < least || n > most {
		b.fail(badInput(key, "'%s' is not a number from %d to %d.", v, least, most))
		return nil
	}
	return &n
}

// addr is an IP address; null is the zero address.
func (b *body) addr(key string) *netip.Addr {
	b.note(key, openapi.Format("ip"))
	v, ok := b.take(key)
	if !ok {
		return nil
	}
	if isNull(v) {
		return &netip.Addr{}
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		if a, err := parseAddr(s); err == nil {
			return &a
		}
	}
	b.fail(badInput(key, "'%s' is not a valid IP address.", v))
	return nil
}

var errAddr = errors.New("not an IP address")

// parseAddr takes no zones: addresses travel between machines.
func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errAddr
	}
	return a.Unmap(), nil
}

// list calls each for every object of a list; null and absent are no list.
func (b *body) list(key string, each func(*body)) (given bool) {
	if b.sketch != nil {
		one := sketched()
		each(one)
		b.note(key, openapi.List(one.sketch))
		return false
	}
	v, ok := b.take(key)
	if !ok || isNull(v) {
		return false
	}
	var items []json.RawMessage
	if json.Unmarshal(v, &items) != nil {
		b.fail(badInput(key, "'%s' is not a list.", v))
		return false
	}
	for _, item := range items {
		m, err := object(item)
		if err != nil {
			b.fail(badInput(key, "'%s' is not an object.", item))
			return true
		}
		one := &body{m: m}
		each(one)
		if err := one.done(); err != nil {
			b.fail(err)
			return true
		}
	}
	return true
}

// texts is a list of strings; null is the empty list.
func (b *body) texts(key string) *[]string {
	b.note(key, openapi.List(openapi.Text(maxText)))
	v, ok := b.take(key)
	if !ok {
		return nil
	}
	in := []*string{}
	out := []string{}
	if json.Unmarshal(v, &in) != nil {
		b.fail(badInput(key, "'%s' is not a list of strings.", v))
		return nil
	}
	for _, s := range in {
		if s == nil || utf8.RuneCountInString(*s) > maxText {
			b.fail(badInput(key, "an entry is no string of at most %d characters.", maxText))
			return nil
		}
		out = append(out, *s)
	}
	return &out
}

func required(key string) error {
	return badRequest("Failed to parse request. Required attribute '%s' not specified", key)
}

// only takes an attribute that lbd knows but cannot set: null, or one of the
// given JSON texts (what is true anyway), may be sent.
func (b *body) only(key string, truths ...string) {
	v, ok := b.take(key)
	if !ok || isNull(v) {
		return
	}
	var compact bytes.Buffer
	if json.Compact(&compact, v) == nil && slices.Contains(truths, compact.String()) {
		return
	}
	b.fail(badInput(key, "'%s' is not supported, only null%s.", v, orText(truths)))
}

// project is the owner: the caller's project, or any for an admin.
func (b *body) project(c echo.Context) model.ProjectID {
	own := caller(c).Project
	for _, key := range []string{"tenant_id", "project_id"} {
		p := id[model.ProjectID](b, key)
		if p == nil || *p == "" || *p == own {
			continue
		}
		if !caller(c).IsCloudAdmin() {
			b.fail(forbidden("Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges"))
		}
		own = *p
	}
	return own
}

// or is *p, or otherwise where p is nil.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func orText(truths []string) string {
	if len(truths) == 0 {
		return ""
	}
	return " or " + strings.Join(truths, " or ")
}
