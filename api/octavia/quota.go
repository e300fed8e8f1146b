package octavia

import (
	"net/http"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// maxProject bounds the id of a project, in characters (contract 2.3).
const maxProject = 36

// quotaNames are the classes of the API in the order of its answers, with the
// store's; two of them have two names.
var quotaNames = []struct {
	name  string
	class model.QuotaClass
}{
	{"loadbalancer", model.QuotaLoadBalancer},
	{"load_balancer", model.QuotaLoadBalancer},
	{"listener", model.QuotaListener},
	{"member", model.QuotaMember},
	{"pool", model.QuotaPool},
	{"healthmonitor", model.QuotaHealthMonitor},
	{"health_monitor", model.QuotaHealthMonitor},
	{"l7policy", model.QuotaL7Policy},
	{"l7rule", model.QuotaL7Rule},
}

func quotaResource() resource[*model.Quota] {
	r := resource[*model.Quota]{
		noun: "Quotas", one: "quota", many: "quotas", links: "quotas_links",
		id: func(q *model.Quota) string { return string(q.Project) }, project: func(q *model.Quota) model.ProjectID { return q.Project },
	}
	owner := func(_ *seen, q *model.Quota) any { return string(q.Project) }
	r.attrs = append(r.attrs, attr[*model.Quota]{name: "project_id", get: owner})
	for _, x := range quotaNames {
		r.attrs = append(r.attrs, attr[*model.Quota]{name: x.name, get: func(_ *seen, q *model.Quota) any { return q.Limit(x.class) }})
	}
	r.attrs = append(r.attrs, attr[*model.Quota]{name: "tenant_id", get: owner})
	return r
}

// listQuotas has a row for each project that owns something or has limits.
func (p *Part) listQuotas(c echo.Context) error {
	me := caller(c)
	asked := c.QueryParam("project_id")
	if !me.CanReadQuota(me.Project) || !me.ReadsAllQuotas() && asked != "" && asked != string(me.Project) {
		return auth.Forbidden()
	}
	return listAll(p, c, &p.quotas, func(s *seen) ([]*model.Quota, error) {
		if me.ReadsAllQuotas() {
			return s.st.Quotas(), nil
		}
		if !s.st.HasQuota(me.Project) {
			return nil, nil
		}
		return []*model.Quota{s.st.Quota(me.Project)}, nil
	})
}

// showQuota answers for any project, and for "defaults", which Octavia takes
// for a project's name as well.
func (p *Part) showQuota(c echo.Context) error {
	project, err := mayReadQuota(c)
	if err != nil {
		return err
	}
	var q *model.Quota
	p.read.Read(func(st *store.State) { q = st.Quota(project) })
	return c.JSON(http.StatusOK, doc{{p.quotas.one, p.quotas.shown(nil, q, nil)}})
}

// showDefaultQuota shows what a project without limits of its own has.
func (p *Part) showDefaultQuota(c echo.Context) error {
	project, err := mayReadQuota(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, doc{{p.quotas.one, p.quotas.shown(nil, &model.Quota{Project: project}, nil)}})
}

func mayReadQuota(c echo.Context) (model.ProjectID, error) {
	if err := noQuery(c); err != nil {
		return "", err
	}
	project := model.ProjectID(c.Param("project"))
	if me := caller(c); !me.CanReadQuota(project) && (project != "defaults" || !me.CanReadQuota(me.Project)) {
		return "", auth.Forbidden()
	}
	return project, nil
}

// mayWriteQuota is asked before anything else, the request's form included.
func mayWriteQuota(c echo.Context) (model.ProjectID, error) {
	if !caller(c).CanWriteQuota() {
		return "", auth.Forbidden()
	}
	if err := noQuery(c); err != nil {
		return "", err
	}
	project := c.Param("project")
	if utf8.RuneCountInString(project) > maxProject {
		return "", invalid("Invalid input for field/attribute project_id. Value: '%s'. Value should have a maximum character requirement of %d",
			shorten(project), maxProject)
	}
	return model.ProjectID(project), nil
}

// mayHaveMore refuses what is over quota where Octavia does: before it looks at what
// a certificate, a header or an action is good for. It is checked again when the
// entry is applied.
func mayHaveMore(c echo.Context, st *store.State, project model.ProjectID, class model.QuotaClass) error {
	if caller(c).Unmetered {
		return nil
	}
	return st.CheckQuota(project, class, 1)
}

func (p *Part) updateQuota(c echo.Context) error {
	project, err := mayWriteQuota(c)
	if err != nil {
		return err
	}
	o, err := readObject(c, "quotas", "quota")
	if err != nil {
		return err
	}
	patch := &store.QuotaPatch{Project: project, Limits: map[model.QuotaClass]*int{}}
	for _, x := range quotaNames {
		limit := o.integer(x.name, model.Unlimited, model.MaxQuota)
		if _, has := patch.Limits[x.class]; has || !limit.Set { // the name without an underscore wins
			continue
		}
		if limit.Null {
			patch.Limits[x.class] = nil
			continue
		}
		patch.Limits[x.class] = &limit.V
	}
	if err := o.done(); err != nil {
		return err
	}
	if err := p.propose(c, store.QuotaUpdate, patch); err != nil {
		return err
	}
	var q *model.Quota
	p.read.Read(func(st *store.State) { q = st.Quota(project) })
	return c.JSON(http.StatusAccepted, doc{{p.quotas.one, p.quotas.shown(nil, q, nil)}})
}

func (p *Part) deleteQuota(c echo.Context) error {
	project, err := mayWriteQuota(c)
	if err != nil {
		return err
	}
	if err := p.propose(c, store.QuotaReset, &store.QuotaRef{Project: project}); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}
