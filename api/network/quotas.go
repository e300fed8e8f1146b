package network

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
	"lbd/store/model"
)

// Neutron's quotas, which are not Octavia's: networking objects of lbd are small
// records, and none is limited in number.

// quotaUse is the sorts of objects, and how many of each a project has.
func (p *Part) quotaUse(project model.ProjectID) map[string]int {
	use := map[string]int{"subnetpool": 0, "rbac_policy": 0}
	p.read.Read(func(st *store.State) {
		use["network"] = count(st.Networks(), project, networkResource().record)
		use["subnet"] = count(st.Subnets(), project, subnetResource().record)
		use["port"] = count(st.Ports(), project, portResource().record)
		use["router"] = count(st.Routers(), project, routerResource().record)
		use["floatingip"] = count(st.FloatingIPs(), project, floatingIPResource().record)
		use["security_group"] = count(st.SecurityGroups(), project, securityGroupResource().record)
		use["security_group_rule"] = count(st.SecurityGroupRules(), project, securityGroupRuleResource().record)
	})
	return use
}

func count[T any](list []*T, project model.ProjectID, record func(*T) *model.Record) (n int) {
	for _, x := range list {
		if record(x).Project == project {
			n++
		}
	}
	return n
}

func quotaDetail(used int) map[string]any {
	return map[string]any{"limit": -1, "used": used, "reserved": 0}
}

func (p *Part) mountQuotas(r *api.Router, base string) {
	mine := func(h echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !owns(caller(c), model.ProjectID(c.Param("project"))) {
				return forbidden("Policy does not allow the quota of project %s to be read by this caller.", c.Param("project"))
			}
			return h(c)
		}
	}
	admin := func(h echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !caller(c).IsCloudAdmin() {
				return forbidden("Policy does not allow this caller to change quotas.")
			}
			return h(c)
		}
	}
	show := func(c echo.Context) error {
		q := map[string]any{}
		for name := range p.quotaUse("") {
			q[name] = -1
		}
		return c.JSON(http.StatusOK, map[string]any{"quota": q})
	}
	handle(r, "GET", base+"/quotas", admin(func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"quotas": []any{}})
	}))
	handle(r, "GET", base+"/quotas/:project", mine(show))
	handle(r, "GET", base+"/quotas/:project/default", mine(show))
	handle(r, "GET", base+"/quotas/:project/details", mine(func(c echo.Context) error {
		q := map[string]any{}
		for name, used := range p.quotaUse(model.ProjectID(c.Param("project"))) {
			q[name] = quotaDetail(used)
		}
		return c.JSON(http.StatusOK, map[string]any{"quota": q})
	}))
	handleBody(r, "PUT", base+"/quotas/:project", admin(func(c echo.Context) error {
		b, err := readBody(c, "quota")
		if err != nil {
			return err
		}
		for name := range p.quotaUse("") {
			if n := b.integer(name, -1, 1<<31-1); n != nil && *n != -1 {
				b.fail(badInput(name, "'%d' is not supported: networking objects are not limited in number, only -1.", *n))
			}
		}
		if err := b.done(); err != nil {
			return err
		}
		return show(c)
	}))
	handle(r, "DELETE", base+"/quotas/:project", admin(func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }))
}
