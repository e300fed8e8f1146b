package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// people is a cluster with project demo, on which bob is a member.
func people(t *testing.T) *cluster {
	c := newCluster(t)
	c.ok(store.ClusterInit, initPayload())
	c.ok(store.RoleCreate, &model.Role{ID: "member", Record: model.Record{Name: "member"}})
	c.ok(store.ProjectCreate, &model.Project{ID: "demo", Record: model.Record{Name: "demo"}, Enabled: true})
	c.ok(store.UserCreate, &model.User{ID: "bob", Record: model.Record{Name: "bob"}, Enabled: true, DefaultProject: "demo"})
	c.ok(store.AssignmentPut, &model.Assignment{User: "bob", Project: "demo", Role: "member"})
	return c
}

func TestExtra(t *testing.T) {
	c := newCluster(t)
	c.ok(store.ClusterInit, initPayload())
	user := func(e model.Extra) *store.DirectoryPut {
		return &store.DirectoryPut{User: &model.User{ID: "bob", Record: model.Record{Name: "bob"}, Enabled: true, Extra: e}}
	}
	patch := func(e model.Extra) *store.DirectoryPut {
		return &store.DirectoryPut{UserPatch: &store.UserPatch{ID: "bob", Extra: e}}
	}
	is := func(want string) {
		t.Helper()
		c.read(func(st *store.State) {
			u, _ := st.User("bob")
			if b, err := json.Marshal(u.Extra); err != nil || string(b) != want {
				t.Errorf("extra is %s (%v), want %s", b, err, want)
			}
		})
	}
	c.refused(store.DirectoryWrite, user(model.Extra{"": []byte("1")}), store.Invalid, "Invalid input for field '': the name of an attribute has 1 to 255 characters.")
	c.ok(store.DirectoryWrite, user(model.Extra{"a": []byte(`{"b":1}`), "c": []byte(`2`)}))
	c.ok(store.DirectoryWrite, patch(model.Extra{"c": []byte(`null`), "d": []byte(`"x"`)}))
	is(`{"a":{"b":1},"c":null,"d":"x"}`)
	c.ok(store.UserUpdate, &store.UserPatch{ID: "bob", Name: ptr("rob")})
	is(`{"a":{"b":1},"c":null,"d":"x"}`)

	big := []byte(`"` + strings.Repeat("x", model.MaxExtraBytes-10) + `"`)
	c.refused(store.DirectoryWrite, patch(model.Extra{"e": big}), store.Invalid, "Invalid input for field 'e': an object's attributes besides its own have at most 8192 bytes together.")
	many := model.Extra{}
	for i := range model.MaxExtra - 2 {
		many[fmt.Sprint("k", i)] = []byte(`0`)
	}
	c.refused(store.DirectoryWrite, patch(many), store.Invalid, "Invalid input: besides its own, an object has at most 64 attributes, and these are 65.")
	c.refused(store.DirectoryWrite, &store.DirectoryPut{}, store.Invalid, "nothing of the directory is to be written")
	is(`{"a":{"b":1},"c":null,"d":"x"}`)
}

func TestNamesAreUniquePerDomain(t *testing.T) {
	c := people(t)
	c.ok(store.DomainCreate, &model.Domain{ID: "other", Record: model.Record{Name: "other"}, Enabled: true})
	c.ok(store.UserCreate, &model.User{ID: "bob2", Record: model.Record{Name: "bob"}, Domain: "other"})
	c.ok(store.ProjectCreate, &model.Project{ID: "demo2", Record: model.Record{Name: "demo"}, Domain: "other"})
	c.refused(store.UserCreate, &model.User{ID: "x", Record: model.Record{Name: "bob"}}, store.Conflict,
		"Conflict occurred attempting to store user - Duplicate entry found with name bob at domain ID default.")
	c.refused(store.ProjectCreate, &model.Project{ID: "x", Record: model.Record{Name: "demo"}}, store.Conflict,
		"Conflict occurred attempting to store project - it is not permitted to have two projects with the same name in the same domain : demo.")
	c.refused(store.RoleCreate, &model.Role{ID: "x", Record: model.Record{Name: "Member"}}, store.Conflict,
		"Conflict occurred attempting to store role - Duplicate entry found with name Member.")
	c.refused(store.DomainCreate, &model.Domain{ID: "x", Record: model.Record{Name: "Default"}}, store.Conflict,
		"Conflict occurred attempting to store domain - Duplicate entry found with name Default.")
	c.refused(store.UserUpdate, &store.UserPatch{ID: "bob", Name: ptr("admin")}, store.Conflict,
		"Conflict occurred attempting to store user - Duplicate entry found with name admin at domain ID default.")
	c.refused(store.UserCreate, &model.User{ID: "x", Domain: "nowhere"}, store.NotFound, "Could not find domain: nowhere.")
	c.refused(store.UserUpdate, &store.UserPatch{ID: "bob", DefaultProject: ptr(model.ProjectID("x"))}, store.NotFound, "Could not find project: x.")
	c.ok(store.UserUpdate, &store.UserPatch{ID: "bob", Name: ptr("robert")})
	c.ok(store.UserCreate, &model.User{ID: "x", Record: model.Record{Name: "bob"}})
	c.read(func(st *store.State) {
		if u, ok := st.UserNamed("other", "bob"); !ok || u.ID != "bob2" {
			t.Errorf("user of the other domain: %+v", u)
		}
		if u, ok := st.UserByName("bob"); !ok || u.ID != "x" {
			t.Errorf("the new bob: %+v", u)
		}
	})
}

func TestSomebodyStaysAdmin(t *testing.T) {
	c := people(t)
	const text = "This would leave no enabled user with the role admin on an enabled project: nobody could administer the cluster. Give another user that role first."
	off := ptr(false)
	for kind, payload := range map[store.CommandKind]any{
		store.UserUpdate: &store.UserPatch{ID: "u1", Enabled: off}, store.UserDelete: &store.UserRef{ID: "u1"},
		store.ProjectUpdate: &store.ProjectPatch{ID: "p1", Enabled: off}, store.ProjectDelete: &store.ProjectRef{ID: "p1"},
		store.DomainUpdate:     &store.DomainPatch{ID: "default", Enabled: off},
		store.AssignmentRemove: &model.Assignment{User: "u1", Project: "p1", Role: "r1"},
	} {
		c.refused(kind, payload, store.Conflict, text)
	}
	c.refused(store.RoleDelete, &store.RoleRef{ID: "r1"}, store.Forbidden, "You are not authorized to perform the requested action: delete the role admin.")
	c.refused(store.RoleUpdate, &store.RolePatch{ID: "r1", Name: ptr("x")}, store.Forbidden, "You are not authorized to perform the requested action: rename the role admin.")
	c.refused(store.DomainDelete, &store.DomainRef{ID: "default"}, store.Forbidden, "You are not authorized to perform the requested action: delete the default domain.")

	c.ok(store.AssignmentPut, &model.Assignment{User: "bob", Project: "demo", Role: "r1"})
	c.ok(store.UserUpdate, &store.UserPatch{ID: "u1", Enabled: off})
	c.refused(store.AssignmentRemove, &model.Assignment{User: "bob", Project: "demo", Role: "r1"}, store.Conflict, text)
	c.ok(store.UserUpdate, &store.UserPatch{ID: "u1", Enabled: ptr(true)})
	c.ok(store.AssignmentRemove, &model.Assignment{User: "bob", Project: "demo", Role: "r1"})
}

func TestWhatEndsTokens(t *testing.T) {
	c := people(t)
	epochs := func() (user, project uint64) {
		c.read(func(st *store.State) {
			u, _ := st.User("bob")
			p, _ := st.Project("demo")
			user, project = st.UserEpoch(u), st.ProjectEpoch(p)
		})
		return user, project
	}
	want := func(after string, user, project uint64) {
		t.Helper()
		if u, p := epochs(); u != user || p != project {
			t.Errorf("after %s: epochs %d %d, want %d %d", after, u, p, user, project)
		}
	}
	want("nothing", 0, 0)
	c.ok(store.UserUpdate, &store.UserPatch{ID: "bob", Email: ptr("b@example.com")})
	want("an address", 0, 0)
	c.ok(store.UserUpdate, &store.UserPatch{ID: "bob", PasswordHash: ptr("$argon2id$n")})
	user := c.index
	want("a new password", user, 0)
	c.ok(store.ProjectUpdate, &store.ProjectPatch{ID: "demo", Enabled: ptr(false)})
	project := c.index
	c.ok(store.ProjectUpdate, &store.ProjectPatch{ID: "demo", Enabled: ptr(true)})
	want("a disabled project", user, project)
	c.ok(store.UserUpdate, &store.UserPatch{ID: "bob", Enabled: ptr(false)})
	user = c.index
	c.ok(store.UserUpdate, &store.UserPatch{ID: "bob", Enabled: ptr(true)})
	want("a disabled user", user, project)
	c.ok(store.DomainCreate, &model.Domain{ID: "d", Record: model.Record{Name: "d"}, Enabled: true})
	c.ok(store.UserCreate, &model.User{ID: "eve", Record: model.Record{Name: "eve"}, Domain: "d", Enabled: true})
	c.ok(store.DomainUpdate, &store.DomainPatch{ID: "d", Enabled: ptr(false)})
	c.read(func(st *store.State) {
		if u, _ := st.User("eve"); st.UserEpoch(u) != c.index || st.UserWorks(u) {
			t.Errorf("eve's tokens live on in a disabled domain")
		}
	})
}

func TestRevocationsAreBounded(t *testing.T) {
	c := people(t)
	revoke := func(audit string, expires time.Time) error {
		return c.apply(store.TokenRevoke, &model.Revocation{Audit: model.AuditID(audit), User: "bob", Expires: expires})
	}
	count := func() (n int) {
		c.read(func(st *store.State) { n, _ = st.Revocations(at(c.index)) })
		return n
	}
	c.refused(store.TokenRevoke, &model.Revocation{Audit: "x", User: "nobody", Expires: at(1 << 20)}, store.NotFound, "Could not find user: nobody.")
	if err := revoke("dead", at(1)); err != nil || count() != 0 {
		t.Errorf("a token that expired: %v, %d kept", err, count())
	}
	for i := range 1000 {
		if err := revoke(fmt.Sprint(i), at(1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if count() != 1000 {
		t.Fatalf("%d kept", count())
	}
	if err := revoke("one more", at(1<<20)); err != nil || count() != 0 {
		t.Errorf("one more: %v, %d kept", err, count())
	}
	c.read(func(st *store.State) {
		if u, _ := st.User("bob"); u.Epoch != c.index {
			t.Errorf("bob's epoch is %d, want %d", u.Epoch, c.index)
		}
	})
	if err := c.s.Verify(); err != nil {
		t.Error(err)
	}
	for i := range 4 {
		if err := revoke(fmt.Sprint(i), at(uint64(5000+i))); err != nil {
			t.Fatal(err)
		}
	}
	c.ok(store.TokenPurgeKind, &store.TokenPurge{Before: at(5001)})
	c.read(func(st *store.State) {
		if st.Revoked("0") || st.Revoked("1") || !st.Revoked("2") || !st.Revoked("3") {
			t.Error("purge took the wrong ones")
		}
	})
}

func TestApplicationCredentialsGoWithTheRole(t *testing.T) {
	c := people(t)
	credential := func(id, name string, roles ...model.RoleID) *model.AppCredential {
		return &model.AppCredential{ID: model.AppCredentialID(id), User: "bob", Record: model.Record{Name: name, Project: "demo"}, SecretHash: "x", Roles: roles}
	}
	c.refused(store.AppCredentialCreate, credential("a", "a", "r1"), store.NotFound,
		"Could not find role assignment with role: r1, user or group: bob, project, domain, or system: demo.")
	c.refused(store.AppCredentialCreate, credential("a", "a"), store.Invalid, "An application credential needs a role.")
	c.ok(store.AppCredentialCreate, credential("a", "a", "member", "r2")) // member implies reader
	c.refused(store.AppCredentialCreate, credential("b", "a", "member"), store.Conflict,
		"Conflict occurred attempting to store application_credential - Duplicate entry found with name a.")
	c.refused(store.AppCredentialDelete, &store.AppCredentialRef{ID: "a", User: "u1"}, store.NotFound, "Could not find application credential: a.")
	gone := func(after string) {
		t.Helper()
		c.read(func(st *store.State) {
			if d := cmp.Diff([]*model.AppCredential{}, st.AppCredentialsOf("bob")); d != "" {
				t.Errorf("after %s: %s", after, d)
			}
		})
	}
	c.ok(store.RoleDelete, &store.RoleRef{ID: "r2"})
	gone("the deletion of a role")
	c.ok(store.AppCredentialCreate, credential("b", "b", "member"))
	c.ok(store.AssignmentRemove, &model.Assignment{User: "bob", Project: "demo", Role: "member"})
	gone("the loss of a role")
	c.ok(store.AssignmentPut, &model.Assignment{User: "bob", Project: "demo", Role: "member"})
	for i := range 200 {
		c.apply(store.AppCredentialCreate, credential(fmt.Sprint(i), fmt.Sprint(i), "member")) //nolint:errcheck // counted below
	}
	c.refused(store.AppCredentialCreate, credential("z", "z", "member"), store.Quota,
		"Unable to create additional application credentials, maximum of 200 already exceeded for user.")
	c.ok(store.ProjectDelete, &store.ProjectRef{ID: "demo"})
	gone("the deletion of the project")
	c.read(func(st *store.State) {
		if u, _ := st.User("bob"); u.DefaultProject != "" || len(st.ProjectsOf("bob")) != 0 {
			t.Errorf("bob after the deletion: %+v %v", u, st.ProjectsOf("bob"))
		}
	})
}

func TestDomainsGoWithAllTheyHold(t *testing.T) {
	c := people(t)
	c.ok(store.DomainCreate, &model.Domain{ID: "d", Record: model.Record{Name: "d"}, Enabled: true})
	c.ok(store.ProjectCreate, &model.Project{ID: "dp", Record: model.Record{Name: "p"}, Domain: "d"})
	c.ok(store.UserCreate, &model.User{ID: "du", Record: model.Record{Name: "u"}, Domain: "d"})
	c.ok(store.AssignmentPut, &model.Assignment{User: "du", Domain: "d", Role: "member"})
	c.ok(store.AssignmentPut, &model.Assignment{User: "bob", Domain: "d", Role: "member"})
	c.ok(store.AssignmentPut, &model.Assignment{User: "bob", Project: "dp", Role: "member"})
	c.refused(store.AssignmentPut, &model.Assignment{User: "bob", Domain: "d", Project: "dp", Role: "member"}, store.Invalid, "A role is given on a project or on a domain.")
	c.refused(store.DomainDelete, &store.DomainRef{ID: "d"}, store.Forbidden,
		"You are not authorized to perform the requested action: cannot delete a domain that is enabled, please disable it first.")
	c.ok(store.DomainUpdate, &store.DomainPatch{ID: "d", Enabled: ptr(false)})
	c.ok(store.DomainDelete, &store.DomainRef{ID: "d"})
	c.read(func(st *store.State) {
		want := []model.Assignment{{User: "bob", Project: "demo", Role: "member"}, {User: "u1", Project: "p1", Role: "r1"}}
		if d := cmp.Diff(want, st.Assignments()); d != "" {
			t.Error(d)
		}
		if _, ok := st.User("du"); ok {
			t.Error("a user outlived its domain")
		}
	})
}
