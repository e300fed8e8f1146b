package identity_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
)

// Collections of which there is nothing are empty, and say so when they are to be filled.
func TestWhatKeystoneHasAndLbdHasNot(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin, bob := w.token("admin", ""), w.token("bob", `{"project":{"name":"demo"}}`)
	for path, key := range map[string]string{
		"credentials": "credentials", "policies": "policies", "limits": "limits", "registered_limits": "registered_limits",
		"users/b0b/credentials/OS-EC2": "credentials", "OS-TRUST/trusts": "trusts", "OS-OAUTH1/consumers": "consumers",
		"OS-EP-FILTER/endpoint_groups": "endpoint_groups", "OS-FEDERATION/identity_providers": "identity_providers",
		"OS-FEDERATION/mappings": "mappings", "OS-FEDERATION/service_providers": "service_providers",
		"system/users/b0b/roles": "roles", "system/groups/x/roles": "roles", "OS-INHERIT/projects/d3m0/users/b0b/roles/inherited_to_projects": "roles",
		"OS-INHERIT/domains/default/groups/x/roles/inherited_to_projects": "roles",
	} {
		if got := w.names(admin, path, key); len(got) != 0 {
			t.Errorf("GET %s: %v", path, got)
		}
		w.call(bob, "GET", path, "", 403)
		if strings.HasSuffix(path, "roles") || strings.HasSuffix(path, "inherited_to_projects") {
			continue
		}
		w.call(admin, "POST", path, "{}", 501)
		w.call(bob, "POST", path, "{}", 403)
		w.call(admin, "DELETE", path+"/x", "", 404)
	}
	if m := message(w.call(admin, "GET", "OS-TRUST/trusts/x", "", 404)); m != "Could not find trust: x." {
		t.Error(m)
	}
	member := string(w.role("member"))
	for _, grant := range []string{"system/users/b0b/roles/" + member, "OS-INHERIT/projects/d3m0/users/b0b/roles/" + member + "/inherited_to_projects"} {
		w.call(admin, "HEAD", grant, "", 404)
		w.call(admin, "DELETE", grant, "", 404)
		w.call(admin, "PUT", grant, "", 501)
		w.call(bob, "PUT", grant, "", 403)
	}
}

func TestWhichRoleImpliesWhich(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	rule := func(prior, implied string) string {
		return "roles/" + string(w.role(prior)) + "/implies/" + string(w.role(implied))
	}
	ref := func(name string) obj {
		id := string(w.role(name))
		return obj{"id": id, "name": name, "links": obj{"self": "http://lbd.example:9876/identity/v3/roles/" + id}}
	}
	got := w.call(admin, "GET", rule("admin", "member"), "", 200)
	if diff := cmp.Diff(obj{"prior_role": ref("admin"), "implies": ref("member")}, got["role_inference"]); diff != "" {
		t.Error(diff)
	}
	w.call(admin, "HEAD", rule("admin", "member"), "", 204)
	w.call(admin, "PUT", rule("member", "reader"), "", 201)
	w.call(admin, "DELETE", rule("member", "reader"), "", 501)
	w.call(admin, "PUT", rule("reader", "admin"), "", 501)
	w.call(admin, "DELETE", rule("reader", "admin"), "", 404)
	w.call(admin, "HEAD", rule("reader", "admin"), "", 404)
	if m := message(w.call(admin, "GET", "roles/x/implies/"+string(w.role("member")), "", 404)); m != "Could not find role: x." {
		t.Error(m)
	}
}

func TestProjectsTellWhatIsAboveAndBelow(t *testing.T) {
	w := newWorld(t, deps.Config{})
	bob := w.token("bob", `{"project":{"name":"demo"}}`)
	for query, want := range map[string]obj{
		"parents_as_ids":                  {"parents": obj{"default": nil}},
		"parents_as_list&subtree_as_list": {"parents": []any{}, "subtree": []any{}},
		"subtree_as_ids=1":                {"subtree": nil},
		"":                                {},
	} {
		pr := w.call(bob, "GET", "projects/d3m0?"+query, "", 200)["project"].(obj)
		for _, key := range []string{"parents", "subtree"} {
			got, has := pr[key]
			if _, wanted := want[key]; has != wanted || cmp.Diff(want[key], got) != "" {
				t.Errorf("?%s: %s is %v", query, key, got)
			}
		}
	}
}

// HEAD is answered wherever GET is, with the same status, and every answer depends on
// the token.
func TestHeadAndVary(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	for path, want := range map[string]int{
		"": 200, "/users": 200, "/users/b0b": 200, "/users/x": 404, "/projects?name=x": 200, "/regions/RegionOne": 200, "/role_assignments": 200, "/auth/catalog": 200,
		"/projects/d3m0/users/b0b/roles": 200, "/users/b0b/application_credentials": 200,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := w.do(method, "/identity/v3"+path, "", "X-Auth-Token", admin)
			if a.status != want || a.header.Get("Vary") != "X-Auth-Token" {
				t.Errorf("%s %s: %d, Vary %q", method, path, a.status, a.header.Get("Vary"))
			}
		}
	}
}
