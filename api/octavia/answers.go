package octavia

import (
	"net/http"
	"strings"

	"lbd/api/openapi"
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

// Answer implements api.Answering for the resources: objects and pages of them.
func (p *Part) Answer(method, path string) *openapi.Schema {
	if method == http.MethodDelete {
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
	case !ok || s.one == "":
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
