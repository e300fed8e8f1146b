package store

import (
	"strings"

	"lbd/store/model"
)

type (
	userKey struct {
		domain model.DomainID
		name   string
	}
	projectKey struct {
		domain model.DomainID
		name   string
	}
	appCredentialKey struct {
		user model.UserID
		name string
	}
)

func keyOfUser(u *model.User) userKey { return userKey{u.Domain, u.Name} }

func keyOfProject(p *model.Project) projectKey { return projectKey{p.Domain, p.Name} }

func keyOfAppCredential(a *model.AppCredential) appCredentialKey {
	return appCredentialKey{a.User, a.Name}
}

func (st *State) putDomain(d *model.Domain) {
	if old, ok := st.domains[d.ID]; ok {
		delete(st.domainAt, old.Name)
	}
	st.domains[d.ID] = d
	st.domainAt[d.Name] = d.ID
}

func (st *State) dropDomain(d *model.Domain) {
	delete(st.domains, d.ID)
	delete(st.domainAt, d.Name)
}

func (st *State) putProject(p *model.Project) {
	if old, ok := st.projects[p.ID]; ok {
		delete(st.projectAt, keyOfProject(old))
	}
	st.projects[p.ID] = p
	st.projectAt[keyOfProject(p)] = p.ID
}

// dropProject removes a project with the assignments and application
// credentials on it. What other nouns call it their owner stays.
func (st *State) dropProject(p *model.Project) {
	for a := range st.assignments {
		if a.Project == p.ID {
			st.dropAssignment(a)
		}
	}
	for _, a := range st.appCredentials {
		if a.Project == p.ID {
			st.dropAppCredential(a)
		}
	}
	delete(st.projects, p.ID)
	delete(st.projectAt, keyOfProject(p))
}

func (st *State) putUser(u *model.User) {
	if old, ok := st.users[u.ID]; ok {
		delete(st.userAt, keyOfUser(old))
	}
	st.users[u.ID] = u
	st.userAt[keyOfUser(u)] = u.ID
}

// dropUser removes a user and all that only the user has.
func (st *State) dropUser(u *model.User) {
	for a := range st.assignmentsOf[u.ID] {
		st.dropAssignment(a)
	}
	for g := range st.groupsOf[u.ID] {
		st.dropMembership(model.Membership{Group: g, User: u.ID})
	}
	for id := range st.appCredentialsOf[u.ID] {
		st.dropAppCredential(st.appCredentials[id])
	}
	for id := range st.revocationsOf[u.ID] {
		st.dropRevocation(st.revocations[id])
	}
	delete(st.users, u.ID)
	delete(st.userAt, keyOfUser(u))
}

func (st *State) putRole(r *model.Role) {
	if old, ok := st.roles[r.ID]; ok {
		delete(st.roleAt, strings.ToLower(old.Name))
	}
	st.roles[r.ID] = r
	st.roleAt[strings.ToLower(r.Name)] = r.ID
}

func (st *State) dropRole(r *model.Role) {
	delete(st.roles, r.ID)
	delete(st.roleAt, strings.ToLower(r.Name))
}

func (st *State) putAssignment(a model.Assignment) {
	st.assignments[a] = struct{}{}
	if a.Group != "" {
		st.assignmentsTo.add(a.Group, a)
	} else {
		st.assignmentsOf.add(a.User, a)
	}
}

func (st *State) dropAssignment(a model.Assignment) {
	delete(st.assignments, a)
	if a.Group != "" {
		st.assignmentsTo.remove(a.Group, a)
	} else {
		st.assignmentsOf.remove(a.User, a)
	}
}

func (st *State) putAppCredential(a *model.AppCredential) {
	st.appCredentials[a.ID] = a
	st.appCredentialsOf.add(a.User, a.ID)
	st.appCredentialAt[keyOfAppCredential(a)] = a.ID
}

func (st *State) dropAppCredential(a *model.AppCredential) {
	delete(st.appCredentials, a.ID)
	st.appCredentialsOf.remove(a.User, a.ID)
	delete(st.appCredentialAt, keyOfAppCredential(a))
}

func (st *State) putRevocation(r *model.Revocation) {
	st.revocations[r.Audit] = r
	st.revocationsOf.add(r.User, r.Audit)
}

func (st *State) dropRevocation(r *model.Revocation) {
	delete(st.revocations, r.Audit)
	st.revocationsOf.remove(r.User, r.Audit)
}
