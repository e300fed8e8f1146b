package store

func (c *checker) identity() {
	st := c.st
	for _, d := range st.domains {
		c.want(st.domainAt[d.Name] == d.ID, "two domains are named %s", d.Name)
	}
	for _, p := range st.projects {
		c.want(has(st.domains, p.Domain), "project %s: no domain %s", p.ID, p.Domain)
		c.want(st.projectAt[keyOfProject(p)] == p.ID, "two projects are named %s", p.Name)
	}
	for _, u := range st.users {
		c.want(has(st.domains, u.Domain), "user %s: no domain %s", u.ID, u.Domain)
		c.want(st.userAt[keyOfUser(u)] == u.ID, "two users are named %s", u.Name)
	}
	for _, g := range st.groups {
		c.want(has(st.domains, g.Domain), "group %s: no domain %s", g.ID, g.Domain)
		c.want(st.groupAt[keyOfGroup(g)] == g.ID, "two groups are named %s", g.Name)
	}
	for m := range st.memberships {
		c.want(has(st.groups, m.Group) && has(st.users, m.User), "membership of user %s in group %s names what is not there", m.User, m.Group)
	}
	for _, r := range st.roles {
		found, ok := st.RoleByName(r.Name)
		c.want(ok && found.ID == r.ID, "two roles are named %s", r.Name)
	}
	for a := range st.assignments {
		c.want(has(st.roles, a.Role), "assignment to %s%s: no role %s", a.User, a.Group, a.Role)
		c.want((a.User == "") != (a.Group == ""), "assignment of role %s is not to one thing", a.Role)
		c.want(a.User == "" || has(st.users, a.User), "assignment of role %s: no user %s", a.Role, a.User)
		c.want(a.Group == "" || has(st.groups, a.Group), "assignment of role %s: no group %s", a.Role, a.Group)
		c.want((a.Project == "") != (a.Domain == ""), "assignment of role %s to user %s is not on one thing", a.Role, a.User)
		c.want(a.Project == "" || has(st.projects, a.Project), "assignment to user %s: no project %s", a.User, a.Project)
		c.want(a.Domain == "" || has(st.domains, a.Domain), "assignment to user %s: no domain %s", a.User, a.Domain)
	}
	for _, a := range st.appCredentials {
		c.want(has(st.users, a.User), "application credential %s: no user %s", a.ID, a.User)
		c.want(has(st.projects, a.Project), "application credential %s: no project %s", a.ID, a.Project)
		c.want(st.appCredentialAt[keyOfAppCredential(a)] == a.ID, "user %s has two application credentials %s", a.User, a.Name)
		c.want(st.mayUse(a.User, a.Project, a.Roles) == nil, "application credential %s has a role that its user has not", a.ID)
	}
	for _, r := range st.revocations {
		c.want(has(st.users, r.User), "revoked token %s: no user %s", r.Audit, r.User)
	}
}
