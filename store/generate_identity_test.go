package store_test

import (
	"time"

	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// identityNouns are drawn less often than those of load balancing.
func identityNouns() []string {
	return []string{"domain", "project", "user", "group", "membership", "role", "assignment", "appcredential", "token"}
}

// oneOf draws an id of the first entry's objects or of drawn ones.
func oneOf(t *rapid.T, first string) string {
	return rapid.SampledFrom([]string{first, first, "a", "b"}).Draw(t, first)
}

func someDomain(t *rapid.T) model.DomainID { return model.DomainID(oneOf(t, "default")) }

func someName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"admin", "member", "reader", "x", "y"}).Draw(t, "name")
}

func maybeOff(t *rapid.T) *bool {
	if rapid.Bool().Draw(t, "switch") {
		return nil
	}
	return ptr(rapid.Bool().Draw(t, "enabled"))
}

func someAssignment(t *rapid.T) any {
	a := &model.Assignment{Role: model.RoleID(oneOf(t, "r1"))}
	if rapid.IntRange(0, 2).Draw(t, "to a group") == 0 {
		a.Group = model.GroupID(id(t, "group"))
	} else {
		a.User = model.UserID(oneOf(t, "u1"))
	}
	if rapid.IntRange(0, 3).Draw(t, "on a domain") == 0 {
		a.Domain = someDomain(t)
	} else {
		a.Project = model.ProjectID(oneOf(t, "p1"))
	}
	return a
}

func someMembership(t *rapid.T) any {
	return &model.Membership{Group: model.GroupID(id(t, "group")), User: model.UserID(oneOf(t, "u1"))}
}

var identityGenerators = map[store.CommandKind]func(*rapid.T) any{
	store.DomainCreate: func(t *rapid.T) any {
		return &model.Domain{ID: someDomain(t), Record: model.Record{Name: someName(t)}, Enabled: rapid.Bool().Draw(t, "enabled")}
	},
	store.DomainUpdate: func(t *rapid.T) any { return &store.DomainPatch{ID: someDomain(t), Enabled: maybeOff(t)} },
	store.DomainDelete: func(t *rapid.T) any { return &store.DomainRef{ID: someDomain(t)} },
	store.ProjectCreate: func(t *rapid.T) any {
		return &model.Project{ID: model.ProjectID(id(t, "project")), Domain: someDomain(t), Record: model.Record{Name: someName(t)}, Enabled: true}
	},
	store.ProjectUpdate: func(t *rapid.T) any {
		return &store.ProjectPatch{ID: model.ProjectID(oneOf(t, "p1")), Name: ptr(someName(t)), Enabled: maybeOff(t)}
	},
	store.ProjectDelete: func(t *rapid.T) any { return &store.ProjectRef{ID: model.ProjectID(oneOf(t, "p1"))} },
	store.UserCreate: func(t *rapid.T) any {
		return &model.User{
			ID: model.UserID(id(t, "user")), Domain: someDomain(t), Record: model.Record{Name: someName(t)}, Enabled: true,
			DefaultProject: model.ProjectID(maybe(t, "project")),
		}
	},
	store.DirectoryWrite: func(t *rapid.T) any {
		e := model.Extra{id(t, "attribute"): []byte(`"v"`), "b": []byte(`{"c":[1,null]}`)}
		switch rapid.IntRange(0, 3).Draw(t, "which") {
		case 0:
			return &store.DirectoryPut{User: &model.User{ID: model.UserID(id(t, "user")), Domain: someDomain(t), Record: model.Record{Name: someName(t)}, Extra: e}}
		case 1:
			return &store.DirectoryPut{UserPatch: &store.UserPatch{ID: model.UserID(oneOf(t, "u1")), Extra: e}}
		case 2:
			return &store.DirectoryPut{GroupPatch: &store.GroupPatch{ID: model.GroupID(id(t, "group")), Extra: e}}
		}
		return &store.DirectoryPut{}
	},
	store.UserUpdate: func(t *rapid.T) any {
		return &store.UserPatch{ID: model.UserID(oneOf(t, "u1")), Name: ptr(someName(t)), Enabled: maybeOff(t)}
	},
	store.UserDelete: func(t *rapid.T) any { return &store.UserRef{ID: model.UserID(oneOf(t, "u1"))} },
	store.GroupCreate: func(t *rapid.T) any {
		return &model.Group{ID: model.GroupID(id(t, "group")), Domain: someDomain(t), Record: model.Record{Name: someName(t)}}
	},
	store.GroupUpdate: func(t *rapid.T) any {
		return &store.GroupPatch{ID: model.GroupID(id(t, "group")), Name: ptr(someName(t))}
	},
	store.GroupDelete:      func(t *rapid.T) any { return &store.GroupRef{ID: model.GroupID(id(t, "group"))} },
	store.MembershipPut:    someMembership,
	store.MembershipRemove: someMembership,
	store.RoleCreate: func(t *rapid.T) any {
		return &model.Role{ID: model.RoleID(id(t, "role")), Record: model.Record{Name: someName(t)}}
	},
	store.RoleUpdate: func(t *rapid.T) any {
		return &store.RolePatch{ID: model.RoleID(oneOf(t, "r1")), Name: ptr(someName(t))}
	},
	store.RoleDelete:       func(t *rapid.T) any { return &store.RoleRef{ID: model.RoleID(oneOf(t, "r1"))} },
	store.AssignmentPut:    someAssignment,
	store.AssignmentRemove: someAssignment,
	store.AppCredentialCreate: func(t *rapid.T) any {
		return &model.AppCredential{
			ID: model.AppCredentialID(id(t, "credential")), User: model.UserID(oneOf(t, "u1")),
			Record: model.Record{Project: model.ProjectID(oneOf(t, "p1")), Name: someName(t)}, Roles: []model.RoleID{model.RoleID(oneOf(t, "r1"))},
		}
	},
	store.AppCredentialDelete: func(t *rapid.T) any {
		return &store.AppCredentialRef{ID: model.AppCredentialID(id(t, "credential")), User: model.UserID(oneOf(t, "u1"))}
	},
	store.TokenRevoke: func(t *rapid.T) any {
		return &model.Revocation{
			Audit: model.AuditID(id(t, "audit")), User: model.UserID(oneOf(t, "u1")),
			Expires: epoch.Add(time.Duration(rapid.IntRange(0, 150).Draw(t, "expires")) * time.Second),
		}
	},
	store.TokenPurgeKind: func(t *rapid.T) any {
		return &store.TokenPurge{Before: epoch.Add(time.Duration(rapid.IntRange(0, 150).Draw(t, "before")) * time.Second)}
	},
}

// goldenIdentity is the part of the golden log about identities.
func goldenIdentity(add func(store.CommandKind, any)) {
	add(store.DomainCreate, &model.Domain{ID: "d2", Record: model.Record{Name: "second", Tags: []string{"t"}}, Enabled: true})
	add(store.DomainCreate, &model.Domain{ID: "d3", Record: model.Record{Name: "second"}, Enabled: true})
	add(store.ProjectCreate, &model.Project{ID: "p2", Record: model.Record{Name: "demo", Description: "a project", Tags: []string{"a"}}, Enabled: true})
	add(store.ProjectCreate, &model.Project{ID: "p3", Record: model.Record{Name: "demo"}, Domain: "d2", Enabled: true})
	add(store.ProjectCreate, &model.Project{ID: "p4", Record: model.Record{Name: "demo"}, Enabled: true})
	add(store.UserCreate, &model.User{ID: "u2", Record: model.Record{Name: "bob"}, Email: "bob@example.com", Enabled: true, PasswordHash: "$argon2id$y", DefaultProject: "p2"})
	add(store.UserCreate, &model.User{ID: "u3", Record: model.Record{Name: "eve"}, Domain: "d2", Enabled: true})
	add(store.RoleCreate, &model.Role{ID: "r3", Record: model.Record{Name: "member", Description: "may write"}})
	add(store.RoleCreate, &model.Role{ID: "r4", Record: model.Record{Name: "ADMIN"}})
	add(store.RoleUpdate, &store.RolePatch{ID: "r1", Name: ptr("root")})
	add(store.RoleUpdate, &store.RolePatch{ID: "r3", Description: ptr("may read and write")})
	add(store.AssignmentPut, &model.Assignment{User: "u2", Project: "p2", Role: "r3"})
	add(store.AssignmentPut, &model.Assignment{User: "u3", Domain: "d2", Role: "r3"})
	add(store.GroupCreate, &model.Group{ID: "g1", Record: model.Record{Name: "staff", Description: "all of them"}})
	add(store.GroupCreate, &model.Group{ID: "g2", Record: model.Record{Name: "staff"}, Domain: "d2"})
	add(store.GroupCreate, &model.Group{ID: "g3", Record: model.Record{Name: "staff"}})
	add(store.GroupUpdate, &store.GroupPatch{ID: "g1", Name: ptr("people")})
	add(store.MembershipPut, &model.Membership{Group: "g1", User: "u2"})
	add(store.MembershipPut, &model.Membership{Group: "g2", User: "u2"})
	add(store.AssignmentPut, &model.Assignment{Group: "g1", Project: "p2", Role: "r2"})
	add(store.AssignmentPut, &model.Assignment{Group: "g1", User: "u2", Project: "p2", Role: "r2"})
	add(store.MembershipRemove, &model.Membership{Group: "g2", User: "u2"})
	add(store.MembershipRemove, &model.Membership{Group: "g2", User: "u2"})
	add(store.GroupDelete, &store.GroupRef{ID: "g3"})
	add(store.AppCredentialCreate, &model.AppCredential{
		ID: "a1", Record: model.Record{Name: "robot", Project: "p2"}, User: "u2", SecretHash: "sha256$00", Roles: []model.RoleID{"r3", "r2"}, Expires: epoch.AddDate(1, 0, 0), Unrestricted: true,
	})
	add(store.AppCredentialCreate, &model.AppCredential{ID: "a2", Record: model.Record{Name: "root", Project: "p2"}, User: "u2", Roles: []model.RoleID{"r1"}})
	add(store.AppCredentialCreate, &model.AppCredential{ID: "a3", Record: model.Record{Name: "third", Project: "p2"}, User: "u2", Roles: []model.RoleID{"r2"}})
	add(store.AppCredentialDelete, &store.AppCredentialRef{ID: "a3", User: "u2"})
	add(store.TokenRevoke, &model.Revocation{Audit: "t1", User: "u2", Expires: epoch.AddDate(1, 0, 0)})
	add(store.TokenRevoke, &model.Revocation{Audit: "t2", User: "u1", Expires: epoch.AddDate(1, 0, 0)})
	add(store.TokenRevoke, &model.Revocation{Audit: "t3", User: "u1", Expires: epoch.AddDate(0, 0, 1)})
	add(store.TokenPurgeKind, &store.TokenPurge{Before: epoch.AddDate(0, 0, 2)})
	add(store.UserUpdate, &store.UserPatch{ID: "u2", PasswordHash: ptr("$argon2id$z"), Email: ptr("b@example.com")})
	add(store.UserUpdate, &store.UserPatch{ID: "u1", Enabled: ptr(false)})
	add(store.ProjectUpdate, &store.ProjectPatch{ID: "p2", Enabled: ptr(false), Tags: ptr([]string{"b"})})
	add(store.DomainUpdate, &store.DomainPatch{ID: "d2", Description: ptr("the second")})
	add(store.DomainDelete, &store.DomainRef{ID: "d2"})
	add(store.RoleDelete, &store.RoleRef{ID: "r2"})
	add(store.AssignmentRemove, &model.Assignment{User: "u1", Project: "p1", Role: "r1"})
	add(store.AssignmentPut, &model.Assignment{User: "u1", Project: "p2", Role: "r3"})
	add(store.AssignmentRemove, &model.Assignment{User: "u1", Project: "p2", Role: "r3"})
	add(store.DomainCreate, &model.Domain{ID: "d4", Record: model.Record{Name: "fourth"}})
	add(store.ProjectCreate, &model.Project{ID: "p5", Record: model.Record{Name: "gone"}, Domain: "d4"})
	add(store.DomainDelete, &store.DomainRef{ID: "d4"})
	add(store.ProjectCreate, &model.Project{ID: "p6", Record: model.Record{Name: "gone"}})
	add(store.ProjectDelete, &store.ProjectRef{ID: "p6"})
	add(store.UserDelete, &store.UserRef{ID: "u1"})
	add(store.UserDelete, &store.UserRef{ID: "u3"})
}
