package store

import (
	"slices"

	"lbd/store/model"
)

const (
	// maxAppCredentials bounds the application credentials of one user.
	maxAppCredentials = 200
	// maxRevocations bounds the tokens of one user that are revoked one by one
	// and kept until they expire; one more ends all of the user's tokens.
	maxRevocations = 1000
)

func (t *tx) roleCreate(p *model.Role) error {
	if err := fresh(t.st.roles, p.ID); err != nil {
		return err
	}
	if _, ok := t.st.RoleByName(p.Name); ok {
		return duplicate("role", "name "+p.Name)
	}

	r := *p
	t.bornRecord(&r.Record)
	t.st.putRole(&r)
	return nil
}

func (t *tx) roleUpdate(p *RolePatch) error {
	old, ok := t.st.roles[p.ID]
	if !ok {
		return noSuch("role", p.ID)
	}
	if p.Name != nil {
		if isAdmin(old) && *p.Name != old.Name {
			return forbidden("rename the role " + adminRole)
		}
		if other, ok := t.st.RoleByName(*p.Name); ok && other.ID != p.ID {
			return duplicate("role", "name "+*p.Name)
		}
	}

	r := *old
	set(&r.Name, p.Name)
	set(&r.Description, p.Description)
	t.changed(&r.Record)
	t.st.putRole(&r)
	t.dropBroken() // what a name implies may have changed
	return nil
}

func (t *tx) roleDelete(p *RoleRef) error {
	old, ok := t.st.roles[p.ID]
	if !ok {
		return noSuch("role", p.ID)
	}
	if isAdmin(old) {
		return forbidden("delete the role " + adminRole)
	}

	for a := range t.st.assignments {
		if a.Role == p.ID {
			t.st.dropAssignment(a)
		}
	}
	t.st.dropRole(old)
	t.dropBroken()
	return nil
}

// dropBroken removes application credentials with roles that their users have
// lost.
func (t *tx) dropBroken() {
	for _, a := range t.st.appCredentials {
		if t.st.mayUse(a.User, a.Project, a.Roles) != nil {
			t.st.dropAppCredential(a)
		}
	}
}

func (t *tx) assignmentPut(p *model.Assignment) error {
	if err := t.assignable(p); err != nil {
		return err
	}

	t.st.putAssignment(*p)
	return nil
}

func (t *tx) assignmentRemove(p *model.Assignment) error {
	if err := t.assignable(p); err != nil {
		return err
	}
	if !has(t.st.assignments, *p) {
		return Errorf(NotFound, "Could not find role assignment with role: %s, user or group: %s, project, domain, or system: %s%s.", p.Role, string(p.User)+string(p.Group), p.Project, p.Domain)
	}
	if err := t.keepsAdmin(func(_ *model.User, a model.Assignment) bool { return a == *p }); err != nil {
		return err
	}

	t.st.dropAssignment(*p)
	// As Keystone does: credentials made with roles that changed are made anew.
	for _, a := range t.st.AppCredentialsOf(p.User) {
		if a.Project == p.Project {
			t.st.dropAppCredential(a)
		}
	}
	if p.Group != "" {
		t.dropBroken()
	}
	return nil
}

func (t *tx) assignable(p *model.Assignment) error {
	switch {
	case (p.Project == "") == (p.Domain == ""):
		return Errorf(Invalid, "A role is given on a project or on a domain.")
	case (p.User == "") == (p.Group == ""):
		return Errorf(Invalid, "A role is given to a user or to a group.")
	case p.User != "" && !has(t.st.users, p.User):
		return noSuch("user", p.User)
	case p.Group != "" && !has(t.st.groups, p.Group):
		return noSuch("group", p.Group)
	case p.Project != "" && !has(t.st.projects, p.Project):
		return noSuch("project", p.Project)
	case p.Domain != "" && !has(t.st.domains, p.Domain):
		return noSuch("domain", p.Domain)
	case !has(t.st.roles, p.Role):
		return noSuch("role", p.Role)
	}
	return nil
}

func (t *tx) appCredentialCreate(p *model.AppCredential) error {
	if err := fresh(t.st.appCredentials, p.ID); err != nil {
		return err
	}
	if !has(t.st.users, p.User) {
		return noSuch("user", p.User)
	}
	if !has(t.st.projects, p.Project) {
		return noSuch("project", p.Project)
	}
	if err := t.st.mayUse(p.User, p.Project, p.Roles); err != nil {
		return err
	}
	if _, ok := t.st.AppCredentialNamed(p.User, p.Name); ok {
		return duplicate("application_credential", "name "+p.Name)
	}
	if len(t.st.appCredentialsOf[p.User]) >= maxAppCredentials {
		return Errorf(Quota, "Unable to create additional application credentials, maximum of %d already exceeded for user.", maxAppCredentials)
	}

	a := *p
	t.bornRecord(&a.Record)
	t.st.putAppCredential(&a)
	return nil
}

// mayUse refuses roles that a user has not got on a project, and none at all.
func (st *State) mayUse(user model.UserID, project model.ProjectID, roles []model.RoleID) error {
	if len(roles) == 0 {
		return Errorf(Invalid, "An application credential needs a role.")
	}
	held := st.Implied(st.RolesOf(user, project))
	for _, id := range roles {
		if !slices.ContainsFunc(held, func(r *model.Role) bool { return r.ID == id }) {
			return Errorf(NotFound, "Could not find role assignment with role: %s, user or group: %s, project, domain, or system: %s.", id, user, project)
		}
	}
	return nil
}

func (t *tx) appCredentialDelete(p *AppCredentialRef) error {
	old, ok := t.st.appCredentials[p.ID]
	if !ok || old.User != p.User {
		return noSuch("application credential", p.ID)
	}

	t.st.dropAppCredential(old)
	return nil
}

// tokenRevoke ends one token. A token that has expired by itself is no refusal.
func (t *tx) tokenRevoke(p *model.Revocation) error {
	user, ok := t.st.users[p.User]
	if !ok {
		return noSuch("user", p.User)
	}
	if p.Audit == "" {
		return Errorf(Invalid, "The token has no audit id.")
	}

	r := *p
	r.Expires = storable(p.Expires)
	if !r.Expires.After(t.at) || has(t.st.revocations, r.Audit) {
		return nil
	}
	if len(t.st.revocationsOf[user.ID]) >= maxRevocations {
		u := *user
		t.endTokens(&u)
		t.st.putUser(&u)
		return nil
	}
	t.st.putRevocation(&r)
	return nil
}

func (t *tx) tokenPurge(p *TokenPurge) error {
	for _, r := range t.st.revocations {
		if !r.Expires.After(p.Before) {
			t.st.dropRevocation(r)
		}
	}
	return nil
}
