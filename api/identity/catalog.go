package identity

import (
	"github.com/labstack/echo/v4"
)

func (p *Part) serviceEntries(c echo.Context) (out []entry) {
	for _, s := range services {
		id := fixedID("service", s[1])
		out = append(out, entry{id, map[string]any{
			"id": id, "type": s[0], "name": s[1], "enabled": true, "description": "", "links": link(c, "services", id),
		}})
	}
	return out
}

func (p *Part) endpointEntries(c echo.Context) (out []entry) {
	for _, s := range services {
		for _, face := range []string{"public", "internal", "admin"} {
			id := fixedID("endpoint", s[1], face)
			out = append(out, entry{id, map[string]any{
				"id": id, "service_id": fixedID("service", s[1]), "interface": face, "region": Region, "region_id": Region,
				"url": baseURL(c) + s[2], "enabled": true, "links": link(c, "endpoints", id),
			}})
		}
	}
	return out
}

func (p *Part) regionEntries(c echo.Context) []entry {
	return []entry{{Region, map[string]any{"id": Region, "description": "", "parent_region_id": nil, "links": link(c, "regions", Region)}}}
}

// services of the catalog: type, name, path.
var services = [][3]string{
	{"identity", "keystone", "/identity"},
	{"network", "neutron", "/networking"},
	{"load-balancer", "octavia", "/load-balancer"},
}

// catalog names the services by the address the client used.
func catalog(c echo.Context) []map[string]any {
	var out []map[string]any
	for _, s := range services {
		var endpoints []map[string]any
		for _, face := range []string{"public", "internal", "admin"} {
			endpoints = append(endpoints, map[string]any{
				"id": fixedID("endpoint", s[1], face), "interface": face, "region": Region, "region_id": Region, "url": baseURL(c) + s[2],
			})
		}
		out = append(out, map[string]any{"id": fixedID("service", s[1]), "type": s[0], "name": s[1], "endpoints": endpoints})
	}
	return out
}

