package octavia

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/store/model"
)

// resource says how one sort of object is shown, filtered, sorted and listed.
type resource[T any] struct {
	noun  string // in 404 messages
	one   string // wrapper key of a single object
	many  string // wrapper key of a list
	links string // key of a list's links
	attrs []attr[T]
	// aliases are other names of attributes in filters.
	aliases map[string]string

	id      func(T) string
	project func(T) model.ProjectID
	tags    func(T) []string // nil: the resource has no tags
}

// attr is one attribute, in the order of the answer.
type attr[T any] struct {
	name string
	get  func(*seen, T) any
	use  use
}

// use says what an attribute is good for.
type use uint8

const (
	plain    use = iota // shown, filtered by, sorted by
	relation            // shown only: references and structures
	filter              // filtered by only
)

// absent is the value of an attribute whose key is left out of the answer.
type absent struct{}

func (r *resource[T]) attr(name string) (attr[T], bool) {
	if a, ok := r.aliases[name]; ok {
		name = a
	}
	for _, a := range r.attrs {
		if a.name == name {
			return a, true
		}
	}
	return attr[T]{}, false
}

// shown renders x with the fields asked for; none means all.
func (r *resource[T]) shown(s *seen, x T, fields []string) doc {
	d := make(doc, 0, len(r.attrs))
	for _, a := range r.attrs {
		if a.use == filter || len(fields) > 0 && !contains(fields, a.name) {
			continue
		}
		if v := a.get(s, x); v != (absent{}) {
			d = append(d, entry{a.name, v})
		}
	}
	return d
}

// doc is a JSON object whose keys keep their order.
type doc []entry

type entry struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler. It leaves <, > and & as they are, for
// the encoder above to decide.
func (d doc) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, e := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(e.key); err != nil {
			return nil, fmt.Errorf("encode key: %w", err)
		}
		b.WriteByte(':')
		if err := enc.Encode(e.value); err != nil {
			return nil, fmt.Errorf("encode %s: %w", e.key, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ref is a reference to another object.
type ref struct {
	ID string `json:"id"`
}

func refs[T any, I ~string](list []T, id func(T) I) []ref {
	out := make([]ref, 0, len(list))
	for _, x := range list {
		out = append(out, ref{string(id(x))})
	}
	return out
}

// timestamp has no zone and no fraction (contract section 10); null for never.
func timestamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

// text is a string, null when empty.
func text[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// withBase puts the attributes that all load-balancing objects have around
// those of one: the identity first, the owner last.
func withBase[T any](description bool, id func(T) string, base func(T) *model.Base, operating func(*seen, T) model.Operating, own ...attr[T]) []attr[T] {
	of := func(get func(*model.Base) any) func(*seen, T) any {
		return func(_ *seen, x T) any { return get(base(x)) }
	}
	out := []attr[T]{
		{name: "id", get: func(_ *seen, x T) any { return id(x) }},
		{name: "name", get: of(func(b *model.Base) any { return b.Name })},
	}
	if description {
		out = append(out, attr[T]{name: "description", get: of(func(b *model.Base) any { return b.Description })})
	}
	out = append(out,
		attr[T]{name: "provisioning_status", get: of(func(b *model.Base) any { return string(b.Provisioning) })},
		attr[T]{name: "provisioning_reason", get: of(reason)},
		attr[T]{name: "operating_status", get: func(s *seen, x T) any { return string(operating(s, x)) }},
		attr[T]{name: "admin_state_up", get: of(func(b *model.Base) any { return b.AdminStateUp })},
		attr[T]{name: "project_id", get: of(func(b *model.Base) any { return string(b.Project) })},
		attr[T]{name: "created_at", get: of(func(b *model.Base) any { return timestamp(b.Created) })},
		attr[T]{name: "updated_at", get: of(func(b *model.Base) any { return timestamp(b.Updated) })},
	)
	out = append(out, own...)
	return append(out,
		attr[T]{name: "tags", get: of(func(b *model.Base) any { return texts(b.Tags) }), use: relation},
		attr[T]{name: "tenant_id", get: of(func(b *model.Base) any { return string(b.Project) })},
	)
}

// reason is lbd's own addition: why an object is in ERROR.
func reason(b *model.Base) any {
	if b.Reason == "" {
		return absent{}
	}
	return b.Reason
}

// show answers a GET of one object. find gives it, or a refusal.
func show[T any](p *Part, c echo.Context, r *resource[T], find func(*seen) (T, error)) error {
	var err error
	var body doc
	p.look(func(s *seen) {
		var x T
		if x, err = find(s); err == nil {
			body = doc{{r.one, r.shown(s, x, c.QueryParams()["fields"])}}
		}
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, body)
}
