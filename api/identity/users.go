package identity

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

func userEntries(c echo.Context, st *store.State) (out []entry) {
	for _, u := range st.Users() {
		out = append(out, entry{string(u.ID), userBody(c, u)})
	}
	return out
}

func userBody(c echo.Context, u *model.User) map[string]any {
	body := map[string]any{
		"id": string(u.ID), "name": u.Name, "enabled": u.Enabled, "domain_id": string(u.Domain),
		"password_expires_at": nil, "options": map[string]any{}, "links": link(c, "users", string(u.ID)),
	}
	for key, v := range map[string]string{"default_project_id": string(u.DefaultProject), "email": u.Email, "description": u.Description} {
		if v != "" {
			body[key] = v
		}
	}
	return withExtra(body, u.Extra)
}

func (p *Part) userNow(c echo.Context, id model.UserID) (body map[string]any) {
	p.read.Read(func(st *store.State) {
		if u, ok := st.User(id); ok {
			body = userBody(c, u)
		}
	})
	return body
}

// ownUser is the user of the path, when that is the caller or the caller is an
// admin.
func (p *Part) ownUser(c echo.Context, rule string) (u *model.User, err error) {
	id := model.UserID(c.Param("id"))
	if self := caller(c); !self.IsCloudAdmin() && self.UserID != id {
		return nil, forbidden(rule)
	}
	p.read.Read(func(st *store.State) { u, _ = st.User(id) })
	if u == nil {
		return nil, noSuch("user", string(id))
	}
	return u, nil
}

func (p *Part) showUser(c echo.Context) error {
	u, err := p.ownUser(c, "identity:get_user")
	if err != nil {
		return fault(c, err)
	}
	return c.JSON(http.StatusOK, map[string]any{"user": userBody(c, u)})
}

// userProjects is GET users/{id}/projects: where the user has any role.
func (p *Part) userProjects(c echo.Context) error {
	u, err := p.ownUser(c, "identity:list_user_projects")
	if err != nil {
		return fault(c, err)
	}
	return p.list("projects", func(c echo.Context, st *store.State) (out []entry) {
		for _, pr := range st.ProjectsOf(u.ID) {
			out = append(out, entry{string(pr.ID), projectBody(c, pr)})
		}
		return out
	})(c)
}

func (p *Part) createUser(c echo.Context) error {
	a, err := readAttrs(c, "user")
	if err != nil {
		return fault(c, err)
	}
	u := &model.User{
		ID: model.UserID(newID()), Domain: model.DomainID(a.domainID()),
		Record:  model.Record{Name: a.needName("name", maxName), Description: or(a.text("description", maxText), "")},
		Enabled: or(a.flag("enabled"), true), Email: or(a.text("email", maxName), ""),
		DefaultProject: model.ProjectID(or(a.text("default_project_id", maxName), "")),
	}
	password := a.password("password")
	a.noOptions()
	if u.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	if password != nil {
		if u.PasswordHash, err = p.check.hash(c.Request().Context(), *password); err != nil {
			return err
		}
	}
	kind, payload := writing(store.UserCreate, u, u.Extra, store.DirectoryPut{User: u})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return created(c, "user", p.userNow(c, u.ID))
}

// password is a new password; nil when absent or null.
func (a *attrs) password(name string) *string {
	if a.isNull(name) {
		return nil
	}
	s := a.text(name, maxPassword)
	if s != nil && (*s == "" || len(*s) > maxPassword) {
		a.fail(invalid("Invalid input for field '%s': a password has 1 to %d bytes", name, maxPassword))
	}
	return s
}

func (p *Part) updateUser(c echo.Context) error {
	a, err := readAttrs(c, "user")
	if err != nil {
		return fault(c, err)
	}
	id := model.UserID(c.Param("id"))
	now := p.userNow(c, id)
	if now == nil && a.sketch == nil {
		return fault(c, noSuch("user", string(id)))
	}
	patch := &store.UserPatch{
		ID: id, Name: a.name("name", maxName), Description: a.text("description", maxText), Email: a.text("email", maxName), Enabled: a.flag("enabled"),
	}
	if project := a.text("default_project_id", maxName); project != nil {
		patch.DefaultProject = (*model.ProjectID)(project)
	}
	password := a.password("password")
	a.fixed("id", string(id))
	domain, _ := now["domain_id"].(string)
	a.fixed("domain_id", domain)
	a.noOptions()
	if patch.Extra = a.extra(); a.err != nil {
		return fault(c, a.err)
	}
	if password != nil {
		hash, err := p.check.hash(c.Request().Context(), *password)
		if err != nil {
			return err
		}
		patch.PasswordHash = &hash
	}
	kind, payload := writing(store.UserUpdate, patch, patch.Extra, store.DirectoryPut{UserPatch: patch})
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return shown(c, "user", string(id), p.userNow(c, id))
}

func (p *Part) deleteUser(c echo.Context) error {
	return p.done(c, store.UserDelete, &store.UserRef{ID: model.UserID(c.Param("id"))})
}

// changePassword is POST users/{id}/password: whoever knows the old password
// may set a new one, with or without a token. It is slowed like a login.
func (p *Part) changePassword(c echo.Context) error {
	a, err := readAttrs(c, "user")
	if err != nil {
		return fault(c, err)
	}
	original, password := a.text("original_password", maxPassword), a.password("password")
	if a.sketch != nil {
		a.sketch.Required = []string{"original_password", "password"}
	}
	if original == nil || password == nil {
		a.fail(invalid("'original_password' and 'password' are required properties"))
	}
	if a.err != nil {
		return fault(c, a.err)
	}
	id := model.UserID(c.Param("id"))
	var user *model.User
	p.read.Read(func(st *store.State) {
		if u, ok := st.User(id); ok && st.UserWorks(u) {
			user = u
		}
	})
	ctx := c.Request().Context()
	if err := p.verify(ctx, user, string(id), *original, c.RealIP()); err != nil {
		return p.refuseLogin(c, err)
	}
	hash, err := p.check.hash(ctx, *password)
	if err != nil {
		return err
	}
	c.SetRequest(c.Request().WithContext(auth.With(ctx, &auth.Caller{UserID: user.ID, UserName: user.Name})))
	return p.done(c, store.UserUpdate, &store.UserPatch{ID: id, PasswordHash: &hash})
}
