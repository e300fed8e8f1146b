package identity

import (
	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

func domainEntries(c echo.Context, st *store.State) (out []entry) {
	for _, d := range st.Domains() {
		out = append(out, entry{string(d.ID), domainBody(c, d)})
	}
	return out
}

func domainBody(c echo.Context, d *model.Domain) map[string]any {
	return withExtra(map[string]any{
		"id": string(d.ID), "name": d.Name, "description": d.Description, "enabled": d.Enabled,
		"tags": orEmpty(d.Tags), "options": map[string]any{}, "links": link(c, "domains", string(d.ID)),
	}, d.Extra)
}

func (p *Part) domainNow(c echo.Context, id model.DomainID) (body map[string]any) {
	p.read.Read(func(st *store.State) {
		if d, ok := st.Domain(id); ok {
			body = domainBody(c, d)
		}
	})
	return body
}

// showDomain is for admins, and for those whose token is of the domain or of a
// project in it.
func (p *Part) showDomain(c echo.Context) error {
	id, self := model.DomainID(c.Param("id")), caller(c)
	own := self.Domain
	if own == "" {
		p.read.Read(func(st *store.State) {
			if pr, ok := st.Project(self.Project); ok {
				own = pr.Domain
			}
		})
	}
	if !self.IsCloudAdmin() && id != own {
		return fault(c, forbidden("identity:get_domain"))
	}
	return shown(c, "domain", string(id), p.domainNow(c, id))
}

func (p *Part) createDomain(c echo.Context) error {
	a, err := readAttrs(c, "domain")
	if err != nil {
		return fault(c, err)
	}
	d := &model.Domain{
		ID:      model.DomainID(newID()),
		Record:  model.Record{Name: a.needName("name", maxProjectName), Description: or(a.text("description", maxText), ""), Tags: or(a.tags(), nil)},
		Enabled: or(a.flag("enabled"), true),
	}
	a.noOptions()
	if d.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	kind, payload := writing(store.DomainCreate, d, d.Extra, store.DirectoryPut{Domain: d})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return created(c, "domain", p.domainNow(c, d.ID))
}

func (p *Part) updateDomain(c echo.Context) error {
	a, err := readAttrs(c, "domain")
	if err != nil {
		return fault(c, err)
	}
	id := model.DomainID(c.Param("id"))
	patch := &store.DomainPatch{
		ID: id, Name: a.name("name", maxProjectName), Description: a.text("description", maxText), Enabled: a.flag("enabled"), Tags: a.tags(),
	}
	a.fixed("id", string(id))
	a.noOptions()
	if patch.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	kind, payload := writing(store.DomainUpdate, patch, patch.Extra, store.DirectoryPut{DomainPatch: patch})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return shown(c, "domain", string(id), p.domainNow(c, id))
}

func (p *Part) deleteDomain(c echo.Context) error {
	return p.done(c, store.DomainDelete, &store.DomainRef{ID: model.DomainID(c.Param("id"))})
}
