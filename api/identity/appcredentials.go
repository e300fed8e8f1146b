package identity

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// secretLen is that of secrets made here, in random bytes.
const secretLen = 48

func expired(a *model.AppCredential, now time.Time) bool {
	return !a.Expires.IsZero() && !now.Before(a.Expires)
}

func appCredentialBody(c echo.Context, st *store.State, a *model.AppCredential) map[string]any {
	roles := []any{}
	for _, id := range a.Roles {
		if r, ok := st.Role(id); ok {
			roles = append(roles, map[string]any{"id": r.ID, "name": r.Name, "domain_id": nil})
		}
	}
	body := map[string]any{
		"id": string(a.ID), "name": a.Name, "description": nil, "project_id": string(a.Project), "user_id": string(a.User), "roles": roles,
		"expires_at": nil, "unrestricted": a.Unrestricted, "system": nil,
		"links": link(c, "users/"+string(a.User)+"/application_credentials", string(a.ID)),
	}
	if a.Description != "" {
		body["description"] = a.Description
	}
	if !a.Expires.IsZero() {
		// Without a zone, unlike in a token: so does Keystone, and clients parse it so.
		body["expires_at"] = strings.TrimSuffix(timestamp(a.Expires), "Z")
	}
	return body
}

func (p *Part) listAppCredentials(c echo.Context) error {
	u, err := p.ownUser(c, "identity:list_application_credentials")
	if err != nil {
		return fault(c, err)
	}
	return p.list("application_credentials", func(c echo.Context, st *store.State) (out []entry) {
		for _, a := range st.AppCredentialsOf(u.ID) {
			out = append(out, entry{string(a.ID), appCredentialBody(c, st, a)})
		}
		return out
	})(c)
}

func (p *Part) showAppCredential(c echo.Context) error {
	u, err := p.ownUser(c, "identity:get_application_credential")
	if err != nil {
		return fault(c, err)
	}
	var body map[string]any
	p.read.Read(func(st *store.State) {
		if a, ok := st.AppCredential(model.AppCredentialID(c.Param("credential"))); ok && a.User == u.ID {
			body = appCredentialBody(c, st, a)
		}
	})
	return shown(c, "application_credential", c.Param("credential"), body)
}

// createAppCredential makes a credential of the caller's own, on the project of
// the token in use, with roles of that token. The secret is shown in the answer
// and never again.
func (p *Part) createAppCredential(c echo.Context) error {
	a, err := readAttrs(c, "application_credential")
	self := caller(c)
	switch {
	case err == nil && a.sketch != nil:
	case self.UserID == "" || self.UserID != model.UserID(c.Param("id")) || self.Restricted:
		return fault(c, forbidden("identity:create_application_credential"))
	case self.Project == "":
		return fault(c, invalid("An application credential is made with a token that is scoped to a project."))
	case err != nil:
		return fault(c, err)
	}
	cred := &model.AppCredential{
		ID: model.AppCredentialID(newID()), User: self.UserID,
		Record:  model.Record{Name: a.needName("name", maxName), Project: self.Project, Description: or(a.text("description", maxText), "")},
		Expires: a.future("expires_at", p.now()), Unrestricted: or(a.flag("unrestricted"), false),
	}
	cred.Roles = a.rolesFrom(p, self.Roles)
	secret := a.password("secret")
	a.note("access_rules", openapi.List(nil))
	if raw, ok := a.of["access_rules"]; ok && !a.isNull("access_rules") && string(raw) != "[]" {
		a.fail(unsupported("access rules of application credentials"))
	}
	if a.err != nil {
		return fault(c, a.err)
	}
	if secret == nil {
		b := make([]byte, secretLen)
		_, _ = rand.Read(b) // never fails (crypto/rand)
		s := base64.RawURLEncoding.EncodeToString(b)
		secret, cred.SecretHash = &s, hashSecret(s)
	} else if cred.SecretHash, err = p.check.hash(c.Request().Context(), *secret); err != nil {
		return err
	}
	if err := p.apply(c, store.AppCredentialCreate, cred); err != nil {
		return fault(c, err)
	}
	var body map[string]any
	p.read.Read(func(st *store.State) {
		if x, ok := st.AppCredential(cred.ID); ok {
			body = appCredentialBody(c, st, x)
			body["secret"] = *secret
		}
	})
	return created(c, "application_credential", body)
}

// rolesFrom are the roles that the request names, by id or name, all of which
// the caller's token has to have; without any, all of the token's.
func (a *attrs) rolesFrom(p *Part, held []string) (out []model.RoleID) {
	a.note("roles", openapi.List(openapi.Decoded(reflect.TypeFor[named]())))
	var want []named
	if raw, ok := a.of["roles"]; ok && json.Unmarshal(raw, &want) != nil {
		a.fail(wrongType("roles", raw, "array"))
		return nil
	}
	p.read.Read(func(st *store.State) {
		var mine []*model.Role
		for _, name := range held {
			if r, ok := st.RoleByName(name); ok {
				mine = append(mine, r)
			}
		}
		for _, r := range mine {
			if len(want) == 0 {
				out = append(out, r.ID)
			}
		}
		for _, w := range want {
			i := slices.IndexFunc(mine, func(r *model.Role) bool {
				return w.ID != "" && string(r.ID) == w.ID || w.ID == "" && w.Name != "" && r.Name == w.Name
			})
			if i < 0 {
				a.fail(invalid("The role %.100q is not one that the token in use has.", w.ID+w.Name))
				return
			}
			if !slices.Contains(out, mine[i].ID) {
				out = append(out, mine[i].ID)
			}
		}
	})
	return out
}

// future is a time to come; zero when absent or null. Without a zone it is UTC.
func (a *attrs) future(name string, now time.Time) (at time.Time) {
	s := or(a.text(name, 64), "")
	if s == "" {
		return at
	}
	err := error(nil)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05Z0700"} {
		if at, err = time.Parse(form, s); err == nil {
			break
		}
	}
	switch {
	case err != nil:
		a.fail(invalid("Invalid input for field '%s': %.60q is not a time like 2030-01-31T12:00:00", name, s))
	case !at.After(now):
		a.fail(invalid("Invalid input for field '%s': %.60q is in the past", name, s))
	}
	return at.UTC().Truncate(time.Microsecond)
}

func (p *Part) deleteAppCredential(c echo.Context) error {
	u, err := p.ownUser(c, "identity:delete_application_credential")
	if err == nil && caller(c).Restricted {
		err = forbidden("identity:delete_application_credential")
	}
	if err != nil {
		return fault(c, err)
	}
	return p.done(c, store.AppCredentialDelete, &store.AppCredentialRef{ID: model.AppCredentialID(c.Param("credential")), User: u.ID})
}

// listAccessRules is GET users/{id}/access_rules: there are none.
func (p *Part) listAccessRules(c echo.Context) error {
	if _, err := p.ownUser(c, "identity:list_access_rules"); err != nil {
		return fault(c, err)
	}
	return c.JSON(http.StatusOK, listBody(c, "access_rules", []any{}))
}
