package network

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store/model"
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
		{"lbaasv2", "LoadBalancing service v2"},
		{"l7", "L7 capabilities for LBaaSv2"},
	}
}

func extensionView(e [2]string) map[string]any {
	return map[string]any{
		"alias": e[0], "name": e[1], "description": e[1], "updated": "2020-01-01T00:00:00-00:00", "links": []any{},
	}
}

// mountRest serves extensions, quotas and security groups.
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

	handle(r, "GET", base+"/quotas/:project", quota)
	handle(r, "GET", base+"/quotas/:project/default", quota)

	for _, names := range [][2]string{{"security-groups", "security_group"}, {"security-group-rules", "security_group_rule"}} {
		path, one := names[0], names[1]
		handle(r, "GET", base+"/"+path, func(c echo.Context) error {
			return c.JSON(http.StatusOK, map[string]any{one + "s": []any{}})
		})
		handle(r, "GET", base+"/"+path+"/:id", func(c echo.Context) error {
			return missing("Security group", "SecurityGroup", c.Param("id"))
		})
		handle(r, "POST", base+"/"+path, func(echo.Context) error {
			return unsupported("There are no security groups here: limit who may connect with a listener's allowed_cidrs.")
		})
	}
}

// quota: nothing of networking is limited by number.
func quota(c echo.Context) error {
	if !owns(caller(c), model.ProjectID(c.Param("project"))) {
		return forbidden("Policy does not allow the quota of project %s to be read by this caller.", c.Param("project"))
	}
	q := map[string]any{}
	for _, name := range []string{"network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule", "subnetpool", "rbac_policy"} {
		q[name] = -1
	}
	return c.JSON(http.StatusOK, map[string]any{"quota": q})
}
