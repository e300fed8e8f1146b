package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// Bounds of attributes, in characters, as Keystone's schemas have them where
// they have any.
const (
	maxProjectName = 64
	maxName        = 255
	maxText        = 4096
	maxTags        = 80
	maxTag         = 255
)

// attrs are the attributes of one object in a request. Readers note the first
// wrong value in err. Attributes that nobody reads are the client's own (extra) where
// the object has such, and else ignored, as Keystone does.
type attrs struct {
	of     map[string]json.RawMessage
	err    error
	known  map[string]bool // what was read
	sketch *openapi.Schema // instead of of: what is read is noted, and err is set
}

// sketched is what notes what is read of it.
func sketched() *attrs { return &attrs{err: openapi.ErrSketched, sketch: openapi.Object()} }

func (a *attrs) note(name string, s *openapi.Schema) {
	if a.known == nil {
		a.known = map[string]bool{}
	}
	a.known[name] = true
	a.sketch.Add(name, s)
}

// never are names that cannot be a client's own: answers have them, or they are secret.
var never = []string{"id", "links", "password", "original_password", "password_expires_at"}

// extra are the attributes that nobody has read. It is the last reader.
func (a *attrs) extra() model.Extra {
	out := model.Extra{}
	for name, v := range a.of {
		if !a.known[name] && !slices.Contains(never, name) {
			out[name] = v
		}
	}
	if err := store.CheckExtra(out); err != nil {
		a.fail(err)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// withExtra adds attributes of a client's own to an answer. Lists are not filtered by
// them, as Keystone's are not.
func withExtra(body map[string]any, e model.Extra) map[string]any {
	for name, raw := range e {
		if _, has := body[name]; !has {
			body[name] = raw
		}
	}
	return body
}

// writing is the kind and payload of a write: one that builds of every level read, unless
// there are attributes of a client's own.
func writing(plain store.CommandKind, payload any, e model.Extra, with store.DirectoryPut) (store.CommandKind, any) {
	if len(e) == 0 {
		return plain, payload
	}
	return store.DirectoryWrite, &with
}

// need refuses attributes without this one.
func (a *attrs) need(name string) {
	a.sketch.Need(name)
	a.fail(invalid("'%s' is a required property", name))
}

// readAttrs takes the object at key out of a request's body.
func readAttrs(c echo.Context, key string) (*attrs, error) {
	if s := openapi.From(c.Request().Context()); s != nil {
		a := sketched()
		s.Root = openapi.Wrap(key, a.sketch)
		return a, nil
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, err // the body limit, or the client left
	}
	return decodeAttrs(b, key)
}

// readBare is readAttrs for a body without an envelope.
func readBare(c echo.Context) (*attrs, error) {
	if s := openapi.From(c.Request().Context()); s != nil {
		a := sketched()
		s.Root = a.sketch
		return a, nil
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, err
	}
	return decodeBare(b)
}

func decodeBare(b []byte) (*attrs, error) {
	a := &attrs{}
	if !utf8.Valid(b) || json.Unmarshal(b, &a.of) != nil || a.of == nil {
		return nil, invalid("The server could not comply with the request since it is either malformed or otherwise incorrect: the body is no JSON object.")
	}
	return a, nil
}

func decodeAttrs(b []byte, key string) (*attrs, error) {
	outer, err := decodeBare(b)
	if err != nil {
		return nil, err
	}
	inner, ok := outer.of[key]
	if !ok {
		return nil, invalid("'%s' is a required property", key)
	}
	a := &attrs{}
	if json.Unmarshal(inner, &a.of) != nil || a.of == nil {
		return nil, wrongType(key, inner, "object")
	}
	return a, nil
}

func wrongType(name string, v json.RawMessage, want string) error {
	return invalid("Invalid input for field '%s': %s is not of type '%s'", name, excerpt(v), want)
}

func excerpt(v json.RawMessage) string {
	if len(v) > 60 {
		return string(bytes.ToValidUTF8(v[:60], nil)) + "..."
	}
	return string(v)
}

func (a *attrs) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *attrs) isNull(name string) bool { return string(a.of[name]) == "null" }

// text is a string of at most most characters; nil when absent, "" for null.
func (a *attrs) text(name string, most int) *string {
	a.note(name, openapi.Text(most))
	raw, ok := a.of[name]
	if !ok {
		return nil
	}
	s := ""
	if json.Unmarshal(raw, &s) != nil {
		a.fail(wrongType(name, raw, "string"))
		return nil
	}
	if utf8.RuneCountInString(s) > most {
		a.fail(invalid("Invalid input for field '%s': it is longer than %d characters", name, most))
		return nil
	}
	return &s
}

// name is a string that may not be empty or null.
func (a *attrs) name(key string, most int) *string {
	s := a.text(key, most)
	if s != nil && len(bytes.TrimSpace([]byte(*s))) == 0 {
		a.fail(invalid("Invalid input for field '%s': it must not be empty", key))
	}
	return s
}

// needName is name for an attribute that must be there.
func (a *attrs) needName(key string, most int) string {
	s := a.name(key, most)
	if s == nil {
		a.need(key)
		return ""
	}
	return *s
}

// flag is a boolean; nil when absent.
func (a *attrs) flag(name string) *bool {
	a.note(name, &openapi.Schema{Type: "boolean"})
	raw, ok := a.of[name]
	if !ok {
		return nil
	}
	var b *bool
	if json.Unmarshal(raw, &b) != nil || b == nil {
		a.fail(wrongType(name, raw, "boolean"))
		return nil
	}
	return b
}

// tags is a list of names; nil when absent.
func (a *attrs) tags() *[]string {
	a.note("tags", openapi.List(openapi.Text(maxTag)))
	raw, ok := a.of["tags"]
	if !ok {
		return nil
	}
	var in []string
	if json.Unmarshal(raw, &in) != nil || in == nil {
		a.fail(wrongType("tags", raw, "array"))
		return nil
	}
	out, err := checkTags(in)
	if err != nil {
		a.fail(err)
	}
	return &out
}

// checkTags drops repeated tags and refuses impossible ones.
func checkTags(in []string) ([]string, error) {
	out := []string{}
	seen := map[string]bool{}
	for _, t := range in {
		if t == "" || utf8.RuneCountInString(t) > maxTag || bytes.ContainsAny([]byte(t), ",/") {
			return nil, invalid("Invalid input for field 'tags': a tag has 1 to %d characters, none of them a comma or a slash", maxTag)
		}
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	if len(out) > maxTags {
		return nil, invalid("Invalid input for field 'tags': there are more than %d", maxTags)
	}
	return out, nil
}

// noOptions refuses resource options: none of Keystone's has an effect here.
func (a *attrs) noOptions() {
	a.note("options", &openapi.Schema{Type: "object"})
	raw, ok := a.of["options"]
	if !ok {
		return
	}
	var in map[string]json.RawMessage
	if json.Unmarshal(raw, &in) != nil {
		a.fail(wrongType("options", raw, "object"))
	}
	for name, v := range in {
		if s := string(v); s != "null" && s != "false" {
			a.fail(unsupported(fmt.Sprintf("the option '%.60s'", name)))
		}
	}
}

// fixed refuses to change an attribute that stays as it is.
func (a *attrs) fixed(name, is string) {
	if s := a.text(name, maxText); s != nil && *s != is && !(a.isNull(name) && is == "") {
		a.fail(invalid("Cannot change '%s'.", name))
	}
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
