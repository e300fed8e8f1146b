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
		return p.anybody()
	}
	s, err := p.valid(text)
	if err != nil {
		return nil, err
	}
	return s.caller(), nil
}

// LocalAdmin is the caller behind the admin socket and in no-auth mode: admin of
// the project admin. It works whatever became of the user and the project admin.
func (p *Part) LocalAdmin() (*auth.Caller, error) {
	c := &auth.Caller{UserName: "admin", ProjectName: "admin", Roles: []string{auth.RoleAdmin, auth.RoleMember, auth.RoleReader}}
	p.read.Read(func(st *store.State) {
		if user, ok := st.UserByName("admin"); ok {
			c.UserID = user.ID
		}
		if project, ok := st.ProjectByName("admin"); ok {
			c.Project = project.ID
		}
	})
	return c, nil
}

// anybody is the caller in no-auth mode: the admin, whom no quota binds.
func (p *Part) anybody() (*auth.Caller, error) {
	c, err := p.LocalAdmin()
	if err == nil {
		c.Unmetered = true
	}
	return c, err
}

// Basic authenticates a client that sends user and password with each request:
// a user of the default domain, on the default project or the only one, slowed
// like a login.
func (p *Part) Basic(ctx context.Context, name, password, source string) (*auth.Caller, error) {
	if p.noAuth {
		return p.anybody()
	}
	var user *model.User
	t := token{Method: "password"}
	p.read.Read(func(st *store.State) {
		var ok bool
		if user, ok = st.UserByName(name); !ok {
			user = nil
			return
		}
		t.User, t.Project = user.ID, user.DefaultProject
		if list := st.ProjectsOf(user.ID); t.Project == "" && len(list) == 1 {
			t.Project = list[0].ID
		}
	})
	if err := p.verify(ctx, user, name, password, source); err != nil {
		if errors.Is(err, errLogin) || errors.Is(err, errLimited) {
			err = auth.ErrUnauthenticated
		}
		return nil, err
	}
	var s *session
	p.read.Read(func(st *store.State) { s, _ = p.session(st, t) })
	if s == nil {
		return nil, auth.ErrUnauthenticated
	}
	return s.caller(), nil
}
