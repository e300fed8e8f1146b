package octavia

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"lbd/api/openapi"
	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

// shape is what is known of a resource's answers without one of its objects.
type shape struct {
	one, many, links string
	keys             []string
}

func shapeOf[T any](r resource[T]) shape {
	s := shape{one: r.one, many: r.many, links: r.links}
	for _, a := range r.attrs {
		if a.use != filter {
			s.keys = append(s.keys, a.name)
		}
	}
	return s
}

// shapes by the name of their collection in paths.
func (p *Part) shapes() map[string]shape {
	return map[string]shape{
		"loadbalancers": shapeOf(p.loadBalancers), "listeners": shapeOf(p.listeners), "pools": shapeOf(p.pools), "members": shapeOf(p.members),
		"healthmonitors": shapeOf(p.monitors), "l7policies": shapeOf(p.l7policies), "rules": shapeOf(p.l7rules), "amphorae": shapeOf(p.amphorae),
		"quotas": shapeOf(p.quotas), "flavors": shapeOf(*flavors().resource), "flavorprofiles": shapeOf(*flavorProfiles().resource),
		"availabilityzones": shapeOf(*zones().resource), "availabilityzoneprofiles": shapeOf(*zoneProfiles().resource),
	}
}

// Answer implements api.Answering: objects and pages of them, and what is computed.
func (p *Part) Answer(method, path string) *openapi.Schema {
	if method != http.MethodHead && (path == "/" || path == "/load-balancer") {
		return openapi.Wrap("versions", openapi.List(exampleOf(versionDoc("", "", "", ""))))
	}
	if method == http.MethodDelete || !ours(path) {
		return nil
	}
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	item := strings.HasPrefix(last, ":")
	if item {
		last = parts[len(parts)-2]
	}
	s, ok := p.shapes()[last]
	switch {
	case !ok:
		return p.computed(parts)
	case s.one == "":
		return nil
	case item || method == http.MethodPost:
		return openapi.Wrap(s.one, s.object())
	case method == http.MethodGet:
		page := openapi.Wrap(s.many, openapi.List(s.object()))
		if s.links != "" {
			page.Add(s.links, openapi.List(&openapi.Schema{Type: "object"}))
		}
		return page
	}
	return nil
}

// ours reports whether a path is one that Mount uses: other services have quotas and
// flavors, too.
func ours(path string) bool {
	if rest, ok := strings.CutPrefix(path, "/networking"); ok {
		return strings.Contains(rest, "/lbaas/")
	}
	return strings.HasPrefix(strings.TrimPrefix(path, "/load-balancer"), "/v2")
}

// computed are answers that are no resource's.
func (p *Part) computed(path []string) *openapi.Schema {
	list := func(key string, d doc) *openapi.Schema { return openapi.Wrap(key, openapi.List(exampleOf(d))) }
	stats := statsDoc(model.ListenerCounters{})
	switch last := path[len(path)-1]; last {
	case "stats":
		if slices.Contains(path, "amphorae") {
			return list("amphora_stats", append(stats, entry{"id", ""}, entry{"listener_id", ""}, entry{"loadbalancer_id", ""}))
		}
		return openapi.Wrap("stats", exampleOf(stats))
	case "status", "statuses":
		var tree doc
		p.read.Read(func(st *store.State) {
			s := &seen{operating.New(st, nil, "", time.Time{}), st} // nobody is heard: examples need no reports
			tree = s.tree(&model.LoadBalancer{})
			tree[len(tree)-1].value = []doc{s.listenerTree(&model.Listener{}, []*model.Pool{{}})}
		})
		return openapi.Wrap("statuses", openapi.Wrap("loadbalancer", exampleOf(tree)))
	case "providers", "flavor_capabilities", "availability_zone_capabilities":
		return list(last, described("", "", nil))
	case "default":
		q := p.shapes()["quotas"]
		return openapi.Wrap(q.one, q.object())
	case "v2", "v2.0", "lbaas", "octavia":
		return openapi.Words("v2")
	}
	return nil
}

// exampleOf is openapi.Example for documents; lists are like their first element.
func exampleOf(v any) *openapi.Schema {
	switch v := v.(type) {
	case doc:
		o := openapi.Object()
		for _, e := range v {
			o.Add(e.key, exampleOf(e.value))
		}
		return o
	case []doc:
		if len(v) > 0 {
			return openapi.List(exampleOf(v[0]))
		}
	}
	return openapi.Example(v)
}

func (s shape) object() *openapi.Schema {
	o := openapi.Object()
	for _, k := range s.keys {
		o.Add(k, shown(k))
	}
	return o
}

// shown is the schema of an attribute by its name: the same everywhere.
func shown(name string) *openapi.Schema {
	switch {
	case name == "id" || strings.HasSuffix(name, "_id"):
		return &openapi.Schema{Type: []string{"string", "null"}}
	case name == "created_at" || name == "updated_at":
		return &openapi.Schema{Type: []string{"string", "null"}, Format: "date-time"}
	case name == "provisioning_status":
		return openapi.Words("ACTIVE", "DELETED", "ERROR", "PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE")
	case name == "operating_status":
		return openapi.Words("ONLINE", "DRAINING", "OFFLINE", "DEGRADED", "ERROR", "NO_MONITOR")
	case name == "admin_state_up" || name == "backup" || name == "tls_enabled" || name == "invert":
		return &openapi.Schema{Type: "boolean"}
	case name == "tags":
		return openapi.List(openapi.Text(0))
	}
	return &openapi.Schema{}
}
