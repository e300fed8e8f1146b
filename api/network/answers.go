package network

import (
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
		return openapi.Wrap(all[i].one, openapi.Example(all[i].view))
	}
	return openapi.Wrap(all[i].many, openapi.List(openapi.Example(all[i].view)))
}
