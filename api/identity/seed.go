package identity

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"lbd/api/auth"
	"lbd/store/model"
)

// Seed is the first content of a cluster's directory: project admin, user admin
// with all of Keystone's default roles on it, and Octavia's roles.
type Seed struct {
	Projects    []model.Project
	Users       []model.User
	Roles       []model.Role
	Assignments []model.Assignment
}

// NewSeed makes a seed; ids and salt come from random.
func NewSeed(password string, now time.Time, random io.Reader) (Seed, error) {
	hash, err := hashPassword(password, random)
	if err != nil {
		return Seed{}, fmt.Errorf("hash the admin password: %w", err)
	}
	var s Seed
	id := func() string {
		var b [16]byte
		if _, e := io.ReadFull(random, b[:]); e != nil {
			err = e
		}
		return hex.EncodeToString(b[:])
	}
	record := func(name string) model.Record { return model.Record{Name: name, Created: now, Updated: now} }
	project := model.Project{ID: model.ProjectID(id()), Record: record("admin"), Enabled: true}
	user := model.User{ID: model.UserID(id()), Record: record("admin"), Enabled: true, PasswordHash: hash, DefaultProject: project.ID}
	for _, name := range []string{
		auth.RoleAdmin, auth.RoleMember, auth.RoleReader, auth.RoleService,
		auth.RoleLBAdmin, auth.RoleLBMember, auth.RoleLBObserver, auth.RoleLBGlobalObserver, auth.RoleLBQuotaAdmin,
	} {
		role := model.Role{ID: model.RoleID(id()), Record: record(name)}
		s.Roles = append(s.Roles, role)
		switch name {
		case auth.RoleAdmin, auth.RoleMember, auth.RoleReader:
			s.Assignments = append(s.Assignments, model.Assignment{User: user.ID, Project: project.ID, Role: role.ID})
		}
	}
	if err != nil {
		return Seed{}, fmt.Errorf("make ids: %w", err)
	}
	s.Projects, s.Users = []model.Project{project}, []model.User{user}
	return s, nil
}
