package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// mountDirectory serves projects, users, roles and the rest to read; making and
// changing them is answered with 501 so that a client is not left in doubt.
func (p *Part) mountDirectory(r *api.Router, base string) {
	for _, k := range []struct {
		path, one, many string
		list            func(c echo.Context) []entry
	}{
		{"/projects", "project", "projects", p.projects},
		{"/users", "user", "users", p.users},
		{"/roles", "role", "roles", p.roles},
		{"/domains", "domain", "domains", p.domains},
		{"/services", "service", "services", p.serviceEntries},
		{"/endpoints", "endpoint", "endpoints", p.endpointEntries},
		{"/regions", "region", "regions", p.regionEntries},
	} {
		r.Handle("GET", base+k.path, func(c echo.Context) error {
			if !auth.From(c.Request().Context()).IsCloudAdmin() {
				return fault(c, auth.Forbidden())
			}
			return c.JSON(http.StatusOK, listBody(c, k.many, filter(c, k.list(c))))
		})
		r.Handle("GET", base+k.path+"/:id", func(c echo.Context) error {
			id := c.Param("id")
			self := auth.From(c.Request().Context())
			own := id == string(self.UserID) || id == string(self.Project)
			if !self.IsCloudAdmin() && !own {
				return fault(c, auth.Forbidden())
			}
			for _, e := range k.list(c) {
				if e.id == id {
					return c.JSON(http.StatusOK, map[string]any{k.one: e.body})
				}
			}
			return refuse(c, http.StatusNotFound, fmt.Sprintf("Could not find %s: %s.", k.one, id))
		})
		r.Handle("POST", base+k.path, readOnly(k.many))
		r.Handle("PATCH", base+k.path+"/:id", readOnly(k.many))
		r.Handle("DELETE", base+k.path+"/:id", readOnly(k.many))
	}
	r.Handle("GET", base+"/users/:id/projects", p.userProjects)
	r.Handle("POST", base+"/users/:id/password", readOnly("passwords"))
	r.Handle("POST", base+"/users/:id/application_credentials", readOnly("application credentials"))
	r.Handle("GET", base+"/role_assignments", p.assignments)
	grants := base + "/projects/:id/users/:user/roles"
	r.Handle("GET", grants, p.grants)
	r.Handle("HEAD", grants+"/:role", p.grant)
	r.Handle("GET", grants+"/:role", p.grant)
	r.Handle("PUT", grants+"/:role", readOnly("role assignments"))
	r.Handle("DELETE", grants+"/:role", readOnly("role assignments"))
}

// readOnly refuses changes: admins because there is no way yet, others because
// it is not theirs to do.
func readOnly(what string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !auth.From(c.Request().Context()).IsCloudAdmin() {
			return fault(c, auth.Forbidden())
		}
		return refuse(c, http.StatusNotImplemented, fmt.Sprintf("The %s of this cluster cannot be changed through the identity API.", what))
	}
}

// entry is one object of a listing.
type entry struct {
	id   string
	body map[string]any
}

// filter applies the query's keys that the objects have as text or boolean;
// other keys are ignored, as clients expect.
func filter(c echo.Context, in []entry) []any {
	out := []any{}
	for _, e := range in {
		if e.matches(c.QueryParams()) {
			out = append(out, e.body)
		}
	}
	return out
}

func (e entry) matches(q url.Values) bool {
	for key := range q {
		want := q.Get(key)
		switch have := e.body[key].(type) {
		case bool:
			if b, err := strconv.ParseBool(want); err == nil && b != have {
				return false
			}
		case string, model.ProjectID, model.UserID, model.RoleID:
			if want != "" && fmt.Sprint(have) != want {
				return false
			}
		}
	}
	return true
}

func (p *Part) projects(c echo.Context) (out []entry) {
	p.read.Read(func(st *store.State) {
		for _, pr := range st.Projects() {
			out = append(out, entry{string(pr.ID), projectBody(c, pr)})
		}
	})
	return out
}

func projectBody(c echo.Context, pr *model.Project) map[string]any {
	return map[string]any{
		"id": pr.ID, "name": pr.Name, "description": pr.Description, "enabled": pr.Enabled, "domain_id": string(model.DefaultDomain),
		"parent_id": string(model.DefaultDomain), "is_domain": false, "tags": orEmpty(pr.Tags), "options": map[string]any{},
		"links": link(c, "projects", string(pr.ID)),
	}
}

func (p *Part) users(c echo.Context) (out []entry) {
	p.read.Read(func(st *store.State) {
		for _, u := range st.Users() {
			body := map[string]any{
				"id": u.ID, "name": u.Name, "enabled": u.Enabled, "domain_id": string(model.DefaultDomain),
				"password_expires_at": nil, "options": map[string]any{}, "links": link(c, "users", string(u.ID)),
			}
			if u.DefaultProject != "" {
				body["default_project_id"] = u.DefaultProject
			}
			out = append(out, entry{string(u.ID), body})
		}
	})
	return out
}

func (p *Part) roles(c echo.Context) (out []entry) {
	p.read.Read(func(st *store.State) {
		for _, r := range st.Roles() {
			out = append(out, entry{string(r.ID), roleBody(c, r)})
		}
	})
	return out
}

func roleBody(c echo.Context, r *model.Role) map[string]any {
	return map[string]any{
		"id": r.ID, "name": r.Name, "domain_id": nil, "description": nil, "options": map[string]any{}, "links": link(c, "roles", string(r.ID)),
	}
}

func (p *Part) domains(c echo.Context) []entry {
	return []entry{{string(model.DefaultDomain), map[string]any{
		"id": string(model.DefaultDomain), "name": "Default", "description": "The default domain", "enabled": true,
		"tags": []string{}, "options": map[string]any{}, "links": link(c, "domains", string(model.DefaultDomain)),
	}}}
}

func listBody(c echo.Context, key string, list []any) map[string]any {
	l := selfLink(c)
	l["previous"], l["next"] = nil, nil
	return map[string]any{key: list, "links": l}
}

func selfLink(c echo.Context) map[string]any {
	return map[string]any{"self": baseURL(c) + c.Request().URL.RequestURI()}
}

func link(c echo.Context, kind, id string) map[string]any {
	return map[string]any{"self": baseURL(c) + "/identity/v3/" + kind + "/" + id}
}

// fixedID is an id that is the same on every node: 32 hex digits of a hash.
func fixedID(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return hex.EncodeToString(h[:16])
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
