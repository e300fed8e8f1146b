package identity_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
)

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestVersionDocuments(t *testing.T) {
	w := newWorld(t, deps.Config{})
	v := obj{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{obj{"rel": "self", "href": "http://lbd.example:9876/identity/v3/"}},
		"media-types": []any{obj{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
	for path, want := range map[string]answer{
		"/identity": {300, nil, obj{"versions": obj{"values": []any{v}}}}, "/identity/": {300, nil, obj{"versions": obj{"values": []any{v}}}},
		"/identity/v3": {200, nil, obj{"version": v}}, "/identity/v3/": {200, nil, obj{"version": v}}, "/v3": {200, nil, obj{"version": v}},
	} {
		a := w.do("GET", path, "")
		if diff := cmp.Diff(want.body, a.body); a.status != want.status || diff != "" {
			t.Errorf("GET %s: %d %s", path, a.status, diff)
		}
	}
}

// names lists the names (or ids) of a collection.
func (w *world) names(token, path, key string) []string {
	w.t.Helper()
	a := w.get(token, "/identity/v3/"+path)
	if a.status != 200 {
		w.t.Fatalf("GET %s: %d %v", path, a.status, a.body)
	}
	if _, ok := a.body["links"].(obj)["self"]; !ok {
		w.t.Errorf("GET %s has no links", path)
	}
	out := []string{}
	for _, x := range a.body[key].([]any) {
		x := x.(obj)
		if self, ok := x["links"].(obj)["self"].(string); !ok || !strings.HasPrefix(self, "http://lbd.example:9876/identity/v3/") {
			w.t.Errorf("GET %s: an object without links: %v", path, x)
		}
		name, ok := x["name"].(string)
		if !ok {
			name = x["id"].(string)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestDirectoryListsAndFilters(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	for _, tc := range []struct {
		path, key string
		want      string
	}{
		{"projects", "projects", "admin demo"},
		{"projects?name=demo", "projects", "demo"},
		{"projects?name=demo&domain_id=default&x=y", "projects", "demo"},
		{"projects?domain_id=other", "projects", ""},
		{"users", "users", "admin bob off"},
		{"users?enabled=false", "users", "off"},
		{"roles?name=member", "roles", "member"},
		{"domains?name=Default", "domains", "Default"},
		{"services?type=network", "services", "neutron"},
		{"regions", "regions", "RegionOne"},
		{"auth/projects", "projects", "admin"},
		{"users/b0b/projects", "projects", "demo"},
		{"projects/d3m0/users/b0b/roles", "roles", "member"},
	} {
		if got := strings.Join(w.names(admin, tc.path, tc.key), " "); got != tc.want {
			t.Errorf("GET %s: %q, want %q", tc.path, got, tc.want)
		}
	}
	if n := len(w.names(admin, "endpoints?interface=public", "endpoints")); n != 4 {
		t.Errorf("%d public endpoints", n)
	}
	roles := strings.Join(w.names(admin, "roles", "roles"), " ")
	for _, want := range strings.Fields("admin member reader load-balancer_admin load-balancer_member load-balancer_observer load-balancer_global_observer load-balancer_quota_admin") {
		if !strings.Contains(" "+roles+" ", " "+want+" ") {
			t.Errorf("no role %s in %s", want, roles)
		}
	}
	for path, key := range map[string]string{"projects/d3m0": "project", "users/b0b": "user", "domains/default": "domain", "roles/" + string(w.role("member")): "role"} {
		if a := w.get(admin, "/identity/v3/"+path); a.status != 200 || a.body[key].(obj)["links"] == nil {
			t.Errorf("GET %s: %d %v", path, a.status, a.body)
		}
	}
	if a := w.get(admin, "/identity/v3/projects/demo"); a.status != 404 || a.body["error"].(obj)["message"] != "Could not find project: demo." {
		t.Errorf("a name in the place of an id: %d %v", a.status, a.body)
	}
	if a := w.get(admin, "/identity/v3/auth/catalog"); a.status != 200 || len(a.body["catalog"].([]any)) != 4 {
		t.Errorf("catalog: %d %v", a.status, a.body)
	}
}

func TestRoleAssignments(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	for query, want := range map[string]int{
		"": 5, "?user.id=b0b": 1, "?scope.project.id=d3m0": 2, "?role.id=" + string(w.role("reader")): 1, "?user.id=b0b&unknown=1": 1, "?user.id=b0b&effective=True": 2, "?group.id=x": 0, "?scope.domain.id=default": 0, "?project.id=x": 0,
	} {
		a := w.get(admin, "/v3/role_assignments"+query)
		if n := len(a.body["role_assignments"].([]any)); a.status != 200 || n != want {
			t.Errorf("%s: %d, %d assignments, want %d", query, a.status, n, want)
		}
	}
	a := w.get(admin, "/v3/role_assignments?user.id=b0b&include_names=True")
	got := a.body["role_assignments"].([]any)[0].(obj)
	domain := obj{"id": "default", "name": "Default"}
	want := obj{
		"user": obj{"id": "b0b", "name": "bob", "domain": domain}, "role": obj{"id": string(w.role("member")), "name": "member", "domain": domain},
		"scope": obj{"project": obj{"id": "d3m0", "name": "demo", "domain": domain}},
		"links": obj{"assignment": "http://lbd.example:9876/identity/v3/projects/d3m0/users/b0b/roles/" + string(w.role("member"))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	grant := "/v3/projects/d3m0/users/b0b/roles/"
	for role, want := range map[string]int{"member": 204, "admin": 404} {
		if a := w.do("HEAD", grant+string(w.role(role)), "", "X-Auth-Token", admin); a.status != want {
			t.Errorf("has %s: %d, want %d", role, a.status, want)
		}
	}
}

func TestOthersSeeTheirOwnOnlyAndChangeNothing(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin, bob := w.token("admin", ""), w.token("bob", `{"project":{"name":"demo"}}`)
	for _, path := range []string{"projects", "users", "roles", "services", "endpoints", "role_assignments", "domains", "domains/x", "users/" + string(w.seed.Users[0].ID), "users/x/projects", "projects/d3m0/users/b0b/roles"} {
		if a := w.get(bob, "/identity/v3/"+path); a.status != 403 || a.body["error"].(obj)["code"] != 403.0 {
			t.Errorf("bob: GET %s: %d %v", path, a.status, a.body)
		}
		if a := w.do("GET", "/identity/v3/"+path, ""); a.status != 401 {
			t.Errorf("nobody: GET %s: %d", path, a.status)
		}
	}
	for _, path := range []string{"projects/d3m0", "users/b0b", "users/b0b/projects", "domains/default", "auth/projects", "auth/catalog"} {
		if a := w.get(bob, "/identity/v3/"+path); a.status != 200 {
			t.Errorf("bob: GET %s: %d %v", path, a.status, a.body)
		}
	}
	for _, c := range [][2]string{
		{"POST", "projects"},
		{"POST", "users"},
		{"POST", "roles"},
		{"POST", "domains"},
		{"PATCH", "users/b0b"},
		{"DELETE", "users/b0b"},
		{"DELETE", "roles/x"},
		{"PATCH", "projects/d3m0"},
		{"PUT", "projects/d3m0/users/b0b/roles/x"},
		{"DELETE", "projects/d3m0/users/b0b/roles/x"},
		{"PUT", "projects/d3m0/tags/x"},
		{"POST", "users/" + string(w.seed.Users[0].ID) + "/application_credentials"},
		{"GET", "users/" + string(w.seed.Users[0].ID) + "/application_credentials"},
	} {
		if a := w.do(c[0], "/identity/v3/"+c[1], "{}", "X-Auth-Token", bob); a.status != 403 || a.body["error"].(obj)["title"] != "Forbidden" {
			t.Errorf("bob: %v: %d %v", c, a.status, a.body)
		}
	}
	for _, c := range [][2]string{{"POST", "services"}, {"PATCH", "endpoints/x"}, {"DELETE", "regions/RegionOne"}} {
		if a := w.do(c[0], "/identity/v3/"+c[1], "{}", "X-Auth-Token", admin); a.status != 501 || a.body["error"].(obj)["message"] == "" {
			t.Errorf("admin: %v: %d %v", c, a.status, a.body)
		}
	}
}

func TestTokensAreShownToTheirUserAndToAdmins(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin, bob := w.token("admin", ""), w.token("bob", `{"project":{"name":"demo"}}`)
	show := func(method, as, subject string) answer {
		return w.do(method, "/v3/auth/tokens", "", "X-Auth-Token", as, "X-Subject-Token", subject)
	}
	for _, tc := range []struct {
		as, subject string
		want        int
	}{{admin, bob, 200}, {bob, bob, 200}, {bob, admin, 403}, {bob, "x", 404}, {"x", bob, 401}} {
		a := show("GET", tc.as, tc.subject)
		if a.status != tc.want || a.status == 200 && (a.header.Get("X-Subject-Token") != tc.subject || a.body["token"].(obj)["user"].(obj)["name"] != "bob") {
			t.Errorf("%d %v, want %d", a.status, a.body, tc.want)
		}
	}
	if a := show("DELETE", bob, admin); a.status != 403 {
		t.Errorf("bob revokes admin's: %d", a.status)
	}
	if a := show("DELETE", admin, bob); a.status != 204 {
		t.Errorf("admin revokes bob's: %d", a.status)
	}
	if a := show("GET", admin, bob); a.status != 404 {
		t.Errorf("a revoked token: %d", a.status)
	}
}
