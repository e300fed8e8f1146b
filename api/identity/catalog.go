package identity

import (
	"github.com/labstack/echo/v4"

	"lbd/store"
)

// service of the catalog: its type, its name, its path.
type service struct{ typ, name, path string }

func services() []service {
	return []service{
		{"identity", "keystone", "/identity"},
		{"network", "neutron", "/networking"},
		{"load-balancer", "octavia", "/load-balancer"},
		{"key-manager", "barbican", "/key-manager"},
	}
}

// faces are the interfaces of an endpoint; all are the same address here.
func faces() []string { return []string{"public", "internal", "admin"} }

// catalog names the services by the address the client used.
func catalog(c echo.Context) []map[string]any {
	var out []map[string]any
	for _, s := range services() {
		var endpoints []map[string]any
		for _, face := range faces() {
			endpoints = append(endpoints, map[string]any{
				"id": fixedID("endpoint", s.name, face), "interface": face, "region": Region, "region_id": Region, "url": baseURL(c) + s.path,
			})
		}
		out = append(out, map[string]any{"id": fixedID("service", s.name), "type": s.typ, "name": s.name, "endpoints": endpoints})
	}
	return out
}

func serviceEntries(c echo.Context, _ *store.State) (out []entry) {
	for _, s := range services() {
		id := fixedID("service", s.name)
		out = append(out, entry{id, map[string]any{
			"id": id, "type": s.typ, "name": s.name, "enabled": true, "description": "", "links": link(c, "services", id),
		}})
	}
	return out
}

func endpointEntries(c echo.Context, _ *store.State) (out []entry) {
	for _, s := range services() {
		for _, face := range faces() {
			id := fixedID("endpoint", s.name, face)
			out = append(out, entry{id, map[string]any{
				"id": id, "service_id": fixedID("service", s.name), "interface": face, "region": Region, "region_id": Region,
				"url": baseURL(c) + s.path, "enabled": true, "links": link(c, "endpoints", id),
			}})
		}
	}
	return out
}

func regionEntries(c echo.Context, _ *store.State) []entry {
	return []entry{{Region, map[string]any{"id": Region, "description": "", "parent_region_id": nil, "links": link(c, "regions", Region)}}}
}
