package network

import (
	"reflect"
	"slices"
	"strings"

	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
)

// shape is what a collection and its objects are called in answers, and an object.
type shape struct {
	path, one, many string
	view            map[string]any
}

func shapeOf[T any](st *store.State, k *resource[T]) shape {
	admin := &auth.Caller{Roles: []string{auth.RoleAdmin}}
	return shape{orDefault(k.path, k.many), k.one, k.many, k.view(st, admin, new(T))}
}

func (p *Part) shapes() (all []shape) {
	p.read.Read(func(st *store.State) {
		all = []shape{
			shapeOf(st, networkResource()), shapeOf(st, subnetResource()), shapeOf(st, portResource()), shapeOf(st, routerResource()),
			shapeOf(st, floatingIPResource()), shapeOf(st, securityGroupResource()), shapeOf(st, securityGroupRuleResource()),
		}
	})
	return all
}

// Answer implements api.Answering for the collections and their objects.
func (p *Part) Answer(method, path string) *openapi.Schema {
	var rest []string
	for _, base := range append(slices.Clone(bases), lookups) {
		if tail, ok := strings.CutPrefix(path, base+"/"); ok {
			rest = strings.Split(tail, "/")
		}
	}
	if len(rest) == 0 || len(rest) > 2 || method == "DELETE" {
		return nil
	}
	all := p.shapes()
	i := slices.IndexFunc(all, func(s shape) bool { return s.path == rest[0] })
	switch {
	case i < 0:
		return nil
	case len(rest) == 2 || method == "POST":
		return openapi.Wrap(all[i].one, shown(reflect.ValueOf(all[i].view)))
	}
	return openapi.Wrap(all[i].many, openapi.List(shown(reflect.ValueOf(all[i].view))))
}

// shown is the schema of a value that is answered. A text may be null.
func shown(v reflect.Value) *openapi.Schema {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return &openapi.Schema{Type: []string{"string", "null"}}
	case reflect.Bool:
		return &openapi.Schema{Type: "boolean"}
	case reflect.Int, reflect.Uint64:
		return &openapi.Schema{Type: "integer"}
	case reflect.Slice:
		item := &openapi.Schema{Type: "object"}
		if v.Type().Elem().Kind() == reflect.String {
			item = openapi.Text(0)
		}
		return openapi.List(item)
	case reflect.Map:
		o := openapi.Object()
		for _, k := range v.MapKeys() {
			o.Add(k.String(), shown(v.MapIndex(k)))
		}
		return o
	}
	return &openapi.Schema{} // null in this one
}
