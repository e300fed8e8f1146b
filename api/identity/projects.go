package identity

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

func projectEntries(c echo.Context, st *store.State) (out []entry) {
	for _, pr := range st.Projects() {
		out = append(out, entry{string(pr.ID), projectBody(c, pr)})
	}
	return out
}

func projectBody(c echo.Context, pr *model.Project) map[string]any {
	return withExtra(map[string]any{
		"id": string(pr.ID), "name": pr.Name, "description": pr.Description, "enabled": pr.Enabled, "domain_id": string(pr.Domain),
		"parent_id": string(pr.Domain), "is_domain": false, "tags": orEmpty(pr.Tags), "options": map[string]any{},
		"links": link(c, "projects", string(pr.ID)),
	}, pr.Extra)
}

func (p *Part) projectNow(c echo.Context, id model.ProjectID) (body map[string]any) {
	p.read.Read(func(st *store.State) {
		if pr, ok := st.Project(id); ok {
			body = projectBody(c, pr)
		}
	})
	return body
}

// flat refuses projects in projects.
func (a *attrs) flat(domain string) {
	if parent := or(a.text("parent_id", maxName), ""); parent != "" && parent != domain {
		a.fail(unsupported("projects in projects (parent_id)"))
	}
	if or(a.flag("is_domain"), false) {
		a.fail(unsupported("projects that act as domains (is_domain)"))
	}
}

func (p *Part) createProject(c echo.Context) error {
	a, err := readAttrs(c, "project")
	if err != nil {
		return fault(c, err)
	}
	domain := a.domainID()
	pr := &model.Project{
		ID: model.ProjectID(newID()), Domain: model.DomainID(domain),
		Record:  model.Record{Name: a.needName("name", maxProjectName), Description: or(a.text("description", maxText), ""), Tags: or(a.tags(), nil)},
		Enabled: or(a.flag("enabled"), true),
	}
	a.flat(domain)
	a.noOptions()
	if pr.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	kind, payload := writing(store.ProjectCreate, pr, pr.Extra, store.DirectoryPut{Project: pr})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return created(c, "project", p.projectNow(c, pr.ID))
}

func (p *Part) updateProject(c echo.Context) error {
	a, err := readAttrs(c, "project")
	if err != nil {
		return fault(c, err)
	}
	id := model.ProjectID(c.Param("id"))
	now := p.projectNow(c, id)
	if now == nil && a.sketch == nil {
		return fault(c, noSuch("project", string(id)))
	}
	patch := &store.ProjectPatch{
		ID: id, Name: a.name("name", maxProjectName), Description: a.text("description", maxText), Enabled: a.flag("enabled"), Tags: a.tags(),
	}
	domain, _ := now["domain_id"].(string)
	a.fixed("id", string(id))
	a.fixed("domain_id", domain)
	a.flat(domain)
	a.noOptions()
	if patch.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	kind, payload := writing(store.ProjectUpdate, patch, patch.Extra, store.DirectoryPut{ProjectPatch: patch})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return shown(c, "project", string(id), p.projectNow(c, id))
}

func (p *Part) deleteProject(c echo.Context) error {
	return p.done(c, store.ProjectDelete, &store.ProjectRef{ID: model.ProjectID(c.Param("id"))})
}

// ownProject is the project of the path, when the caller's token is on it or
// the caller is an admin.
func (p *Part) ownProject(c echo.Context, rule string) (pr *model.Project, err error) {
	id := model.ProjectID(c.Param("id"))
	if self := caller(c); !self.IsCloudAdmin() && self.Project != id {
		return nil, forbidden(rule)
	}
	p.read.Read(func(st *store.State) { pr, _ = st.Project(id) })
	if pr == nil {
		return nil, noSuch("project", string(id))
	}
	return pr, nil
}

func (p *Part) showProject(c echo.Context) error {
	pr, err := p.ownProject(c, "identity:get_project")
	if err != nil {
		return fault(c, err)
	}
	body := projectBody(c, pr)
	// What is above and below a project: its domain, and nothing (no projects in projects).
	for key, v := range map[string][2]any{
		"parents_as_ids": {"parents", map[string]any{string(pr.Domain): nil}}, "parents_as_list": {"parents", []any{}},
		"subtree_as_ids": {"subtree", nil}, "subtree_as_list": {"subtree", []any{}},
	} {
		if c.QueryParams().Has(key) {
			body[v[0].(string)] = v[1]
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"project": body})
}

func (p *Part) showTags(c echo.Context) error {
	pr, err := p.ownProject(c, "identity:list_project_tags")
	if err != nil {
		return fault(c, err)
	}
	return c.JSON(http.StatusOK, map[string]any{"tags": orEmpty(pr.Tags), "links": selfLink(c)})
}

// showTag answers 204 when the project has the tag, 404 otherwise.
func (p *Part) showTag(c echo.Context) error {
	pr, err := p.ownProject(c, "identity:get_project_tag")
	if err != nil {
		return fault(c, err)
	}
	if !slices.Contains(pr.Tags, c.Param("tag")) {
		return fault(c, noSuch("project tag", c.Param("tag")))
	}
	return c.NoContent(http.StatusNoContent)
}

// putTags replaces all tags: the body is {"tags": [...]}, without an envelope.
func (p *Part) putTags(c echo.Context) error {
	a, err := readBare(c)
	if err != nil {
		return fault(c, err)
	}
	tags := a.tags()
	if tags == nil {
		a.fail(invalid("'tags' is a required property"))
	}
	if a.err != nil {
		return fault(c, a.err)
	}
	if err := p.setTags(c, *tags); err != nil {
		return fault(c, err)
	}
	return p.showTags(c)
}

func (p *Part) dropTags(c echo.Context) error {
	if err := p.setTags(c, []string{}); err != nil {
		return fault(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) putTag(c echo.Context) error {
	pr, err := p.ownProject(c, "identity:create_project_tag")
	if err != nil {
		return fault(c, err)
	}
	tags, err := checkTags(append(slices.Clone(pr.Tags), c.Param("tag")))
	if err == nil {
		err = p.setTags(c, tags)
	}
	if err != nil {
		return fault(c, err)
	}
	c.Response().Header().Set("Location", link(c, "projects", string(pr.ID))["self"].(string)+"/tags/"+c.Param("tag"))
	return c.NoContent(http.StatusCreated)
}

func (p *Part) dropTag(c echo.Context) error {
	pr, err := p.ownProject(c, "identity:delete_project_tag")
	if err != nil {
		return fault(c, err)
	}
	i := slices.Index(pr.Tags, c.Param("tag"))
	if i < 0 {
		return fault(c, noSuch("project tag", c.Param("tag")))
	}
	if err := p.setTags(c, slices.Delete(slices.Clone(pr.Tags), i, i+1)); err != nil {
		return fault(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) setTags(c echo.Context, tags []string) error {
	return p.apply(c, store.ProjectUpdate, &store.ProjectPatch{ID: model.ProjectID(c.Param("id")), Tags: &tags})
}
