package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"lbd/store/model"
)

func (st *State) Domain(id model.DomainID) (*model.Domain, bool)    { return get(st.domains, id) }
func (st *State) Project(id model.ProjectID) (*model.Project, bool) { return get(st.projects, id) }
func (st *State) User(id model.UserID) (*model.User, bool)          { return get(st.users, id) }
func (st *State) Role(id model.RoleID) (*model.Role, bool)          { return get(st.roles, id) }

func (st *State) AppCredential(id model.AppCredentialID) (*model.AppCredential, bool) {
	return get(st.appCredentials, id)
}

func (st *State) Domains() []*model.Domain   { return all(st.domains, byDomain) }
func (st *State) Projects() []*model.Project { return all(st.projects, byProject) }
func (st *State) Users() []*model.User       { return all(st.users, byUser) }
func (st *State) Roles() []*model.Role       { return all(st.roles, byRole) }

// DomainByName finds a domain.
func (st *State) DomainByName(name string) (*model.Domain, bool) {
	return get(st.domains, st.domainAt[name])
}

// UserNamed finds a user of a domain.
func (st *State) UserNamed(domain model.DomainID, name string) (*model.User, bool) {
	return get(st.users, st.userAt[userKey{domain, name}])
}

// ProjectNamed finds a project of a domain.
func (st *State) ProjectNamed(domain model.DomainID, name string) (*model.Project, bool) {
	return get(st.projects, st.projectAt[projectKey{domain, name}])
}

// UserByName finds a user of the default domain.
func (st *State) UserByName(name string) (*model.User, bool) {
	return st.UserNamed(model.DefaultDomain, name)
}

// ProjectByName finds a project of the default domain.
func (st *State) ProjectByName(name string) (*model.Project, bool) {
	return st.ProjectNamed(model.DefaultDomain, name)
}

// RoleByName finds a role; case does not matter, as in policy.
func (st *State) RoleByName(name string) (*model.Role, bool) {
	return get(st.roles, st.roleAt[strings.ToLower(name)])
}

// Assignments are all assignments, by user, group, project, domain and role.
func (st *State) Assignments() []model.Assignment {
	return slices.SortedFunc(maps.Keys(st.assignments), byAssignment)
}

// Given are the roles of the assignments that differ from a in the role alone.
func (st *State) Given(a model.Assignment) []*model.Role {
	of := st.assignmentsOf[a.User]
	if a.Group != "" {
		of = st.assignmentsTo[a.Group]
	}
	ids := map[model.RoleID]struct{}{}
	for is := range of {
		if is.Project == a.Project && is.Domain == a.Domain {
			ids[is.Role] = struct{}{}
		}
	}
	return some(st.roles, ids, byRole)
}

// RolesOf are the roles that a user has on a project, by itself and by groups.
func (st *State) RolesOf(user model.UserID, project model.ProjectID) []*model.Role {
	return st.rolesWhere(user, func(a model.Assignment) bool { return a.Project == project && a.Domain == "" })
}

// RolesOnDomain are the roles that a user has on a domain, by itself and by groups.
func (st *State) RolesOnDomain(user model.UserID, domain model.DomainID) []*model.Role {
	return st.rolesWhere(user, func(a model.Assignment) bool { return a.Domain == domain && a.Project == "" })
}

func (st *State) rolesWhere(user model.UserID, want func(model.Assignment) bool) []*model.Role {
	ids := map[model.RoleID]struct{}{}
	st.assignmentsFor(user, func(a model.Assignment) {
		if want(a) {
			ids[a.Role] = struct{}{}
		}
	})
	return some(st.roles, ids, byRole)
}

// Implied adds what roles imply: admin implies member, member implies reader.
func (st *State) Implied(roles []*model.Role) []*model.Role {
	for i := 0; i < len(roles); i++ {
		for _, name := range impliedBy(roles[i].Name) {
			if r, ok := st.RoleByName(name); ok && !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	return roles
}

func impliedBy(name string) []string {
	switch strings.ToLower(name) {
	case adminRole:
		return []string{"member"}
	case "member":
		return []string{"reader"}
	}
	return nil
}

// ImpliedBy are the roles that a role implies directly.
func (st *State) ImpliedBy(role *model.Role) (out []*model.Role) {
	for _, name := range impliedBy(role.Name) {
		if r, ok := st.RoleByName(name); ok {
			out = append(out, r)
		}
	}
	return out
}

// ProjectsOf are the projects on which a user has any role.
func (st *State) ProjectsOf(user model.UserID) []*model.Project {
	ids := map[model.ProjectID]struct{}{}
	st.assignmentsFor(user, func(a model.Assignment) { ids[a.Project] = struct{}{} })
	return some(st.projects, ids, byProject)
}

// DomainsOf are the domains on which a user has any role.
func (st *State) DomainsOf(user model.UserID) []*model.Domain {
	ids := map[model.DomainID]struct{}{}
	st.assignmentsFor(user, func(a model.Assignment) { ids[a.Domain] = struct{}{} })
	return some(st.domains, ids, byDomain)
}

// AppCredentialsOf are the application credentials of a user.
func (st *State) AppCredentialsOf(user model.UserID) []*model.AppCredential {
	return some(st.appCredentials, st.appCredentialsOf[user], byAppCredential)
}

// AppCredentialNamed finds an application credential of a user.
func (st *State) AppCredentialNamed(user model.UserID, name string) (*model.AppCredential, bool) {
	return get(st.appCredentials, st.appCredentialAt[appCredentialKey{user, name}])
}

// UserEpoch is the index at which a user's tokens ended last.
func (st *State) UserEpoch(u *model.User) uint64 { return max(u.Epoch, st.domainEpoch(u.Domain)) }

// ProjectEpoch is the index at which the tokens on a project ended last.
func (st *State) ProjectEpoch(p *model.Project) uint64 {
	return max(p.Epoch, st.domainEpoch(p.Domain))
}

func (st *State) domainEpoch(id model.DomainID) uint64 {
	if d, ok := st.domains[id]; ok {
		return d.Epoch
	}
	return 0
}

// UserWorks reports whether a user and its domain are enabled.
func (st *State) UserWorks(u *model.User) bool { return u.Enabled && st.DomainWorks(u.Domain) }

// ProjectWorks reports whether a project and its domain are enabled.
func (st *State) ProjectWorks(p *model.Project) bool { return p.Enabled && st.DomainWorks(p.Domain) }

// DomainWorks reports whether a domain is there and enabled.
func (st *State) DomainWorks(id model.DomainID) bool {
	d, ok := st.domains[id]
	return ok && d.Enabled
}

// Revoked reports whether a token was ended by its audit id.
func (st *State) Revoked(audit model.AuditID) bool { return has(st.revocations, audit) }

// Revocations counts the tokens that were ended and have not expired, as far
// as purged; due is how many of them had expired by now.
func (st *State) Revocations(now time.Time) (n, due int) {
	for _, r := range st.revocations {
		if !r.Expires.After(now) {
			due++
		}
	}
	return len(st.revocations), due
}

func byAssignment(a, b model.Assignment) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Role, b.Role))
}

func byDomain(a, b *model.Domain) int   { return by(a.Created, b.Created, a.ID, b.ID) }
func byProject(a, b *model.Project) int { return by(a.Created, b.Created, a.ID, b.ID) }
func byUser(a, b *model.User) int       { return by(a.Created, b.Created, a.ID, b.ID) }
func byRole(a, b *model.Role) int       { return by(a.Created, b.Created, a.ID, b.ID) }
func byAppCredential(a, b *model.AppCredential) int {
	return by(a.Created, b.Created, a.ID, b.ID)
}
