package identity

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// pathAssignment is what a grant's path names, the role left out when it is a
// listing.
func pathAssignment(c echo.Context) *model.Assignment {
	a := &model.Assignment{User: model.UserID(c.Param("user")), Role: model.RoleID(c.Param("role"))}
	if strings.Contains(c.Path(), "/domains/") {
		a.Domain = model.DomainID(c.Param("id"))
	} else {
		a.Project = model.ProjectID(c.Param("id"))
	}
	return a
}

// rolesOn are the roles that the user was given on what the path names.
func (p *Part) rolesOn(a *model.Assignment) (roles []*model.Role, err error) {
	p.read.Read(func(st *store.State) {
		if _, ok := st.Project(a.Project); !ok && a.Project != "" {
			err = noSuch("project", string(a.Project))
		} else if _, ok := st.Domain(a.Domain); !ok && a.Domain != "" {
			err = noSuch("domain", string(a.Domain))
		} else if _, ok := st.User(a.User); !ok {
			err = noSuch("user", string(a.User))
		} else if a.Domain != "" {
			roles = st.RolesOnDomain(a.User, a.Domain)
		} else {
			roles = st.RolesOf(a.User, a.Project)
		}
	})
	return roles, err
}

func (p *Part) grants(c echo.Context) error {
	roles, err := p.rolesOn(pathAssignment(c))
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
	a := pathAssignment(c)
	roles, err := p.rolesOn(a)
	if err != nil {
		return fault(c, err)
	}
	if !slices.ContainsFunc(roles, func(r *model.Role) bool { return r.ID == a.Role }) {
		return fault(c, noSuch("role assignment", string(a.Role)))
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) putGrant(c echo.Context) error {
	return p.done(c, store.AssignmentPut, pathAssignment(c))
}

func (p *Part) dropGrant(c echo.Context) error {
	return p.done(c, store.AssignmentRemove, pathAssignment(c))
}

// flagged reports whether a query asks for something by a key with or without a
// value, as Keystone reads them.
func flagged(q url.Values, key string) bool {
	return q.Has(key) && !strings.EqualFold(q.Get(key), "false") && q.Get(key) != "0"
}

// assignments lists who has which role where, filtered by user, project, domain
// and role; with effective, implied roles as well.
func (p *Part) assignments(c echo.Context) error {
	q := c.QueryParams()
	names, effective := flagged(q, "include_names"), flagged(q, "effective")
	want := func(key, have string) bool { v := q.Get(key); return v == "" || v == have }
	list := []any{}
	nobody := q.Get("group.id") != "" || flagged(q, "scope.system") || flagged(q, "scope.OS-INHERIT:inherited_to")
	p.read.Read(func(st *store.State) {
		seen := map[model.Assignment]bool{}
		for _, given := range st.Assignments() {
			r, ok := st.Role(given.Role)
			if !ok || nobody {
				continue
			}
			roles := []*model.Role{r}
			if effective {
				roles = st.Implied(roles)
			}
			for _, r := range roles {
				a := given
				a.Role = r.ID
				if seen[a] || !want("user.id", string(a.User)) || !want("scope.project.id", string(a.Project)) || !want("project.id", string(a.Project)) ||
					!want("scope.domain.id", string(a.Domain)) || !want("role.id", string(a.Role)) {
					continue
				}
				seen[a] = true
				list = append(list, assignmentBody(c, st, a, given, names))
			}
		}
	})
	return c.JSON(http.StatusOK, listBody(c, "role_assignments", list))
}

func assignmentBody(c echo.Context, st *store.State, a, given model.Assignment, names bool) map[string]any {
	ref := func(id, name string, domain model.DomainID) map[string]any {
		if !names {
			return map[string]any{"id": id}
		}
		m := map[string]any{"id": id, "name": name}
		if d, ok := st.Domain(domain); ok {
			m["domain"] = map[string]any{"id": d.ID, "name": d.Name}
		}
		return m
	}
	body := map[string]any{}
	if u, ok := st.User(a.User); ok {
		body["user"] = ref(string(u.ID), u.Name, u.Domain)
	}
	if r, ok := st.Role(a.Role); ok {
		body["role"] = ref(string(r.ID), r.Name, model.DefaultDomain)
	}
	kind, on := "projects", string(a.Project)
	if d, ok := st.Domain(a.Domain); ok {
		kind, on = "domains", string(d.ID)
		body["scope"] = map[string]any{"domain": ref(on, d.Name, "")}
	} else if pr, ok := st.Project(a.Project); ok {
		body["scope"] = map[string]any{"project": ref(on, pr.Name, pr.Domain)}
	}
	links := assignmentLink(c, kind, on, string(a.User), string(given.Role))
	if a != given {
		links["prior_role"] = link(c, "roles", string(given.Role))["self"]
	}
	body["links"] = links
	return body
}
