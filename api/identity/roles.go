package identity

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

func roleEntries(c echo.Context, st *store.State) (out []entry) {
	for _, r := range st.Roles() {
		out = append(out, entry{string(r.ID), roleBody(c, r)})
	}
	return out
}

func roleBody(c echo.Context, r *model.Role) map[string]any {
	body := map[string]any{
		"id": string(r.ID), "name": r.Name, "domain_id": nil, "description": nil, "options": map[string]any{}, "links": link(c, "roles", string(r.ID)),
	}
	if r.Description != "" {
		body["description"] = r.Description
	}
	return body
}

func (p *Part) roleNow(c echo.Context, id model.RoleID) (body map[string]any) {
	p.read.Read(func(st *store.State) {
		if r, ok := st.Role(id); ok {
			body = roleBody(c, r)
		}
	})
	return body
}

// global refuses roles that belong to a domain.
func (a *attrs) global() {
	if or(a.text("domain_id", maxName), "") != "" {
		a.fail(unsupported("roles of a domain (domain_id)"))
	}
	a.noOptions()
}

func (p *Part) createRole(c echo.Context) error {
	a, err := readAttrs(c, "role")
	if err != nil {
		return fault(c, err)
	}
	r := &model.Role{ID: model.RoleID(newID()), Record: model.Record{Name: a.needName("name", maxName), Description: or(a.text("description", maxText), "")}}
	if a.global(); a.err != nil {
		return fault(c, a.err)
	}
	if err := p.apply(c, store.RoleCreate, r); err != nil {
		return fault(c, err)
	}
	return created(c, "role", p.roleNow(c, r.ID))
}

func (p *Part) updateRole(c echo.Context) error {
	a, err := readAttrs(c, "role")
	if err != nil {
		return fault(c, err)
	}
	id := model.RoleID(c.Param("id"))
	patch := &store.RolePatch{ID: id, Name: a.name("name", maxName), Description: a.text("description", maxText)}
	a.fixed("id", string(id))
	if a.global(); a.err != nil {
		return fault(c, a.err)
	}
	if err := p.apply(c, store.RoleUpdate, patch); err != nil {
		return fault(c, err)
	}
	return shown(c, "role", string(id), p.roleNow(c, id))
}

func (p *Part) deleteRole(c echo.Context) error {
	return p.done(c, store.RoleDelete, &store.RoleRef{ID: model.RoleID(c.Param("id"))})
}

func roleRef(c echo.Context, r *model.Role) map[string]any {
	return map[string]any{"id": r.ID, "name": r.Name, "links": link(c, "roles", string(r.ID))}
}

func inference(c echo.Context, st *store.State, r *model.Role) map[string]any {
	implied := []any{}
	for _, i := range st.ImpliedBy(r) {
		implied = append(implied, roleRef(c, i))
	}
	return map[string]any{"prior_role": roleRef(c, r), "implies": implied}
}

// implies is GET roles/{id}/implies: admin implies member, member reader.
func (p *Part) implies(c echo.Context) error {
	var body map[string]any
	p.read.Read(func(st *store.State) {
		if r, ok := st.Role(model.RoleID(c.Param("id"))); ok {
			body = inference(c, st, r)
		}
	})
	if body == nil {
		return fault(c, noSuch("role", c.Param("id")))
	}
	return c.JSON(http.StatusOK, map[string]any{"role_inference": body, "links": selfLink(c)})
}

// rule is the implication that the path names; it fails with NotFound where a role
// is none, and is nil where the one does not imply the other.
func (p *Part) rule(c echo.Context) (body map[string]any, err error) {
	p.read.Read(func(st *store.State) {
		prior, ok := st.Role(model.RoleID(c.Param("id")))
		if !ok {
			err = noSuch("role", c.Param("id"))
			return
		}
		implied, ok := st.Role(model.RoleID(c.Param("implied")))
		if !ok {
			err = noSuch("role", c.Param("implied"))
			return
		}
		if slices.Contains(st.ImpliedBy(prior), implied) {
			body = map[string]any{
				"role_inference": map[string]any{"prior_role": roleRef(c, prior), "implies": roleRef(c, implied)}, "links": selfLink(c),
			}
		}
	})
	return body, err
}

// implied answers with the rule; HEAD with 204 where it is one.
func (p *Part) implied(c echo.Context) error {
	body, err := p.rule(c)
	switch {
	case err != nil:
		return fault(c, err)
	case body == nil:
		return fault(c, noSuch("role inference rule", c.Param("id")+" implies "+c.Param("implied")))
	case c.Request().Method == http.MethodHead:
		return c.NoContent(http.StatusNoContent)
	}
	return c.JSON(http.StatusOK, body)
}

// putImplied takes a rule that is there already: which role implies which is the
// same in every cluster.
func (p *Part) putImplied(c echo.Context) error {
	body, err := p.rule(c)
	if err == nil && body == nil {
		err = unsupported("rules of which role implies which")
	}
	if err != nil {
		return fault(c, err)
	}
	return c.JSON(http.StatusCreated, body)
}

func (p *Part) dropImplied(c echo.Context) error {
	body, err := p.rule(c)
	switch {
	case err == nil && body == nil:
		err = noSuch("role inference rule", c.Param("id")+" implies "+c.Param("implied"))
	case err == nil:
		err = unsupported("rules of which role implies which")
	}
	return fault(c, err)
}

func (p *Part) inferences(c echo.Context) error {
	list := []any{}
	p.read.Read(func(st *store.State) {
		for _, r := range st.Roles() {
			if len(st.ImpliedBy(r)) > 0 {
				list = append(list, inference(c, st, r))
			}
		}
	})
	return c.JSON(http.StatusOK, map[string]any{"role_inferences": list, "links": selfLink(c)})
}
