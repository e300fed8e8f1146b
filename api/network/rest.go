package network

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
)

// extensions are the parts of Neutron that clients look for before they use
// them, with what lbd has of each.
func extensions() [][2]string {
	return [][2]string{
		{"router", "Neutron L3 Router"},
		{"external-net", "Neutron external network"},
		{"provider", "Provider Network"},
		{"net-mtu", "Network MTU"},
		{"security-group", "security-group"},
		{"port-security", "Port Security"},
		{"allowed-address-pairs", "Allowed Address Pairs"},
		{"binding", "Port Binding"},
		{"quotas", "Quota management support"},
		{"pagination", "Pagination support"},
		{"sorting", "Sorting support"},
		{"project-id", "project_id field enabled"},
		{"standard-attr-description", "standard-attr-description"},
		{"standard-attr-timestamp", "Resource timestamps"},
		{"standard-attr-revisions", "Resource revision numbers"},
		{"standard-attr-tag", "Tag support for resources with standard attribute"},
		{"fip-port-details", "Floating IP Port Details Extension"},
		{"dns-integration", "DNS Integration"},
		{"dns-domain-ports", "dns_domain for ports"},
		{"extraroute", "Neutron Extra Route"},
		{"availability_zone", "Availability Zone"},
		{"network_availability_zone", "Network Availability Zone"},
		{"router_availability_zone", "Router Availability Zone"},
		{"agent", "agent"},
		{"qos", "Quality of Service"},
		{"revision-if-match", "If-Match constraints based on revision_number"},
		{"security-groups-normalized-cidr", "Normalized CIDR field for security group rules"},
		{"stateful-security-group", "Stateful security group"},
		{"quota_details", "Quota details management support"},
		{"subnet-service-types", "Subnet service types"},
		{"ext-gw-mode", "Neutron L3 Configurable external gateway mode"},
		{"lbaasv2", "LoadBalancing service v2"},
		{"l7", "L7 capabilities for LBaaSv2"},
	}
}

func extensionView(e [2]string) map[string]any {
	return map[string]any{
		"alias": e[0], "name": e[1], "description": e[1], "updated": "2020-01-01T00:00:00-00:00", "links": []any{},
	}
}

func zoneView(resource string) map[string]any {
	return map[string]any{"name": defaultZone, "resource": resource, "state": "available"}
}

// mountRest serves extensions, quotas, availability zones, and the collections of
// which lbd never has an element.
func (p *Part) mountRest(r *api.Router, base string) {
	handle(r, "GET", base+"/extensions", func(c echo.Context) error {
		list := []any{}
		for _, e := range extensions() {
			list = append(list, extensionView(e))
		}
		return c.JSON(http.StatusOK, map[string]any{"extensions": list})
	})
	handle(r, "GET", base+"/extensions/:alias", func(c echo.Context) error {
		all := extensions()
		i := slices.IndexFunc(all, func(e [2]string) bool { return e[0] == c.Param("alias") })
		if i < 0 {
			return missing("Extension", "Extension", c.Param("alias"))
		}
		return c.JSON(http.StatusOK, map[string]any{"extension": extensionView(all[i])})
	})
	p.mountQuotas(r, base)

	handle(r, "GET", base+"/availability_zones", func(c echo.Context) error {
		views := []map[string]any{zoneView("network"), zoneView("router")}
		page, err := paged(c, "availability_zones", filtered(views, c.QueryParams()))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, page)
	})
	for _, e := range empties() {
		e.mount(r, base)
	}
}

// empty is a collection of which lbd never has an element: empty to read, and
// what cannot be made is not found by the name of its plugin, as in a Neutron
// without that.
type empty struct{ path, many, one, noun, typ string }

func empties() []empty {
	return []empty{
		{"agents", "agents", "agent", "Agent", "Agent"},
		{"qos/policies", "policies", "policy", "QoS policy", "QosPolicy"},
		{"subnetpools", "subnetpools", "subnetpool", "Subnet pool", "SubnetPool"},
		{"address-scopes", "address_scopes", "address_scope", "Address scope", "AddressScope"},
		{"address-groups", "address_groups", "address_group", "Address group", "AddressGroup"},
		{"rbac-policies", "rbac_policies", "rbac_policy", "RBAC policy", "RbacPolicy"},
		{"service-providers", "service_providers", "service_provider", "Service provider", "ServiceProvider"},
		{"flavors", "flavors", "flavor", "Flavor", "Flavor"},
		{"trunks", "trunks", "trunk", "Trunk", "Trunk"},
		{"segments", "segments", "segment", "Segment", "Segment"},
		{"floatingips/:fip/port_forwardings", "port_forwardings", "port_forwarding", "Port Forwarding", "PortForwarding"},
	}
}

func (e empty) mount(r *api.Router, base string) {
	path := base + "/" + e.path
	handle(r, "GET", path, func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{e.many: []any{}})
	})
	refuse(r, "POST", path, func(echo.Context) error {
		return &fault{store.Errorf(store.NotFound, "The resource could not be found."), "HTTPNotFound"}
	})
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		refuse(r, method, path+"/:id", func(c echo.Context) error { return missing(e.noun, e.typ, c.Param("id")) })
	}
}
