package octavia

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
)

// Opt is an attribute of a request: absent, null, or a value. The difference
// matters: null resets, absent leaves alone (contract 2.4).
type Opt[T any] struct {
	Set, Null bool
	V         T
}

// Given reports whether there is a value.
func (o Opt[T]) Given() bool { return o.Set && !o.Null }

// Or is the value, or def when the attribute is absent or null.
func (o Opt[T]) Or(def T) T {
	if o.Given() {
		return o.V
	}
	return def
}

// Patch is for updates: nil when absent, reset when null, else the value.
func (o Opt[T]) Patch(reset T) *T {
	switch {
	case !o.Set:
		return nil
	case o.Null:
		return &reset
	}
	return &o.V
}

// patchList is Patch for lists: null and [] are the reset, never a nil slice,
// which an entry of the log could not tell from an absent attribute.
func patchList[T any](o Opt[[]T], reset []T) *[]T {
	if !o.Set {
		return nil
	}
	out := o.V
	if o.Null {
		out = reset
	}
	if out == nil {
		out = []T{}
	}
	return &out
}

// object is the attributes of one resource in a request. Readers (types.go)
// take attributes out of it and note the first wrong value; done refuses what
// is left over.
type object struct {
	path   string // for messages: "listener_.listener"
	whole  *body  // what the object came in
	fields map[string]json.RawMessage
	left   map[string]struct{} // not read yet
	err    error
	sketch *openapi.Schema // instead of fields: what is read is noted
}

// body is the body of a request. Octavia converts it to its types before it looks
// at attributes, and blames the body for what cannot be converted (contract 6.4).
type body struct {
	arg string // the name that messages give it
	raw []byte
}

// Reasons that blame the body end with the value.
const (
	notBoolean = "Value not an unambiguous boolean: "
	notList    = "Value not a valid list: "
	notDict    = "Value not a valid dict: "
	notInteger = "invalid literal for int() with base 10: "
	notNumber  = "could not convert string to float: "
)

// bad is the fault for a value of an attribute: of the body, when it has not the
// JSON type that the attribute needs.
func (b *body) bad(key string, raw []byte, reason string) error {
	for _, r := range []string{notBoolean, notList, notDict, notInteger, notNumber} {
		if strings.HasPrefix(reason, r) {
			return invalid("Invalid input for field/attribute %s. Value: '%s'. %s", b.arg, cut(pythonRepr(b.raw), maxBodyShown), reason)
		}
	}
	return badValue(key, raw, reason)
}

// sketched is an object that notes what is read of it.
func sketched(path string) *object { return &object{path: path, sketch: openapi.Object()} }

// note adds an attribute to a sketch and reports whether there is one.
func (o *object) note(key string, s *openapi.Schema) bool {
	if o.sketch == nil {
		return false
	}
	o.sketch.Add(key, s)
	return true
}

var errNotJSON = invalid("Request is not in valid JSON format")

// readObject takes the resource at the key wrapper out of a request's body.
// arg is the name that messages give the body (contract 6.4).
func readObject(c echo.Context, arg, wrapper string) (*object, error) {
	if s := openapi.From(c.Request().Context()); s != nil {
		o := sketched(arg + "." + wrapper)
		s.Root = openapi.Wrap(wrapper, o.sketch)
		return o, nil
	}
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return decodeObject(raw, arg, wrapper)
}

func decodeObject(raw []byte, arg, wrapper string) (*object, error) {
	whole := &body{arg, raw}
	inner, err := whole.unwrap(wrapper)
	if err != nil {
		return nil, err
	}
	o, ok, err := newObject(whole, inner, arg+"."+wrapper)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, badValue(wrapper, inner, "Value should be an object")
	}
	return o, nil
}

// readList is readObject for a wrapper that holds a list of objects.
func readList(c echo.Context, arg, wrapper string) ([]*object, error) {
	if s := openapi.From(c.Request().Context()); s != nil {
		o := sketched(arg + "." + wrapper)
		s.Root = openapi.Wrap(wrapper, openapi.List(o.sketch))
		return []*object{o}, nil
	}
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	whole := &body{arg, raw}
	outer, err := whole.unwrap(wrapper)
	if err != nil {
		return nil, err
	}
	return newObjects(whole, outer, arg, wrapper)
}

// noObject says that a body lacks its object.
type noObject struct{ error }

// Unwrap makes it the fault that it is.
func (e noObject) Unwrap() error { return e.error }

// orGone is for updates: that the object in the path is none, or not the caller's to
// change, comes before that the body lacks one.
func orGone[T any](c echo.Context, err error, find func(echo.Context) (T, error)) error {
	if _, ok := errors.AsType[noObject](err); ok {
		if _, gone := find(c); gone != nil {
			return gone
		}
	}
	return err
}

// unwrap checks the body as a whole and takes what is at wrapper out of it.
func (b *body) unwrap(wrapper string) (json.RawMessage, error) {
	if len(bytes.TrimSpace(b.raw)) == 0 {
		return nil, invalid("Missing argument: \"%s\"", b.arg)
	}
	if !utf8.Valid(b.raw) || !json.Valid(b.raw) {
		return nil, errNotJSON
	}
	outer, ok, err := newObject(b, b.raw, b.arg)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, badValue(b.arg, b.raw, "Value should be an object")
	}
	inner, has := outer.take(wrapper)
	if err := outer.done(); err != nil {
		return nil, err
	}
	if !has || isNull(inner) {
		return nil, noObject{missingField(wrapper)}
	}
	return inner, nil
}

// newObjects splits a list of objects; key is its own name, below path.
func newObjects(whole *body, raw []byte, path, key string) ([]*object, error) {
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		return nil, whole.bad(key, raw, notList+pythonText(raw))
	}
	if len(items) > maxItems {
		return nil, badValue(key, raw, fmt.Sprintf("Value should have at most %d items", maxItems))
	}
	out := make([]*object, 0, len(items))
	for _, it := range items {
		o, ok, err := newObject(whole, it, path+"."+key)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, badValue(key, it, "Value should be an object")
		}
		out = append(out, o)
	}
	return out, nil
}

// children takes a list of objects; absent and null are an empty one.
func (o *object) children(key string) []*object {
	if o.sketch != nil {
		in := sketched(o.path + "." + key)
		o.note(key, openapi.List(in.sketch))
		return []*object{in}
	}
	raw, ok := o.take(key)
	if !ok || isNull(raw) {
		return nil
	}
	out, err := newObjects(o.whole, raw, o.path, key)
	if err != nil {
		o.fail(err)
	}
	return out
}

// child takes an object; nil when it is absent or null.
func (o *object) child(key string) *object {
	if o.sketch != nil {
		in := sketched(o.path + "." + key)
		o.note(key, in.sketch)
		return in
	}
	raw, ok := o.take(key)
	if !ok || isNull(raw) {
		return nil
	}
	in, ok, err := newObject(o.whole, raw, o.path+"."+key)
	switch {
	case err != nil:
		o.fail(err)
		return nil
	case !ok:
		o.fail(badValue(key, raw, "Value should be an object"))
		return nil
	}
	return in
}

// newObject splits valid JSON into attributes; ok is false when it is not an
// object. A key that comes twice is refused: parsers disagree about which counts.
func newObject(whole *body, raw []byte, path string) (o *object, ok bool, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false, nil
	}
	o = &object{path: path, whole: whole, fields: map[string]json.RawMessage{}, left: map[string]struct{}{}}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, false, errNotJSON
		}
		key, isString := t.(string)
		var v json.RawMessage
		if err := d.Decode(&v); err != nil || !isString {
			return nil, false, errNotJSON
		}
		if _, twice := o.fields[key]; twice {
			return nil, false, badValue(key, v, "Attribute is given twice")
		}
		o.fields[key] = v
		o.left[key] = struct{}{}
	}
	return o, true, nil
}

// take reads an attribute as it came; ok is false when it is absent.
func (o *object) take(key string) (raw json.RawMessage, ok bool) {
	raw, ok = o.fields[key]
	delete(o.left, key)
	return raw, ok
}

// done refuses attributes that nobody read, and else returns the first wrong value.
func (o *object) done() error {
	if o.sketch != nil {
		return openapi.ErrSketched
	}
	unknown := slices.Sorted(maps.Keys(o.left))
	for i, k := range unknown {
		unknown[i] = shorten(k)
	}
	switch {
	case len(unknown) == 1:
		return invalid("Unknown attribute for argument %s: %s", o.path, unknown[0])
	case len(unknown) > 10:
		return invalid("Unknown attributes for argument %s: %s, ...", o.path, strings.Join(unknown[:10], ", "))
	case len(unknown) > 1:
		return invalid("Unknown attributes for argument %s: %s", o.path, strings.Join(unknown, ", "))
	}
	return o.err
}

// fail notes the first wrong value.
func (o *object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

func badValue(field string, raw []byte, reason string) error {
	return invalid("Invalid input for field/attribute %s. Value: '%s'. %s", shorten(field), pythonText(raw), reason)
}

func missingField(field string) error {
	return invalid("Invalid input for field/attribute %s. Value: 'None'. Mandatory field missing.", field)
}

func isNull(raw []byte) bool { return string(raw) == "null" }

// Bounds for what a message repeats of a request, in bytes: of one value, and of
// the whole.
const (
	maxShown     = 256
	maxBodyShown = 512
)

func shorten(s string) string { return cut(s, maxShown) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// pythonText shows a JSON value the way Octavia's messages do: Python's str(),
// cut short.
func pythonText(raw []byte) string {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return shorten(s)
	}
	return shorten(pythonRepr(raw))
}

func pythonList(items []string) string {
	return "['" + strings.Join(items, "', '") + "']"
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// present reads an attribute whatever it is, and reports whether it says anything.
func (o *object) present(key string) bool {
	if o.note(key, &openapi.Schema{}) {
		return false
	}
	raw, ok := o.take(key)
	return ok && !isNull(raw)
}
