package store_test

import (
	"fmt"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

func TestGroupsGiveRoles(t *testing.T) {
	c := people(t)
	c.ok(store.RoleCreate, &model.Role{ID: "extra", Record: model.Record{Name: "extra"}})
	c.ok(store.DomainCreate, &model.Domain{ID: "other", Record: model.Record{Name: "other"}, Enabled: true})
	c.ok(store.GroupCreate, &model.Group{ID: "g", Record: model.Record{Name: "staff"}})
	c.ok(store.GroupCreate, &model.Group{ID: "h", Record: model.Record{Name: "staff"}, Domain: "other"})
	c.refused(store.GroupCreate, &model.Group{ID: "x", Record: model.Record{Name: "staff"}}, store.Conflict,
		"Conflict occurred attempting to store group - Duplicate entry found with name staff at domain ID default.")
	c.refused(store.GroupCreate, &model.Group{ID: "x", Domain: "nowhere"}, store.NotFound, "Could not find domain: nowhere.")
	c.refused(store.MembershipPut, &model.Membership{Group: "x", User: "bob"}, store.NotFound, "Could not find group: x.")
	c.refused(store.MembershipPut, &model.Membership{Group: "g", User: "x"}, store.NotFound, "Could not find user: x.")
	c.refused(store.MembershipRemove, &model.Membership{Group: "g", User: "bob"}, store.NotFound, "User 'bob' not found in group 'g'.")
	c.refused(store.AssignmentPut, &model.Assignment{Group: "x", Project: "demo", Role: "extra"}, store.NotFound, "Could not find group: x.")
	c.refused(store.AssignmentPut, &model.Assignment{Group: "g", User: "bob", Project: "demo", Role: "extra"}, store.Invalid, "A role is given to a user or to a group.")

	given := &model.Assignment{Group: "g", Project: "demo", Role: "extra"}
	c.ok(store.AssignmentPut, given)
	c.ok(store.AssignmentPut, &model.Assignment{Group: "g", Domain: "other", Role: "extra"})
	roles := func(want int) {
		t.Helper()
		c.read(func(st *store.State) {
			onDomain := 0
			if want > 1 {
				onDomain = 1
			}
			if got := st.RolesOf("bob", "demo"); len(got) != want {
				t.Errorf("%d roles on the project, want %d", len(got), want)
			}
			if got := st.RolesOnDomain("bob", "other"); len(got) != onDomain || len(st.DomainsOf("bob")) != onDomain {
				t.Errorf("%d roles on the domain, want %d", len(got), onDomain)
			}
		})
	}
	credential := func() {
		t.Helper()
		c.ok(store.AppCredentialCreate, &model.AppCredential{ID: "c", Record: model.Record{Name: "c", Project: "demo"}, User: "bob", Roles: []model.RoleID{"extra"}})
	}
	gone := func(what string) {
		t.Helper()
		c.read(func(st *store.State) {
			if got := st.AppCredentialsOf("bob"); len(got) != 0 {
				t.Errorf("%s leaves application credentials with its role", what)
			}
		})
	}
	roles(1)
	join, leave := &model.Membership{Group: "g", User: "bob"}, &model.Membership{Group: "g", User: "bob"}
	c.ok(store.MembershipPut, join)
	c.ok(store.MembershipPut, join)
	roles(2)
	credential()
	c.ok(store.MembershipRemove, leave)
	roles(1)
	gone("leaving a group")
	c.ok(store.MembershipPut, join)
	credential()
	c.ok(store.AssignmentRemove, given)
	c.refused(store.AssignmentRemove, given, store.NotFound, "Could not find role assignment with role: extra, user or group: g, project, domain, or system: demo.")
	gone("a group's loss of a role")
	c.ok(store.AssignmentPut, given)
	credential()
	c.ok(store.GroupDelete, &store.GroupRef{ID: "g"})
	roles(1)
	gone("the deletion of a group")
	c.refused(store.GroupDelete, &store.GroupRef{ID: "g"}, store.NotFound, "Could not find group: g.")

	c.ok(store.MembershipPut, &model.Membership{Group: "h", User: "bob"})
	c.ok(store.UserDelete, &store.UserRef{ID: "bob"})
	c.ok(store.DomainUpdate, &store.DomainPatch{ID: "other", Enabled: ptr(false)})
	c.ok(store.DomainDelete, &store.DomainRef{ID: "other"})
	c.read(func(st *store.State) {
		if len(st.Groups()) != 0 || len(st.Memberships()) != 0 {
			t.Errorf("left: %v, %v", st.Groups(), st.Memberships())
		}
	})
}

func TestTheLastAdminMayBeOneOfAGroup(t *testing.T) {
	c := people(t)
	c.ok(store.GroupCreate, &model.Group{ID: "g", Record: model.Record{Name: "admins"}})
	c.ok(store.AssignmentPut, &model.Assignment{Group: "g", Project: "p1", Role: "r1"})
	const text = "This would leave no enabled user with the role admin on an enabled project: nobody could administer the cluster. Give another user that role first."
	c.refused(store.UserDelete, &store.UserRef{ID: "u1"}, store.Conflict, text) // nobody is in the group
	c.ok(store.MembershipPut, &model.Membership{Group: "g", User: "bob"})
	c.ok(store.UserDelete, &store.UserRef{ID: "u1"})
	c.refused(store.MembershipRemove, &model.Membership{Group: "g", User: "bob"}, store.Conflict, text)
	c.refused(store.AssignmentRemove, &model.Assignment{Group: "g", Project: "p1", Role: "r1"}, store.Conflict, text)
	c.refused(store.GroupDelete, &store.GroupRef{ID: "g"}, store.Conflict, text)
	c.refused(store.UserUpdate, &store.UserPatch{ID: "bob", Enabled: ptr(false)}, store.Conflict, text)
}

func TestGroupsOfAUserAreBounded(t *testing.T) {
	c := people(t)
	for i := range 201 {
		c.ok(store.GroupCreate, &model.Group{ID: model.GroupID(fmt.Sprint(i)), Record: model.Record{Name: fmt.Sprint(i)}})
	}
	for i := range 200 {
		c.ok(store.MembershipPut, &model.Membership{Group: model.GroupID(fmt.Sprint(i)), User: "bob"})
	}
	c.refused(store.MembershipPut, &model.Membership{Group: "200", User: "bob"}, store.Quota, "User bob is in 200 groups, which is the most that a user can be in.")
	c.ok(store.MembershipPut, &model.Membership{Group: "7", User: "bob"})
}
