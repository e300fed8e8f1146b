package octavia

import (
	"bytes"
	"encoding/json"
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
	fields map[string]json.RawMessage
	left   map[string]struct{} // not read yet
	err    error
	sketch *openapi.Schema // instead of fields: what is read is noted
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
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return decodeObject(body, arg, wrapper)
}

func decodeObject(body []byte, arg, wrapper string) (*object, error) {
	inner, err := unwrap(body, arg, wrapper)
	if err != nil {
		return nil, err
	}
	o, ok, err := newObject(inner, arg+"."+wrapper)
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
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	outer, err := unwrap(body, arg, wrapper)
	if err != nil {
		return nil, err
	}
	return newObjects(outer, arg, wrapper)
}

// unwrap checks a body as a whole and takes what is at wrapper out of it.
func unwrap(body []byte, arg, wrapper string) (json.RawMessage, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, invalid("Missing argument: \"%s\"", arg)
	}
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errNotJSON
	}
	outer, ok, err := newObject(body, arg)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, badValue(arg, body, "Value should be an object")
	}
	inner, has := outer.take(wrapper)
	if err := outer.done(); err != nil {
		return nil, err
	}
	if !has || isNull(inner) {
		return nil, missingField(wrapper)
	}
	return inner, nil
}

// newObjects splits a list of objects; key is its own name, below path.
func newObjects(raw []byte, path, key string) ([]*object, error) {
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		return nil, badValue(key, raw, "Value not a valid list: "+pythonText(raw))
	}
	if len(items) > maxItems {
		return nil, badValue(key, raw, fmt.Sprintf("Value should have at most %d items", maxItems))
	}
	out := make([]*object, 0, len(items))
	for _, it := range items {
		o, ok, err := newObject(it, path+"."+key)
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
	out, err := newObjects(raw, o.path, key)
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
	in, ok, err := newObject(raw, o.path+"."+key)
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
func newObject(raw []byte, path string) (o *object, ok bool, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false, nil
	}
	o = &object{path: path, fields: map[string]json.RawMessage{}, left: map[string]struct{}{}}
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

// maxShown bounds what a message repeats of a request, in bytes.
const maxShown = 256

func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "..."
}

// pythonText shows a JSON value the way Octavia's messages do: Python's str(),
// cut short.
func pythonText(raw []byte) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return shorten(string(raw))
	}
	if s, ok := v.(string); ok {
		return shorten(s)
	}
	return shorten(pythonRepr(v))
}

func pythonRepr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return "'" + v + "'"
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, pythonRepr(x))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case map[string]any:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, "'"+k+"': "+pythonRepr(v[k]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
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
