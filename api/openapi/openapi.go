// Package openapi describes an API in OpenAPI 3.1 from the API itself: its routes, and
// what its handlers read. A handler is run once with a Sketch in its context; whoever
// reads a body sees it, notes each attribute that is asked for instead of reading
// one, and stops the handler with ErrSketched before it does anything.
package openapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Schema is what of JSON Schema is needed here.
type Schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	Type                 any                `json:"type,omitempty"` // a name, or several
	Format               string             `json:"format,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Minimum              *int               `json:"minimum,omitempty"`
	Maximum              *int               `json:"maximum,omitempty"`
	MaxLength            int                `json:"maxLength,omitempty"`
	Items                *Schema            `json:"items,omitempty"`
	Properties           map[string]*Schema `json:"properties,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"`
	Required             []string           `json:"required,omitempty"`
}

// Route is one operation.
type Route struct {
	Method, Path string // ":name" is a parameter, as is a "*" at the end
	Public       bool   // no token is asked
	Raw          bool   // no JSON
	Refused      bool   // never done
	In, Out      *Schema
}

// Sketch is filled by whoever reads a body.
type Sketch struct {
	Root *Schema // nil: no body is read
}

// ErrSketched ends a handler whose body has been noted.
var ErrSketched = errors.New("the request was sketched")

type key struct{}

// With makes a context in which bodies are noted in s.
func With(ctx context.Context, s *Sketch) context.Context { return context.WithValue(ctx, key{}, s) }

// From is the Sketch of ctx, nil when bodies are to be read.
func From(ctx context.Context) *Sketch {
	s, _ := ctx.Value(key{}).(*Sketch)
	return s
}

// Object is an empty object's schema, which Add fills.
func Object() *Schema { return &Schema{Type: "object", Properties: map[string]*Schema{}} }

// Wrap is an object with the one property name, which it must have.
func Wrap(name string, inner *Schema) *Schema {
	return &Schema{Type: "object", Properties: map[string]*Schema{name: inner}, Required: []string{name}}
}

// Add notes a property; what is known of it already is kept. Nil notes nothing.
func (s *Schema) Add(name string, p *Schema) {
	if s == nil {
		return
	}
	if _, ok := s.Properties[name]; !ok {
		s.Properties[name] = p
	}
}

// Need notes that a property must be there. Nil notes nothing.
func (s *Schema) Need(name string) {
	if s != nil && !slices.Contains(s.Required, name) {
		s.Required = append(s.Required, name)
	}
}

// Integer is a number from low to high.
func Integer(low, high int) *Schema { return &Schema{Type: "integer", Minimum: &low, Maximum: &high} }

// Text is a string of at most most characters; 0: no bound.
func Text(most int) *Schema { return &Schema{Type: "string", MaxLength: most} }

// Words is one of some strings.
func Words(words ...string) *Schema {
	return &Schema{Type: "string", Enum: slices.Sorted(slices.Values(words))}
}

// Format is a string of a format: "uuid", "date-time", ...
func Format(f string) *Schema { return &Schema{Type: "string", Format: f} }

// List is an array of items; nil: of anything.
func List(items *Schema) *Schema { return &Schema{Type: "array", Items: items} }

// Document is the whole description.
type Document struct {
	OpenAPI    string                `json:"openapi"`
	Info       Info                  `json:"info"`
	Paths      map[string]Path       `json:"paths"`
	Components Components            `json:"components"`
	Security   []map[string][]string `json:"security"`
}

// Info names the API.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

// Path is its operations by method, in lower case.
type Path map[string]*Operation

// Operation is a method on a path.
type Operation struct {
	ID          string                `json:"operationId"`
	Tags        []string              `json:"tags"`
	Parameters  []Parameter           `json:"parameters,omitempty"`
	RequestBody *Body                 `json:"requestBody,omitempty"`
	Responses   map[string]Response   `json:"responses"`
	Security    []map[string][]string `json:"security,omitempty"`
}

// Parameter of a path.
type Parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Schema   *Schema `json:"schema"`
}

// Body of a request.
type Body struct {
	Required bool             `json:"required"`
	Content  map[string]Media `json:"content"`
}

// Media is a body in one media type.
type Media struct {
	Schema *Schema `json:"schema"`
}

// Response to a request.
type Response struct {
	Description string           `json:"description"`
	Content     map[string]Media `json:"content,omitempty"`
}

// Components are what operations refer to.
type Components struct {
	Schemas         map[string]*Schema `json:"schemas,omitempty"`
	SecuritySchemes map[string]Scheme  `json:"securitySchemes"`
}

// Scheme is a way to say who is asking.
type Scheme struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme,omitempty"`
	Name   string `json:"name,omitempty"`
	In     string `json:"in,omitempty"`
}

// Build describes routes. part names what a path belongs to.
func Build(info Info, routes []Route, part func(path string) string) *Document {
	d := &Document{
		OpenAPI: "3.1.0", Info: info, Paths: map[string]Path{},
		Components: Components{SecuritySchemes: map[string]Scheme{
			"token": {Type: "apiKey", Name: "X-Auth-Token", In: "header"},
			"basic": {Type: "http", Scheme: "basic"},
		}},
		Security: []map[string][]string{{"token": {}}, {"basic": {}}},
	}
	named := namer{names: map[string]string{}, all: map[string]*Schema{}}
	d.Components.Schemas = named.all
	sorted := slices.SortedFunc(slices.Values(routes), func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	for _, r := range sorted {
		path, params := template(r.Path)
		op := &Operation{ID: operation(r.Method, path), Tags: []string{part(r.Path)}, Parameters: params}
		if r.Public {
			op.Security = []map[string][]string{{}}
		}
		if r.In != nil {
			op.RequestBody = &Body{Required: true, Content: map[string]Media{"application/json": {named.of(op.ID+"_request", r.In)}}}
		}
		good := Response{Description: "done"}
		if r.Out != nil {
			good.Content = map[string]Media{"application/json": {named.of(op.ID+"_answer", r.Out)}}
		}
		op.Responses = map[string]Response{"2XX": good, "4XX": {Description: "refused: the body says why"}, "5XX": {Description: "not possible, or not now: the body says why"}}
		if r.Refused {
			delete(op.Responses, "2XX")
		}
		if d.Paths[path] == nil {
			d.Paths[path] = Path{}
		}
		d.Paths[path][strings.ToLower(r.Method)] = op
	}
	return d
}

// namer gives equal schemas one name.
type namer struct {
	names map[string]string // by what they say
	all   map[string]*Schema
}

func (n *namer) of(name string, s *Schema) *Schema {
	says, err := json.Marshal(s)
	if err != nil {
		return s
	}
	known, ok := n.names[string(says)]
	if !ok {
		known = name
		n.names[string(says)], n.all[name] = name, s
	}
	return &Schema{Ref: "#/components/schemas/" + known}
}

// template writes a route's path as OpenAPI does.
func template(path string) (string, []Parameter) {
	var params []Parameter
	parts := strings.Split(path, "/")
	for i, p := range parts {
		name, ok := strings.CutPrefix(p, ":")
		if p == "*" {
			name, ok = "rest", true
		}
		if ok {
			parts[i] = "{" + name + "}"
			params = append(params, Parameter{Name: name, In: "path", Required: true, Schema: Text(0)})
		}
	}
	return strings.Join(parts, "/"), params
}

// operation names an operation: a method and the words of its path.
func operation(method, path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '{' || r == '}' })
	return strings.Join(append([]string{strings.ToLower(method)}, words...), "_")
}
