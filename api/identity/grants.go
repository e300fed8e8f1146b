package identity

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// userProjects is GET users/{id}/projects: where the user has any role.
func (p *Part) userProjects(c echo.Context) error {
	self, id := auth.From(c.Request().Context()), model.UserID(c.Param("id"))
	if !self.IsCloudAdmin() && self.UserID != id {
		return fault(c, auth.Forbidden())
	}
	list, known := []any{}, false
	p.read.Read(func(st *store.State) {
		_, known = st.User(id)
		for _, pr := range st.ProjectsOf(id) {
			list = append(list, projectBody(c, pr))
		}
	})
	if !known {
		return refuse(c, http.StatusNotFound, fmt.Sprintf("Could not find user: %s.", id))
	}
	return c.JSON(http.StatusOK, listBody(c, "projects", list))
}

// rolesOn are the roles of the user on the project that the path names.
func (p *Part) rolesOn(c echo.Context) (roles []*model.Role, err error) {
	if !auth.From(c.Request().Context()).IsCloudAdmin() {
		return nil, auth.Forbidden()
	}
	user, project := model.UserID(c.Param("user")), model.ProjectID(c.Param("id"))
	p.read.Read(func(st *store.State) {
		if _, ok := st.Project(project); !ok {
			err = store.Errorf(store.NotFound, "Could not find project: %s.", project)
		} else if _, ok := st.User(user); !ok {
			err = store.Errorf(store.NotFound, "Could not find user: %s.", user)
		}
		roles = st.RolesOf(user, project)
	})
	return roles, err
}

func (p *Part) grants(c echo.Context) error {
	roles, err := p.rolesOn(c)
	if err != nil {
		return fault(c, err)
	}
	list := []any{}
	for _, r := range roles {
		list = append(list, roleBody(c, r))
	}
	return c.JSON(http.StatusOK, listBody(c, "roles", list))
}

// grant answers 204 when the role is given, 404 otherwise.
func (p *Part) grant(c echo.Context) error {
	roles, err := p.rolesOn(c)
	if err != nil {
		return fault(c, err)
	}
	for _, r := range roles {
		if string(r.ID) == c.Param("role") {
			return c.NoContent(http.StatusNoContent)
		}
	}
	return refuse(c, http.StatusNotFound, fmt.Sprintf("Could not find role assignment: %s.", c.Param("role")))
}

// assignments lists who has which role where, filtered by user, project and role.
func (p *Part) assignments(c echo.Context) error {
	if !auth.From(c.Request().Context()).IsCloudAdmin() {
		return fault(c, auth.Forbidden())
	}
	q := c.QueryParams()
	want := func(key, have string) bool { v := q.Get(key); return v == "" || v == have }
	names := q.Has("include_names") && !strings.EqualFold(q.Get("include_names"), "false")
	ref := func(id, name string) map[string]any {
		if !names {
			return map[string]any{"id": id}
		}
		return map[string]any{"id": id, "name": name, "domain": domainRef()}
	}
	list := []any{}
	p.read.Read(func(st *store.State) {
		for _, u := range st.Users() {
			for _, pr := range st.ProjectsOf(u.ID) {
				for _, r := range st.RolesOf(u.ID, pr.ID) {
					if !want("user.id", string(u.ID)) || !want("scope.project.id", string(pr.ID)) || !want("project.id", string(pr.ID)) || !want("role.id", string(r.ID)) {
						continue
					}
					list = append(list, map[string]any{
						"user": ref(string(u.ID), u.Name), "role": ref(string(r.ID), r.Name),
						"scope": map[string]any{"project": ref(string(pr.ID), pr.Name)},
						"links": map[string]any{"assignment": fmt.Sprintf("%s/identity/v3/projects/%s/users/%s/roles/%s", baseURL(c), pr.ID, u.ID, r.ID)},
					})
				}
			}
		}
	})
	return c.JSON(http.StatusOK, listBody(c, "role_assignments", list))
}
