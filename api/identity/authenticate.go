package identity

import (
	"context"
	"errors"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

var _ auth.Authenticator = (*Part)(nil)

// Authenticate implements auth.Authenticator.
func (p *Part) Authenticate(_ context.Context, text string) (*auth.Caller, error) {
	if p.noAuth {
		return p.LocalAdmin()
	}
	_, c, err := p.valid(text)
	return c, err
}

// LocalAdmin is the caller behind the admin socket and in no-auth mode: admin of
// the project admin.
func (p *Part) LocalAdmin() (*auth.Caller, error) {
	var c *auth.Caller
	p.read.Read(func(st *store.State) {
		user, ok1 := st.UserByName("admin")
		project, ok2 := st.ProjectByName("admin")
		if ok1 && ok2 {
			c = &auth.Caller{
				UserID: user.ID, UserName: user.Name, Project: project.ID, ProjectName: project.Name,
				Roles: []string{auth.RoleAdmin, auth.RoleMember, auth.RoleReader},
			}
		}
	})
	if c == nil { // a node that has not applied the first entry yet
		return &auth.Caller{UserName: "admin", ProjectName: "admin", Roles: []string{auth.RoleAdmin}}, nil
	}
	return c, nil
}

// valid checks a token in full and looks its caller up in the store.
func (p *Part) valid(text string) (token, *auth.Caller, error) {
	t, err := p.sign.read(text)
	if err != nil || !p.now().Before(t.Expires) || p.isRevoked(t) {
		return token{}, nil, auth.ErrUnauthenticated
	}
	c, ok := p.caller(t.User, t.Project)
	if !ok {
		return token{}, nil, auth.ErrUnauthenticated
	}
	c.ExpiresAt = t.Expires
	return t, c, nil
}

// caller is a user on a project (or on none), as the store has it now. A user
// without any role on the project is nobody there.
func (p *Part) caller(user model.UserID, project model.ProjectID) (c *auth.Caller, ok bool) {
	p.read.Read(func(st *store.State) {
		u, known := st.User(user)
		if !known || !u.Enabled {
			return
		}
		c = &auth.Caller{UserID: u.ID, UserName: u.Name}
		if project == "" {
			ok = true
			return
		}
		pr, known := st.Project(project)
		if !known || !pr.Enabled {
			return
		}
		c.Project, c.ProjectName = pr.ID, pr.Name
		for _, r := range st.RolesOf(u.ID, pr.ID) {
			c.Roles = append(c.Roles, r.Name)
		}
		ok = len(c.Roles) > 0
	})
	return c, ok
}

// Basic authenticates a client that sends user and password with each request:
// on the user's default project, slowed like a login.
func (p *Part) Basic(ctx context.Context, name, password, source string) (*auth.Caller, error) {
	if p.noAuth {
		return p.LocalAdmin()
	}
	var user *model.User
	p.read.Read(func(st *store.State) { user, _ = st.UserByName(name) })
	if err := p.verify(ctx, user, name, password, source); err != nil {
		if errors.Is(err, errLogin) || errors.Is(err, errLimited) {
			err = auth.ErrUnauthenticated
		}
		return nil, err
	}
	c, ok := p.caller(user.ID, user.DefaultProject)
	if !ok {
		return nil, auth.ErrUnauthenticated
	}
	return c, nil
}
