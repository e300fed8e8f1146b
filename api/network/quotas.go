package network

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
	"lbd/store/model"
)

// Neutron's quotas, which are not Octavia's. None is set at first, and what is not set
// is unlimited.

// quotaView is the limits of a project.
func quotaView(q *model.Quota) map[string]any {
	out := map[string]any{}
	for _, class := range model.NetworkQuotaClasses() {
		out[string(class)] = q.Limit(class)
	}
	return out
}

// quotaRow is quotaView in a list.
func quotaRow(q *model.Quota) map[string]any {
	out := quotaView(q)
	out["project_id"], out["tenant_id"] = string(q.Project), string(q.Project)
	return out
}

func quotaDetail(limit, used int) map[string]any {
	return map[string]any{"limit": limit, "used": used, "reserved": 0}
}

// quotaDetails are the limits of a project, and what it has of each class.
func quotaDetails(st *store.State, project model.ProjectID) map[string]any {
	q, out := st.NetworkQuota(project), map[string]any{}
	for _, class := range model.NetworkQuotaClasses() {
		out[string(class)] = quotaDetail(q.Limit(class), st.NetworkUse(project, class))
	}
	return out
}

// ofQuota answers with what view makes of the quota of the project in the path.
func (p *Part) ofQuota(view func(*store.State, model.ProjectID) map[string]any) echo.HandlerFunc {
	return func(c echo.Context) error {
		project := model.ProjectID(c.Param("project"))
		if !owns(caller(c), project) {
			return forbidden("Policy does not allow the quota of project %.60s to be read by this caller.", project)
		}
		var q map[string]any
		p.read.Read(func(st *store.State) { q = view(st, project) })
		return c.JSON(http.StatusOK, map[string]any{"quota": q})
	}
}

func quotaNow(st *store.State, project model.ProjectID) map[string]any {
	return quotaView(st.NetworkQuota(project))
}

func (p *Part) mountQuotas(r *api.Router, base string) {
	admin := func(h echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !caller(c).IsCloudAdmin() {
				return forbidden("Policy does not allow this caller to change quotas.")
			}
			return h(c)
		}
	}
	handle(r, "GET", base+"/quotas", admin(p.listQuotas))
	handle(r, "GET", base+"/quotas/:project", p.ofQuota(quotaNow))
	handle(r, "GET", base+"/quotas/:project/default", p.ofQuota(func(*store.State, model.ProjectID) map[string]any { return quotaView(nil) }))
	handle(r, "GET", base+"/quotas/:project/details", p.ofQuota(quotaDetails))
	handleBody(r, "PUT", base+"/quotas/:project", admin(p.updateQuota))
	handle(r, "DELETE", base+"/quotas/:project", admin(func(c echo.Context) error {
		if err := p.apply(c, store.NetworkQuotaReset, &store.QuotaRef{Project: model.ProjectID(c.Param("project"))}); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}))
}

// listQuotas shows the projects that were given limits.
func (p *Part) listQuotas(c echo.Context) error {
	rows := []map[string]any{}
	p.read.Read(func(st *store.State) {
		for _, q := range st.NetworkQuotas() {
			rows = append(rows, quotaRow(q))
		}
	})
	return c.JSON(http.StatusOK, map[string]any{"quotas": rows})
}

func (p *Part) updateQuota(c echo.Context) error {
	b, err := readBody(c, "quota")
	if err != nil {
		return err
	}
	patch := &store.QuotaPatch{Project: model.ProjectID(c.Param("project")), Limits: map[model.QuotaClass]*int{}}
	for _, class := range model.NetworkQuotaClasses() {
		if n := b.integer(string(class), model.Unlimited, model.MaxNetworkQuota); n != nil {
			patch.Limits[class] = n
		}
	}
	if len(patch.Project) > maxProject {
		b.fail(badRequest("The id of a project has at most %d bytes.", maxProject))
	}
	if err := b.done(); err != nil {
		return err
	}
	if err := p.apply(c, store.NetworkQuotaUpdate, patch); err != nil {
		return err
	}
	return p.ofQuota(quotaNow)(c)
}

// maxProject bounds the ids of projects, in bytes: nobody checks whether one is there.
const maxProject = 255
