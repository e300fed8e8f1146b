package keymanager

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
)

// body is the object of a request. Each method takes one property and remembers
// the first fault; what nobody took is ignored as Barbican does, unless a
// schema is closed.
type body struct {
	schema string
	m      map[string]json.RawMessage
	err    error
	sketch *openapi.Schema // instead of m: what is taken is noted, and err is set
}

// sketched is a body that notes what is taken from it.
func sketched() *body { return &body{err: openapi.ErrSketched, sketch: openapi.Object()} }

// note adds a property to a sketch, if b is one.
func (b *body) note(key string, s *openapi.Schema) { b.sketch.Add(key, s) }

func readBody(c echo.Context, schema string) (*body, error) {
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, err // the client left
	}
	b := &body{schema: schema}
	if !utf8.Valid(raw) || json.Unmarshal(raw, &b.m) != nil || b.m == nil {
		return nil, refuse(http.StatusBadRequest, "Malformed JSON")
	}
	return b, nil
}

func (b *body) fail(property, format string, args ...any) {
	if b.err == nil {
		b.err = badShape(b.schema, property, format, args...)
	}
}

func (b *body) take(key string) (json.RawMessage, bool) {
	b.note(key, &openapi.Schema{}) // whoever knows more has said it
	v, ok := b.m[key]
	delete(b.m, key)
	return v, ok
}

// text is a string of least to most characters, stripped of white space around
// it; absent and null are "".
func (b *body) text(key string, least, most int) string {
	if b.note(key, openapi.Text(most)); least > 0 {
		b.sketch.Need(key)
	}
	v, ok := b.take(key)
	if !ok || string(v) == "null" {
		if least > 0 {
			b.fail(key, "'%s' is a required property", key)
		}
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		b.fail(key, "%s is not of type 'string'", shown(v))
		return ""
	}
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n > most {
		b.fail(key, "%d characters are too long", n)
	} else if n < least {
		b.fail(key, "'%s' is too short", s)
	}
	return s
}

// word is one of few strings.
func (b *body) word(key, otherwise string, words ...string) string {
	b.note(key, openapi.Words(words...))
	s := b.text(key, 0, 255)
	if s == "" {
		return otherwise
	}
	if !slices.Contains(words, s) {
		b.fail(key, "'%.64s' is not one of ['%s']", s, strings.Join(words, "', '"))
	}
	return s
}

// integer is a number of least to most; absent and null are 0.
func (b *body) integer(key string, least, most int) int {
	b.note(key, openapi.Integer(least, most))
	v, ok := b.take(key)
	if !ok || string(v) == "null" {
		return 0
	}
	var n int
	if json.Unmarshal(v, &n) != nil {
		b.fail(key, "%s is not of type 'integer'", shown(v))
		return 0
	}
	if n < least || n > most {
		b.fail(key, "%d is not from %d to %d", n, least, most)
	}
	return n
}

// shown is a value as a refusal quotes it, cut where it is long.
func shown(v json.RawMessage) string {
	s := string(v)
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "..."
	}
	return s
}

// closed refuses properties that nobody took.
func (b *body) closed() {
	keys := make([]string, 0, len(b.m))
	for k := range b.m {
		keys = append(keys, k)
	}
	if len(keys) > 0 {
		k := slices.Min(keys)
		b.fail(k, "Additional properties are not allowed ('%.64s' was unexpected)", k)
	}
}
