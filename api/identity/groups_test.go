package identity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
)

func TestGroupsLive(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin, bob := w.token("admin", ""), w.token("bob", `{"project":{"name":"demo"}}`)
	g := w.call(admin, "POST", "groups", `{"group":{"name":"staff","description":null,"domain_id":"default","extra":1}}`, 201)["group"].(obj)
	id := g["id"].(string)
	want := obj{"id": id, "name": "staff", "description": "", "domain_id": "default", "extra": 1.0, "links": obj{"self": "http://lbd.example:9876/identity/v3/groups/" + id}}
	if diff := cmp.Diff(want, g); diff != "" || len(id) != 32 {
		t.Error(diff)
	}
	if m := message(w.call(admin, "POST", "groups", `{"group":{"name":"staff"}}`, 409)); m != "Conflict occurred attempting to store group - Duplicate entry found with name staff at domain ID default." {
		t.Error(m)
	}
	if g := w.call(admin, "PATCH", "groups/"+id, `{"group":{"name":"people","description":"d"}}`, 200)["group"].(obj); g["name"] != "people" || g["description"] != "d" {
		t.Errorf("after PATCH: %v", g)
	}
	if m := message(w.call(admin, "PATCH", "groups/"+id, `{"group":{"domain_id":"other"}}`, 400)); !strings.Contains(m, "'domain_id'") {
		t.Error(m)
	}
	w.call(admin, "PATCH", "groups/x", `{"group":{}}`, 404)
	if got := w.names(admin, "groups?name=people", "groups"); len(got) != 1 {
		t.Errorf("by name: %v", got)
	}
	if got := w.names(admin, "groups?domain_id=other", "groups"); len(got) != 0 {
		t.Errorf("of another domain: %v", got)
	}

	in := "groups/" + id + "/users/b0b"
	if m := message(w.call(admin, "GET", in, "", 404)); m != "User 'b0b' not found in group '"+id+"'." {
		t.Error(m)
	}
	w.call(admin, "DELETE", in, "", 404)
	w.call(admin, "PUT", in, "", 204)
	w.call(admin, "PUT", in, "", 204)
	w.call(admin, "HEAD", in, "", 204)
	w.call(bob, "GET", in, "", 204)
	w.call(bob, "GET", "groups/"+id+"/users/x", "", 403)
	w.call(admin, "PUT", "groups/x/users/b0b", "", 404)
	w.call(admin, "PUT", "groups/"+id+"/users/x", "", 404)
	if got := strings.Join(w.names(admin, "groups/"+id+"/users", "users"), " "); got != "bob" {
		t.Errorf("users of the group: %q", got)
	}
	w.call(admin, "GET", "groups/x/users", "", 404)
	if got := strings.Join(w.names(bob, "users/b0b/groups", "groups"), " "); got != "people" {
		t.Errorf("groups of the user: %q", got)
	}
	for _, c := range [][2]string{{"GET", "groups"}, {"POST", "groups"}, {"DELETE", "groups/" + id}, {"GET", "groups/" + id + "/users"}, {"PUT", in}, {"DELETE", in}} {
		w.call(bob, c[0], c[1], "{}", 403)
	}
	w.call(admin, "DELETE", in, "", 204)
	w.call(admin, "DELETE", "groups/"+id, "", 204)
	w.call(admin, "GET", "groups/"+id, "", 404)
}

// A group's roles count for its users, in tokens that are there already, too.
func TestRolesOfGroups(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	project := w.call(admin, "POST", "projects", `{"project":{"name":"blue"}}`, 201)["project"].(obj)["id"].(string)
	role := w.call(admin, "POST", "roles", `{"role":{"name":"watcher"}}`, 201)["role"].(obj)["id"].(string)
	group := w.call(admin, "POST", "groups", `{"group":{"name":"staff"}}`, 201)["group"].(obj)["id"].(string)
	grants := "projects/" + project + "/groups/" + group + "/roles"
	w.call(admin, "GET", grants+"/"+role, "", 404)
	w.call(admin, "PUT", grants+"/"+role, "", 204)
	w.call(admin, "HEAD", grants+"/"+role, "", 204)
	w.call(admin, "PUT", "domains/default/groups/"+group+"/roles/"+role, "", 204)
	if m := message(w.call(admin, "PUT", "projects/"+project+"/groups/x/roles/"+role, "", 404)); m != "Could not find group: x." {
		t.Error(m)
	}
	if got := strings.Join(w.names(admin, grants, "roles"), " "); got != "watcher" {
		t.Errorf("roles of the group: %q", got)
	}
	w.call(admin, "PUT", "groups/"+group+"/users/b0b", "", 204)
	if got := strings.Join(w.names(admin, "projects/"+project+"/users/b0b/roles", "roles"), " "); got != "" {
		t.Errorf("the user was given %q itself", got)
	}

	bob := w.token("bob", `{"project":{"id":"`+project+`"}}`)
	shown := w.do("GET", "/identity/v3/auth/tokens", "", "X-Auth-Token", bob, "X-Subject-Token", bob).body["token"].(obj)
	if roles := shown["roles"].([]any); len(roles) != 1 || roles[0].(obj)["name"] != "watcher" {
		t.Errorf("roles of a token: %v", roles)
	}
	if got := strings.Join(w.names(bob, "auth/projects", "projects"), " "); !strings.Contains(got, "blue") {
		t.Errorf("where to log in: %q", got)
	}

	list := func(query string) []any {
		t.Helper()
		return w.call(admin, "GET", "role_assignments?"+query, "", 200)["role_assignments"].([]any)
	}
	base := "http://lbd.example:9876/identity/v3/"
	given := list("group.id=" + group + "&scope.project.id=" + project + "&include_names")
	want := []any{obj{
		"group": obj{"id": group, "name": "staff", "domain": obj{"id": "default", "name": "Default"}},
		"role":  obj{"id": role, "name": "watcher", "domain": obj{"id": "default", "name": "Default"}},
		"scope": obj{"project": obj{"id": project, "name": "blue", "domain": obj{"id": "default", "name": "Default"}}},
		"links": obj{"assignment": base + grants + "/" + role},
	}}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Error(diff)
	}
	effective := list("user.id=b0b&effective&scope.project.id=" + project)
	want = []any{obj{
		"user": obj{"id": "b0b"}, "role": obj{"id": role}, "scope": obj{"project": obj{"id": project}},
		"links": obj{"assignment": base + grants + "/" + role, "membership": base + "groups/" + group + "/users/b0b"},
	}}
	if diff := cmp.Diff(want, effective); diff != "" {
		t.Error(diff)
	}
	if got := list("user.id=b0b&scope.project.id=" + project); len(got) != 0 {
		t.Errorf("not effective: %v", got)
	}
	w.call(admin, "GET", "role_assignments?effective&group.id="+group, "", 400)

	works := func(want int) {
		t.Helper()
		if a := w.do("GET", "/identity/v3/auth/tokens", "", "X-Auth-Token", bob, "X-Subject-Token", bob); a.status != want {
			t.Errorf("the token: %d, want %d", a.status, want)
		}
	}
	works(200)
	w.call(admin, "DELETE", "groups/"+group+"/users/b0b", "", 204)
	works(401)
	w.call(admin, "PUT", "groups/"+group+"/users/b0b", "", 204)
	w.call(admin, "DELETE", grants+"/"+role, "", 204)
	works(401)
	w.call(admin, "DELETE", grants+"/"+role, "", 404)
}
