package store

import (
	"strings"

	"lbd/store/model"
)

func (t *tx) projectCreate(p *model.Project) error {
	if err := CheckExtra(p.Extra); err != nil {
		return err
	}
	if err := fresh(t.st.projects, p.ID); err != nil {
		return err
	}
	pr := *p
	var err error
	if pr.Domain, err = t.domainOf(p.Domain); err != nil {
		return err
	}
	if err := t.projectNameFree(&pr); err != nil {
		return err
	}

	t.bornRecord(&pr.Record)
	pr.Epoch = 0
	t.st.putProject(&pr)
	return nil
}

func (t *tx) projectUpdate(p *ProjectPatch) error {
	old, ok := t.st.projects[p.ID]
	if !ok {
		return noSuch("project", p.ID)
	}
	pr := *old
	var err error
	if pr.Extra, err = extend(old.Extra, p.Extra); err != nil {
		return err
	}
	set(&pr.Name, p.Name)
	set(&pr.Description, p.Description)
	set(&pr.Enabled, p.Enabled)
	set(&pr.Tags, p.Tags)
	if err := t.projectNameFree(&pr); err != nil {
		return err
	}
	if old.Enabled && !pr.Enabled {
		if err := t.keepsAdmin(func(_ *model.User, a model.Assignment) bool { return a.Project == p.ID }); err != nil {
			return err
		}
		pr.Epoch = t.index
	}

	t.changed(&pr.Record)
	t.st.putProject(&pr)
	return nil
}

// projectDelete removes a project, as Keystone does: whatever other services
// keep for it stays and shows the id of a project that is gone.
func (t *tx) projectDelete(p *ProjectRef) error {
	old, ok := t.st.projects[p.ID]
	if !ok {
		return noSuch("project", p.ID)
	}
	if err := t.keepsAdmin(func(_ *model.User, a model.Assignment) bool { return a.Project == p.ID }); err != nil {
		return err
	}

	t.removeProject(old)
	return nil
}

func (t *tx) removeProject(p *model.Project) {
	for _, u := range t.st.users {
		if u.DefaultProject == p.ID {
			n := *u
			n.DefaultProject = ""
			t.changed(&n.Record)
			t.st.putUser(&n)
		}
	}
	t.st.dropProject(p)
}

func (t *tx) projectNameFree(p *model.Project) error {
	if other, ok := t.st.ProjectNamed(p.Domain, p.Name); ok && other.ID != p.ID {
		return Errorf(Conflict, "Conflict occurred attempting to store project - it is not permitted to have two projects with the same name in the same domain : %s.", p.Name)
	}
	return nil
}

func (t *tx) userCreate(p *model.User) error {
	if err := CheckExtra(p.Extra); err != nil {
		return err
	}
	if err := fresh(t.st.users, p.ID); err != nil {
		return err
	}
	u := *p
	var err error
	if u.Domain, err = t.domainOf(p.Domain); err != nil {
		return err
	}
	if err := t.userFits(&u); err != nil {
		return err
	}

	t.bornRecord(&u.Record)
	u.Epoch = 0
	t.st.putUser(&u)
	return nil
}

func (t *tx) userUpdate(p *UserPatch) error {
	old, ok := t.st.users[p.ID]
	if !ok {
		return noSuch("user", p.ID)
	}
	u := *old
	var err error
	if u.Extra, err = extend(old.Extra, p.Extra); err != nil {
		return err
	}
	set(&u.Name, p.Name)
	set(&u.Description, p.Description)
	set(&u.Email, p.Email)
	set(&u.Enabled, p.Enabled)
	set(&u.PasswordHash, p.PasswordHash)
	set(&u.DefaultProject, p.DefaultProject)
	if err := t.userFits(&u); err != nil {
		return err
	}
	disabled := old.Enabled && !u.Enabled
	if disabled {
		if err := t.keepsAdmin(func(u *model.User, _ model.Assignment) bool { return u.ID == p.ID }); err != nil {
			return err
		}
	}

	t.changed(&u.Record)
	if disabled || p.PasswordHash != nil {
		t.endTokens(&u)
	}
	t.st.putUser(&u)
	return nil
}

func (t *tx) userDelete(p *UserRef) error {
	old, ok := t.st.users[p.ID]
	if !ok {
		return noSuch("user", p.ID)
	}
	if err := t.keepsAdmin(func(u *model.User, _ model.Assignment) bool { return u.ID == p.ID }); err != nil {
		return err
	}

	t.st.dropUser(old)
	return nil
}

// userFits checks a user's name and default project.
func (t *tx) userFits(u *model.User) error {
	if other, ok := t.st.UserNamed(u.Domain, u.Name); ok && other.ID != u.ID {
		return duplicate("user", "name "+u.Name+" at domain ID "+string(u.Domain))
	}
	if old, ok := t.st.users[u.ID]; ok && old.DefaultProject == u.DefaultProject {
		return nil
	}
	if u.DefaultProject != "" && !has(t.st.projects, u.DefaultProject) {
		return noSuch("project", u.DefaultProject)
	}
	return nil
}

// endTokens ends every token of a user; single revocations are then of no use.
func (t *tx) endTokens(u *model.User) {
	u.Epoch = t.index
	for id := range t.st.revocationsOf[u.ID] {
		t.st.dropRevocation(t.st.revocations[id])
	}
}

func isAdmin(r *model.Role) bool { return strings.EqualFold(r.Name, adminRole) }
