package identity

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

func groupEntries(c echo.Context, st *store.State) []entry { return entriesOf(c, st.Groups()) }

func entriesOf(c echo.Context, groups []*model.Group) (out []entry) {
	for _, g := range groups {
		out = append(out, entry{string(g.ID), groupBody(c, g)})
	}
	return out
}

func groupBody(c echo.Context, g *model.Group) map[string]any {
	return withExtra(map[string]any{
		"id": string(g.ID), "name": g.Name, "description": g.Description, "domain_id": string(g.Domain), "links": link(c, "groups", string(g.ID)),
	}, g.Extra)
}

func (p *Part) groupNow(c echo.Context, id model.GroupID) (body map[string]any) {
	p.read.Read(func(st *store.State) {
		if g, ok := st.Group(id); ok {
			body = groupBody(c, g)
		}
	})
	return body
}

func (p *Part) createGroup(c echo.Context) error {
	a, err := readAttrs(c, "group")
	if err != nil {
		return fault(c, err)
	}
	g := &model.Group{
		ID: model.GroupID(newID()), Domain: model.DomainID(a.domainID()),
		Record: model.Record{Name: a.needName("name", maxProjectName), Description: or(a.text("description", maxText), "")},
	}
	if g.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	kind, payload := writing(store.GroupCreate, g, g.Extra, store.DirectoryPut{Group: g})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return created(c, "group", p.groupNow(c, g.ID))
}

func (p *Part) updateGroup(c echo.Context) error {
	a, err := readAttrs(c, "group")
	if err != nil {
		return fault(c, err)
	}
	id := model.GroupID(c.Param("id"))
	now := p.groupNow(c, id)
	if now == nil && a.sketch == nil {
		return fault(c, noSuch("group", string(id)))
	}
	patch := &store.GroupPatch{ID: id, Name: a.name("name", maxProjectName), Description: a.text("description", maxText)}
	a.fixed("id", string(id))
	domain, _ := now["domain_id"].(string)
	a.fixed("domain_id", domain)
	if patch.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	kind, payload := writing(store.GroupUpdate, patch, patch.Extra, store.DirectoryPut{GroupPatch: patch})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return shown(c, "group", string(id), p.groupNow(c, id))
}

func (p *Part) deleteGroup(c echo.Context) error {
	return p.done(c, store.GroupDelete, &store.GroupRef{ID: model.GroupID(c.Param("id"))})
}

// groupUsers is GET groups/{id}/users.
func (p *Part) groupUsers(c echo.Context) error {
	id := model.GroupID(c.Param("id"))
	if p.groupNow(c, id) == nil {
		return fault(c, noSuch("group", string(id)))
	}
	return p.list("users", func(c echo.Context, st *store.State) (out []entry) {
		for _, u := range st.UsersIn(id) {
			out = append(out, entry{string(u.ID), userBody(c, u)})
		}
		return out
	})(c)
}

// userGroups is GET users/{id}/groups.
func (p *Part) userGroups(c echo.Context) error {
	u, err := p.ownUser(c, "identity:list_groups_for_user")
	if err != nil {
		return fault(c, err)
	}
	return p.list("groups", func(c echo.Context, st *store.State) []entry { return entriesOf(c, st.GroupsOf(u.ID)) })(c)
}

// pathMembership is what the path of a membership names.
func pathMembership(c echo.Context) *model.Membership {
	return &model.Membership{Group: model.GroupID(c.Param("id")), User: model.UserID(c.Param("user"))}
}

// checkMember answers 204 when the user is in the group, 404 otherwise. Users may
// ask about themselves.
func (p *Part) checkMember(c echo.Context) error {
	m := pathMembership(c)
	if self := caller(c); !self.IsCloudAdmin() && self.UserID != m.User {
		return fault(c, forbidden("identity:check_user_in_group"))
	}
	err := error(nil)
	p.read.Read(func(st *store.State) {
		if _, ok := st.Group(m.Group); !ok {
			err = noSuch("group", string(m.Group))
		} else if _, ok := st.User(m.User); !ok {
			err = noSuch("user", string(m.User))
		} else if !st.InGroup(*m) {
			err = store.Errorf(store.NotFound, "User '%s' not found in group '%s'.", m.User, m.Group)
		}
	})
	if err != nil {
		return fault(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) putMember(c echo.Context) error {
	return p.done(c, store.MembershipPut, pathMembership(c))
}

func (p *Part) dropMember(c echo.Context) error {
	return p.done(c, store.MembershipRemove, pathMembership(c))
}
