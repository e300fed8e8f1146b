package octavia

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store/model"
)

// quota is a project's limits: none is limited, and none can be, yet.
type quota struct{ project model.ProjectID }

const unlimited = -1

func quotaResource() resource[quota] {
	r := resource[quota]{
		noun: "Quotas", one: "quota", many: "quotas", links: "quotas_links",
		id: func(q quota) string { return string(q.project) }, project: func(q quota) model.ProjectID { return q.project },
	}
	owner := func(_ *seen, q quota) any { return string(q.project) }
	r.attrs = append(r.attrs, attr[quota]{name: "project_id", get: owner})
	for _, name := range []string{
		"loadbalancer", "load_balancer", "listener", "member", "pool", "healthmonitor", "health_monitor", "l7policy", "l7rule",
	} {
		r.attrs = append(r.attrs, attr[quota]{name: name, get: func(*seen, quota) any { return unlimited }})
	}
	r.attrs = append(r.attrs, attr[quota]{name: "tenant_id", get: owner})
	return r
}

// listQuotas has a row for each project that owns something.
func (p *Part) listQuotas(c echo.Context) error {
	me := caller(c)
	asked := c.QueryParam("project_id")
	if !me.CanReadQuota(me.Project) || !me.ReadsAllQuotas() && asked != "" && asked != string(me.Project) {
		return auth.Forbidden()
	}
	return listAll(p, c, &p.quotas, func(s *seen) ([]quota, error) {
		var out []quota
		for _, lb := range s.st.LoadBalancers() {
			q := quota{lb.Project}
			if (me.ReadsAllQuotas() || lb.Project == me.Project) && !slices.Contains(out, q) {
				out = append(out, q)
			}
		}
		return out, nil
	})
}

// showQuota answers for any project, and for "defaults", which Octavia takes
// for a project's name as well.
func showQuota(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	project := model.ProjectID(c.Param("project"))
	if me := caller(c); !me.CanReadQuota(project) && (project != "defaults" || !me.CanReadQuota(me.Project)) {
		return auth.Forbidden()
	}
	r := quotaResource()
	return c.JSON(http.StatusOK, doc{{r.one, r.shown(nil, quota{project}, nil)}})
}

func changeQuota(c echo.Context) error {
	if !caller(c).CanWriteQuota() {
		return auth.Forbidden()
	}
	return unsupported("quotas other than unlimited")
}
