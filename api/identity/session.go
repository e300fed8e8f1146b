package identity

import (
	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// session is a token with what the store has of it now.
type session struct {
	token
	user    *model.User
	project *model.Project       // nil when not scoped to one
	domain  *model.Domain        // nil when not scoped to one
	app     *model.AppCredential // nil without one
	roles   []*model.Role        // on project or domain, implied ones included
	names   map[model.DomainID]string
}

// session looks up user, scope and roles. A user without any role on the scope
// is nobody there. Signature, expiry, epochs and revocation are not looked at.
func (p *Part) session(st *store.State, t token) (*session, bool) {
	s := &session{token: t}
	var ok bool
	if s.user, ok = st.User(t.User); !ok || !st.UserWorks(s.user) {
		return nil, false
	}
	s.name(st, s.user.Domain)
	switch {
	case t.Project != "":
		if s.project, ok = st.Project(t.Project); !ok || !st.ProjectWorks(s.project) {
			return nil, false
		}
		s.name(st, s.project.Domain)
		s.roles = st.Implied(st.RolesOf(t.User, t.Project))
	case t.Domain != "":
		if s.domain, ok = st.Domain(t.Domain); !ok || !s.domain.Enabled {
			return nil, false
		}
		s.roles = st.Implied(st.RolesOnDomain(t.User, t.Domain))
	default:
		return s, t.App == ""
	}
	if t.App != "" {
		s.app, ok = st.AppCredential(t.App)
		if !ok || s.app.User != t.User || s.app.Project != t.Project || expired(s.app, p.now()) {
			return nil, false
		}
		s.roles = nil // the store drops the credential when the user loses one of them
		for _, id := range s.app.Roles {
			if r, ok := st.Role(id); ok {
				s.roles = append(s.roles, r)
			}
		}
		s.roles = st.Implied(s.roles)
	}
	return s, len(s.roles) > 0
}

func (s *session) name(st *store.State, id model.DomainID) {
	if s.names == nil {
		s.names = map[model.DomainID]string{}
	}
	if d, ok := st.Domain(id); ok {
		s.names[id] = d.Name
	}
}

// domainRef names a domain of the session.
func (s *session) domainRef(id model.DomainID) map[string]any {
	return map[string]any{"id": id, "name": s.names[id]}
}

// epochs are those that a token made now has to carry.
func (s *session) epochs(st *store.State) (user, scope uint64) {
	switch {
	case s.project != nil:
		scope = st.ProjectEpoch(s.project)
	case s.domain != nil:
		scope = s.domain.Epoch
	}
	return st.UserEpoch(s.user), scope
}

// caller is what the other parts see of a session.
func (s *session) caller() *auth.Caller {
	c := &auth.Caller{UserID: s.user.ID, UserName: s.user.Name, Domain: s.Domain, ExpiresAt: s.Expires, Restricted: s.app != nil && !s.app.Unrestricted}
	if s.project != nil {
		c.Project, c.ProjectName = s.project.ID, s.project.Name
	}
	for _, r := range s.roles {
		c.Roles = append(c.Roles, r.Name)
	}
	return c
}

// valid checks a token in full. It fails with auth.ErrUnauthenticated.
func (p *Part) valid(text string) (*session, error) {
	t, err := p.sign.read(text)
	if err != nil || !p.now().Before(t.Expires) {
		return nil, auth.ErrUnauthenticated
	}
	var s *session
	p.read.Read(func(st *store.State) {
		if st.Revoked(model.AuditID(t.Audit)) || t.First != "" && st.Revoked(model.AuditID(t.First)) {
			return
		}
		found, ok := p.session(st, t)
		if !ok {
			return
		}
		if user, scope := found.epochs(st); user == t.UserEpoch && scope == t.ScopeEpoch {
			s = found
		}
	})
	if s == nil {
		return nil, auth.ErrUnauthenticated
	}
	return s, nil
}
