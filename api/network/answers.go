package network

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
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

// Answer implements api.Answering.
func (p *Part) Answer(method, path string) *openapi.Schema {
	switch path {
	case "/networking":
		return listOf("versions", versionView(""))
	case bases[0]:
		return listOf("resources", namedView("", [2]string{}))
	}
	for _, base := range append(slices.Clone(bases), lookups) {
		if tail, ok := strings.CutPrefix(path, base+"/"); ok && method != http.MethodDelete && method != http.MethodHead {
			return cmp.Or(p.answerOfObjects(method, tail), p.answerOfRest(tail))
		}
	}
	return nil
}

func listOf(key string, of map[string]any) *openapi.Schema {
	return openapi.Wrap(key, openapi.List(openapi.Example(of)))
}

// answerOfObjects is for the collections, their objects and the tags of those.
func (p *Part) answerOfObjects(method, tail string) *openapi.Schema {
	rest := strings.Split(tail, "/")
	all := p.shapes()
	i := slices.IndexFunc(all, func(s shape) bool { return s.path == rest[0] })
	switch {
	case i < 0 || len(rest) > 3:
		return nil
	case len(rest) == 3 && rest[2] == "tags":
		return openapi.Wrap("tags", openapi.List(openapi.Text(maxTag)))
	case len(rest) == 3:
		return nil
	case len(rest) == 2 || method == http.MethodPost:
		return openapi.Wrap(all[i].one, openapi.Example(all[i].view))
	}
	return listOf(all[i].many, all[i].view)
}

// answerOfRest is for what is no collection of the store's.
func (p *Part) answerOfRest(tail string) *openapi.Schema {
	switch tail {
	case "routers/:id/add_router_interface", "routers/:id/remove_router_interface":
		return openapi.Example(interfaceView(&model.Router{}, "", "", ""))
	case "extensions":
		return listOf("extensions", extensionView([2]string{}))
	case "extensions/:alias":
		return openapi.Wrap("extension", openapi.Example(extensionView([2]string{})))
	case "availability_zones":
		return listOf("availability_zones", zoneView(""))
	case "quotas":
		return openapi.Wrap("quotas", openapi.List(openapi.Example(quotaRow(&model.Quota{}))))
	case "quotas/:project", "quotas/:project/default":
		return openapi.Wrap("quota", openapi.Example(quotaView(nil)))
	case "quotas/:project/details":
		var q map[string]any
		p.read.Read(func(st *store.State) { q = quotaDetails(st, "") })
		return openapi.Wrap("quota", openapi.Example(q))
	}
	for _, e := range empties() {
		if tail == e.path {
			return openapi.Wrap(e.many, openapi.List(nil))
		}
	}
	return nil
}
