package identity

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/store"
)

func baseURL(c echo.Context) string { return api.BaseURL(c) }

// tokenBody is the answer to a login and to GET auth/tokens.
func (p *Part) tokenBody(c echo.Context, t token, caller *auth.Caller) map[string]any {
	body := map[string]any{
		"methods": strings.Split(t.Method, ","), "audit_ids": auditIDs(t),
		"issued_at": timestamp(t.Issued), "expires_at": timestamp(t.Expires),
		"user": map[string]any{"id": caller.UserID, "name": caller.UserName, "domain": domainRef(), "password_expires_at": nil},
	}
	if caller.Project != "" {
		body["project"] = map[string]any{"id": caller.Project, "name": caller.ProjectName, "domain": domainRef()}
		body["is_domain"] = false
		body["roles"] = p.roleRefs(caller)
		if !c.QueryParams().Has("nocatalog") {
			body["catalog"] = catalog(c)
		}
	}
	return map[string]any{"token": body}
}

func auditIDs(t token) []string {
	if t.First == "" {
		return []string{t.Audit}
	}
	return []string{t.Audit, t.First}
}

func (p *Part) roleRefs(caller *auth.Caller) []map[string]any {
	out := []map[string]any{}
	p.read.Read(func(st *store.State) {
		for _, r := range st.RolesOf(caller.UserID, caller.Project) {
			out = append(out, map[string]any{"id": r.ID, "name": r.Name})
		}
	})
	return out
}

// subject is the token in X-Subject-Token: a caller's own, or any for an admin.
func (p *Part) subject(c echo.Context) (token, *auth.Caller, error) {
	text := c.Request().Header.Get("X-Subject-Token")
	t, caller, err := p.valid(text)
	if err != nil {
		return token{}, nil, store.Errorf(store.NotFound, "This is not a recognized token.")
	}
	self := auth.From(c.Request().Context())
	if self == nil || self.UserID != caller.UserID && !self.IsCloudAdmin() && !self.Has(auth.RoleService) {
		return token{}, nil, auth.Forbidden()
	}
	return t, caller, nil
}

func (p *Part) showToken(c echo.Context) error {
	t, caller, err := p.subject(c)
	if err != nil {
		return fault(c, err)
	}
	c.Response().Header().Set("X-Subject-Token", c.Request().Header.Get("X-Subject-Token"))
	return c.JSON(http.StatusOK, p.tokenBody(c, t, caller))
}

// revokeToken ends a token, and those made from it, on this node; the other
// nodes take it until it expires (doc.go).
func (p *Part) revokeToken(c echo.Context) error {
	t, _, err := p.subject(c)
	if err != nil {
		return fault(c, err)
	}
	p.revoke(t)
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) authProjects(c echo.Context) error {
	list := []any{}
	p.read.Read(func(st *store.State) {
		for _, pr := range st.ProjectsOf(auth.From(c.Request().Context()).UserID) {
			list = append(list, projectBody(c, pr))
		}
	})
	return c.JSON(http.StatusOK, listBody(c, "projects", list))
}

func (p *Part) authCatalog(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"catalog": catalog(c), "links": selfLink(c)})
}

// fault answers a store.Error in Keystone's form; everything else goes up.
func fault(c echo.Context, err error) error {
	if kind := store.KindOf(err); kind != "" {
		return refuse(c, api.StatusOf(kind), err.Error())
	}
	return err
}
