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
	a := &model.Assignment{User: model.UserID(c.Param("user")), Group: model.GroupID(c.Param("group")), Role: model.RoleID(c.Param("role"))}
	if strings.Contains(c.Path(), "/domains/") {
		a.Domain = model.DomainID(c.Param("id"))
	} else {
		a.Project = model.ProjectID(c.Param("id"))
	}
	return a
}

// given are the roles that the user or group was given on what the path names.
func (p *Part) given(a *model.Assignment) (roles []*model.Role, err error) {
	p.read.Read(func(st *store.State) {
		if _, ok := st.Project(a.Project); !ok && a.Project != "" {
			err = noSuch("project", string(a.Project))
		} else if _, ok := st.Domain(a.Domain); !ok && a.Domain != "" {
			err = noSuch("domain", string(a.Domain))
		} else if _, ok := st.User(a.User); !ok && a.User != "" {
			err = noSuch("user", string(a.User))
		} else if _, ok := st.Group(a.Group); !ok && a.Group != "" {
			err = noSuch("group", string(a.Group))
		} else {
			roles = st.Given(*a)
		}
	})
	return roles, err
}

func (p *Part) grants(c echo.Context) error {
	roles, err := p.given(pathAssignment(c))
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
	roles, err := p.given(a)
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

// assignments lists who has which role where, filtered by user, group, project,
// domain and role; with effective, implied roles as well, and users in place of
// their groups.
func (p *Part) assignments(c echo.Context) error {
	q := c.QueryParams()
	names, effective := flagged(q, "include_names"), flagged(q, "effective")
	if effective && q.Get("group.id") != "" {
		return fault(c, invalid("Combining effective and group filter will always result in an empty list."))
	}
	want := func(key, have string) bool { v := q.Get(key); return v == "" || v == have }
	list := []any{}
	nobody := flagged(q, "scope.system") || flagged(q, "scope.OS-INHERIT:inherited_to")
	p.read.Read(func(st *store.State) {
		seen := map[model.Assignment]bool{}
		for _, given := range st.Assignments() {
			r, ok := st.Role(given.Role)
			if !ok || nobody {
				continue
			}
			roles, to := []*model.Role{r}, []model.Assignment{given}
			if effective {
				roles = st.Implied(roles)
				to = expanded(st, given)
			}
			for _, a := range to {
				for _, r := range roles {
					a.Role = r.ID
					if seen[a] || !want("user.id", string(a.User)) || !want("group.id", string(a.Group)) || !want("scope.project.id", string(a.Project)) ||
						!want("project.id", string(a.Project)) || !want("scope.domain.id", string(a.Domain)) || !want("role.id", string(a.Role)) {
						continue
					}
					seen[a] = true
					list = append(list, assignmentBody(c, st, a, given, names))
				}
			}
		}
	})
	return c.JSON(http.StatusOK, listBody(c, "role_assignments", list))
}

// expanded are the assignments that given means for users.
func expanded(st *store.State, given model.Assignment) (out []model.Assignment) {
	if given.Group == "" {
		return []model.Assignment{given}
	}
	for _, u := range st.UsersIn(given.Group) {
		a := given
		a.User, a.Group = u.ID, ""
		out = append(out, a)
	}
	return out
}

// assignmentBody is an assignment a that follows from given.
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
	if g, ok := st.Group(a.Group); ok {
		body["group"] = ref(string(g.ID), g.Name, g.Domain)
	}
	if r, ok := st.Role(a.Role); ok {
		body["role"] = ref(string(r.ID), r.Name, model.DefaultDomain)
	}
	if d, ok := st.Domain(a.Domain); ok {
		body["scope"] = map[string]any{"domain": ref(string(d.ID), d.Name, "")}
	} else if pr, ok := st.Project(a.Project); ok {
		body["scope"] = map[string]any{"project": ref(string(pr.ID), pr.Name, pr.Domain)}
	}
	links := assignmentLink(c, given)
	if a.Role != given.Role {
		links["prior_role"] = link(c, "roles", string(given.Role))["self"]
	}
	if a.Group != given.Group {
		links["membership"] = link(c, "groups/"+string(given.Group)+"/users", string(a.User))["self"]
	}
	body["links"] = links
	return body
}
