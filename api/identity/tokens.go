package identity

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

func baseURL(c echo.Context) string { return api.BaseURL(c) }

// tokenBody is the answer to a login and to GET auth/tokens.
func tokenBody(c echo.Context, s *session) map[string]any {
	body := map[string]any{
		"methods": strings.Split(s.Method, ","), "audit_ids": auditIDs(s.token),
		"issued_at": timestamp(s.Issued), "expires_at": timestamp(s.Expires),
		"user": map[string]any{"id": s.user.ID, "name": s.user.Name, "domain": s.domainRef(s.user.Domain), "password_expires_at": nil},
	}
	switch {
	case s.project != nil:
		body["project"] = map[string]any{"id": s.project.ID, "name": s.project.Name, "domain": s.domainRef(s.project.Domain)}
		body["is_domain"] = false
	case s.domain != nil:
		body["domain"] = map[string]any{"id": s.domain.ID, "name": s.domain.Name}
	default:
		return map[string]any{"token": body}
	}
	if s.app != nil {
		body["application_credential"] = map[string]any{"id": s.app.ID, "name": s.app.Name, "restricted": !s.app.Unrestricted}
	}
	roles := []map[string]any{}
	for _, r := range s.roles {
		roles = append(roles, map[string]any{"id": r.ID, "name": r.Name})
	}
	body["roles"] = roles
	if !c.QueryParams().Has("nocatalog") {
		body["catalog"] = catalog(c)
	}
	return map[string]any{"token": body}
}

func auditIDs(t token) []string {
	if t.First == "" {
		return []string{t.Audit}
	}
	return []string{t.Audit, t.First}
}

// subject is the token in X-Subject-Token: a caller's own, or any for an admin.
func (p *Part) subject(c echo.Context) (*session, error) {
	s, err := p.valid(c.Request().Header.Get("X-Subject-Token"))
	if err != nil {
		return nil, store.Errorf(store.NotFound, "This is not a recognized token.")
	}
	if self := caller(c); self == nil || self.UserID != s.user.ID && !self.Has(auth.RoleAdmin, auth.RoleService) {
		return nil, forbidden("identity:validate_token")
	}
	return s, nil
}

func (p *Part) showToken(c echo.Context) error {
	s, err := p.subject(c)
	if err != nil {
		return fault(c, err)
	}
	c.Response().Header().Set("X-Subject-Token", c.Request().Header.Get("X-Subject-Token"))
	return c.JSON(http.StatusOK, tokenBody(c, s))
}

// revokeToken ends a token, and those made from it, on every node.
func (p *Part) revokeToken(c echo.Context) error {
	s, err := p.subject(c)
	if err != nil {
		return fault(c, err)
	}
	return p.done(c, store.TokenRevoke, &model.Revocation{Audit: model.AuditID(s.Audit), User: s.User, Expires: s.Expires})
}

// authProjects is GET auth/projects: where the caller could get a token.
func (p *Part) authProjects(c echo.Context) error {
	list := []any{}
	p.read.Read(func(st *store.State) {
		for _, pr := range st.ProjectsOf(caller(c).UserID) {
			if st.ProjectWorks(pr) {
				list = append(list, projectBody(c, pr))
			}
		}
	})
	return c.JSON(http.StatusOK, listBody(c, "projects", list))
}

func (p *Part) authDomains(c echo.Context) error {
	list := []any{}
	p.read.Read(func(st *store.State) {
		for _, d := range st.DomainsOf(caller(c).UserID) {
			if d.Enabled {
				list = append(list, domainBody(c, d))
			}
		}
	})
	return c.JSON(http.StatusOK, listBody(c, "domains", list))
}

// authSystem is GET auth/system: no role is given on the system here.
func (p *Part) authSystem(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"system": []any{}, "links": selfLink(c)})
}

func (p *Part) authCatalog(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"catalog": catalog(c), "links": selfLink(c)})
}
