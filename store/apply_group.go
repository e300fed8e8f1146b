package store

import "lbd/store/model"

// maxGroups bounds the groups of one user: each check of a token looks at them.
const maxGroups = 200

func (t *tx) groupCreate(p *model.Group) error {
	if err := CheckExtra(p.Extra); err != nil {
		return err
	}
	if err := fresh(t.st.groups, p.ID); err != nil {
		return err
	}
	d, err := t.domainOf(p.Domain)
	if err != nil {
		return err
	}
	g := *p
	g.Domain = d
	if err := t.groupNameFree(&g); err != nil {
		return err
	}

	t.bornRecord(&g.Record)
	t.st.putGroup(&g)
	return nil
}

func (t *tx) groupUpdate(p *GroupPatch) error {
	old, ok := t.st.groups[p.ID]
	if !ok {
		return noSuch("group", p.ID)
	}
	g := *old
	var err error
	if g.Extra, err = extend(old.Extra, p.Extra); err != nil {
		return err
	}
	set(&g.Name, p.Name)
	set(&g.Description, p.Description)
	if err := t.groupNameFree(&g); err != nil {
		return err
	}

	t.changed(&g.Record)
	t.st.putGroup(&g)
	return nil
}

// groupDelete removes a group with what its users had by it.
func (t *tx) groupDelete(p *GroupRef) error {
	old, ok := t.st.groups[p.ID]
	if !ok {
		return noSuch("group", p.ID)
	}
	if err := t.keepsAdmin(func(_ *model.User, a model.Assignment) bool { return a.Group == p.ID }); err != nil {
		return err
	}

	t.st.dropGroup(old)
	t.dropBroken()
	return nil
}

func (t *tx) memberPut(p *model.Membership) error {
	if err := t.joinable(p); err != nil {
		return err
	}
	if !has(t.st.memberships, *p) && len(t.st.groupsOf[p.User]) >= maxGroups {
		return Errorf(Quota, "User %s is in %d groups, which is the most that a user can be in.", p.User, maxGroups)
	}

	t.st.putMembership(*p)
	return nil
}

func (t *tx) memberRemove(p *model.Membership) error {
	if err := t.joinable(p); err != nil {
		return err
	}
	if !has(t.st.memberships, *p) {
		return Errorf(NotFound, "User '%s' not found in group '%s'.", p.User, p.Group)
	}
	if err := t.keepsAdmin(func(u *model.User, a model.Assignment) bool { return a.Group == p.Group && u.ID == p.User }); err != nil {
		return err
	}

	t.st.dropMembership(*p)
	t.dropBroken()
	return nil
}

func (t *tx) joinable(p *model.Membership) error {
	if !has(t.st.groups, p.Group) {
		return noSuch("group", p.Group)
	}
	if !has(t.st.users, p.User) {
		return noSuch("user", p.User)
	}
	return nil
}

func (t *tx) groupNameFree(g *model.Group) error {
	if other, ok := t.st.groupAt[keyOfGroup(g)]; ok && other != g.ID {
		return duplicate("group", "name "+g.Name+" at domain ID "+string(g.Domain))
	}
	return nil
}
