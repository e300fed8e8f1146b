package store

import (
	"lbd/store/model"
)

// Refusals about identities are worded as Keystone words them.

// adminRole is the role that may do everything. It can neither be renamed nor
// deleted, and somebody has to keep it.
const adminRole = "admin"

// checkIdentities looks at the first content of the directory.
func checkIdentities(p *ClusterInitPayload) error {
	projects, users, roles := map[model.ProjectID]bool{}, map[model.UserID]bool{}, map[model.RoleID]bool{}
	names := map[string]bool{}
	once := func(noun, name string) bool {
		key := noun + " " + name
		defer func() { names[key] = true }()
		return !names[key]
	}
	for _, x := range p.Projects {
		if projects[x.ID] = true; !once("project", x.Name) {
			return Errorf(Invalid, "two projects are named %s", x.Name)
		}
	}
	for _, x := range p.Users {
		if users[x.ID] = true; !once("user", x.Name) {
			return Errorf(Invalid, "two users are named %s", x.Name)
		}
	}
	for _, x := range p.Roles {
		if roles[x.ID] = true; !once("role", x.Name) {
			return Errorf(Invalid, "two roles are named %s", x.Name)
		}
	}
	for _, a := range p.Assignments {
		if !projects[a.Project] || !users[a.User] || !roles[a.Role] || a.Domain != "" {
			return Errorf(Invalid, "assignment of role %s to user %s on project %s names what is not there", a.Role, a.User, a.Project)
		}
	}
	if projects[""] || users[""] || roles[""] {
		return Errorf(Invalid, "a project, user or role has no id")
	}
	return nil
}

// putIdentities makes the default domain and what the first entry brings.
func (t *tx) putIdentities(p *ClusterInitPayload) {
	d := model.Domain{ID: model.DefaultDomain, Record: model.Record{Name: "Default", Description: "The default domain"}, Enabled: true}
	t.bornRecord(&d.Record)
	t.st.putDomain(&d)
	for _, x := range p.Projects {
		t.bornRecord(&x.Record)
		x.Domain = model.DefaultDomain
		t.st.putProject(&x)
	}
	for _, x := range p.Users {
		t.bornRecord(&x.Record)
		x.Domain = model.DefaultDomain
		t.st.putUser(&x)
	}
	for _, x := range p.Roles {
		t.bornRecord(&x.Record)
		t.st.putRole(&x)
	}
	for _, a := range p.Assignments {
		t.st.putAssignment(a)
	}
}

func (t *tx) domainCreate(p *model.Domain) error {
	if err := CheckExtra(p.Extra); err != nil {
		return err
	}
	if err := fresh(t.st.domains, p.ID); err != nil {
		return err
	}
	if err := t.domainNameFree(p.Name, p.ID); err != nil {
		return err
	}

	d := *p
	t.bornRecord(&d.Record)
	d.Epoch = 0
	t.st.putDomain(&d)
	return nil
}

func (t *tx) domainUpdate(p *DomainPatch) error {
	old, ok := t.st.domains[p.ID]
	if !ok {
		return noSuch("domain", p.ID)
	}
	if p.Name != nil {
		if err := t.domainNameFree(*p.Name, p.ID); err != nil {
			return err
		}
	}
	disabled := old.Enabled && p.Enabled != nil && !*p.Enabled
	if disabled {
		if err := t.keepsAdmin(t.inDomain(p.ID)); err != nil {
			return err
		}
	}

	extra, err := extend(old.Extra, p.Extra)
	if err != nil {
		return err
	}

	d := *old
	d.Extra = extra
	set(&d.Name, p.Name)
	set(&d.Description, p.Description)
	set(&d.Enabled, p.Enabled)
	set(&d.Tags, p.Tags)
	if disabled {
		d.Epoch = t.index
	}
	t.changed(&d.Record)
	t.st.putDomain(&d)
	return nil
}

// domainDelete removes a disabled domain with all that is in it.
func (t *tx) domainDelete(p *DomainRef) error {
	old, ok := t.st.domains[p.ID]
	switch {
	case !ok:
		return noSuch("domain", p.ID)
	case p.ID == model.DefaultDomain:
		return forbidden("delete the default domain")
	case old.Enabled:
		return forbidden("cannot delete a domain that is enabled, please disable it first")
	}

	for _, pr := range t.st.projects {
		if pr.Domain == p.ID {
			t.removeProject(pr)
		}
	}
	for _, u := range t.st.users {
		if u.Domain == p.ID {
			t.st.dropUser(u)
		}
	}
	for _, g := range t.st.groups {
		if g.Domain == p.ID {
			t.st.dropGroup(g)
		}
	}
	for a := range t.st.assignments {
		if a.Domain == p.ID {
			t.st.dropAssignment(a)
		}
	}
	t.st.dropDomain(old)
	t.dropBroken()
	return nil
}

func (t *tx) domainNameFree(name string, self model.DomainID) error {
	if other, ok := t.st.DomainByName(name); ok && other.ID != self {
		return duplicate("domain", "name "+name)
	}
	return nil
}

// domainOf is the domain that a command names.
func (t *tx) domainOf(id model.DomainID) (model.DomainID, error) {
	if id == "" {
		id = model.DefaultDomain
	}
	if !has(t.st.domains, id) {
		return "", noSuch("domain", id)
	}
	return id, nil
}

// keepsAdmin refuses what would leave nobody who can administer the cluster:
// an enabled user with the admin role on an enabled project, by itself or by a
// group. gone says which assignments would not count any more for whom. Where there is nobody already, nothing
// is refused.
func (t *tx) keepsAdmin(gone func(*model.User, model.Assignment) bool) error {
	lost := false
	for a := range t.st.assignments {
		p, r := t.st.projects[a.Project], t.st.roles[a.Role]
		if p == nil || !isAdmin(r) || !t.st.ProjectWorks(p) {
			continue
		}
		users := t.st.usersIn[a.Group]
		if a.Group == "" {
			users = map[model.UserID]struct{}{a.User: {}}
		}
		for id := range users {
			u := t.st.users[id]
			if !t.st.UserWorks(u) {
				continue
			}
			if !gone(u, a) {
				return nil
			}
			lost = true
		}
	}
	if lost {
		return Errorf(Conflict, "This would leave no enabled user with the role admin on an enabled project: nobody could administer the cluster. Give another user that role first.")
	}
	return nil
}

func (t *tx) inDomain(id model.DomainID) func(*model.User, model.Assignment) bool {
	return func(u *model.User, a model.Assignment) bool {
		return u.Domain == id || t.st.projects[a.Project].Domain == id
	}
}

func noSuch[I ~string](noun string, id I) error {
	return Errorf(NotFound, "Could not find %s: %s.", noun, id)
}

func duplicate(noun, what string) error {
	return Errorf(Conflict, "Conflict occurred attempting to store %s - Duplicate entry found with %s.", noun, what)
}

func forbidden(action string) error {
	return Errorf(Forbidden, "You are not authorized to perform the requested action: %s.", action)
}
