package identity_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
	"lbd/store"
)

// call sends a body with a token and checks the status.
func (w *world) call(token, method, path, body string, status int) obj {
	w.t.Helper()
	a := w.do(method, "/identity/v3/"+path, body, "X-Auth-Token", token, "Content-Type", "application/json")
	if a.status != status {
		w.t.Fatalf("%s %s %s: %d %v, want %d", method, path, body, a.status, a.body, status)
	}
	return a.body
}

// message is the text of a refusal.
func message(body obj) string {
	e, _ := body["error"].(obj)
	s, _ := e["message"].(string)
	return s
}

func TestProjectsLive(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	p := w.call(admin, "POST", "projects", `{"project":{"name":"blue","description":null,"enabled":true,"domain_id":"default","is_domain":false,"tags":["a","a","b"],"options":{},"extra":1}}`, 201)["project"].(obj)
	id := p["id"].(string)
	want := obj{
		"id": id, "name": "blue", "description": "", "enabled": true, "domain_id": "default", "parent_id": "default", "is_domain": false,
		"tags": []any{"a", "b"}, "options": obj{}, "extra": 1.0, "links": obj{"self": "http://lbd.example:9876/identity/v3/projects/" + id},
	}
	if diff := cmp.Diff(want, p); diff != "" || len(id) != 32 {
		t.Error(diff)
	}
	if m := message(w.call(admin, "POST", "projects", `{"project":{"name":"blue"}}`, 409)); !strings.HasPrefix(m, "Conflict occurred attempting to store project") {
		t.Error(m)
	}
	p = w.call(admin, "PATCH", "projects/"+id, `{"project":{"name":"green","description":"d","enabled":false}}`, 200)["project"].(obj)
	if p["name"] != "green" || p["description"] != "d" || p["enabled"] != false {
		t.Errorf("after PATCH: %v", p)
	}
	for query, want := range map[string]string{
		"tags=a": "green", "tags=a,b": "green", "tags=a,x": "", "tags-any=x,b": "green", "not-tags=a,b": "admin demo", "not-tags-any=b,x": "admin demo", "is_domain=true": "",
	} {
		if got := strings.Join(w.names(admin, "projects?"+query, "projects"), " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	w.call(admin, "PUT", "projects/"+id+"/tags/c", "", 201)
	w.call(admin, "GET", "projects/"+id+"/tags/c", "", 204)
	w.call(admin, "DELETE", "projects/"+id+"/tags/a", "", 204)
	w.call(admin, "DELETE", "projects/"+id+"/tags/a", "", 404)
	if diff := cmp.Diff([]any{"b", "c"}, w.call(admin, "GET", "projects/"+id+"/tags", "", 200)["tags"]); diff != "" {
		t.Error(diff)
	}
	w.call(admin, "PUT", "projects/"+id+"/tags", `{"tags":["z"]}`, 200)
	w.call(admin, "DELETE", "projects/"+id+"/tags", "", 204)
	w.call(admin, "DELETE", "projects/"+id, "", 204)
	w.call(admin, "DELETE", "projects/"+id, "", 404)
	w.call(admin, "GET", "projects/"+id, "", 404)
}

func TestUsersLive(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	u := w.call(admin, "POST", "users", `{"user":{"name":"eve","password":"pw","email":"e@example.com","default_project_id":"d3m0","enabled":true,"options":{"lock_password":null}}}`, 201)["user"].(obj)
	id := u["id"].(string)
	want := obj{
		"id": id, "name": "eve", "email": "e@example.com", "default_project_id": "d3m0", "enabled": true, "domain_id": "default",
		"password_expires_at": nil, "options": obj{}, "links": obj{"self": "http://lbd.example:9876/identity/v3/users/" + id},
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Error(diff)
	}
	login := func(pass string, status int) string {
		t.Helper()
		a := w.login(passwordBody("eve", pass, ""))
		if a.status != status {
			t.Fatalf("login with %q: %d %v, want %d", pass, a.status, a.body, status)
		}
		return a.header.Get("X-Subject-Token")
	}
	login("pw", 201) // unscoped: no role on the default project yet
	grant := "projects/d3m0/users/" + id + "/roles/" + string(w.role("member"))
	w.call(admin, "PUT", grant, "", 204)
	w.call(admin, "PUT", grant, "", 204)
	token := login("pw", 201)
	if a := w.get(token, "/whoami"); a.status != 200 || a.body["project"] != "demo" || fmt.Sprint(a.body["roles"]) != "[member reader]" {
		t.Errorf("eve: %v", a.body)
	}
	w.call(admin, "DELETE", grant, "", 204)
	w.call(admin, "DELETE", grant, "", 404)
	if a := w.get(token, "/whoami"); a.status != 401 {
		t.Errorf("a token without any role left: %d", a.status)
	}
	w.call(admin, "PUT", grant, "", 204)
	if a := w.get(token, "/whoami"); a.status != 200 {
		t.Errorf("a token whose role is back: %d", a.status)
	}

	w.call(token, "POST", "users/"+id+"/password", `{"user":{"original_password":"wrong","password":"new"}}`, 401)
	w.call(token, "POST", "users/"+id+"/password", `{"user":{"original_password":"pw"}}`, 400)
	w.call("", "POST", "users/"+id+"/password", `{"user":{"original_password":"pw","password":"new"}}`, 204)
	if a := w.get(token, "/whoami"); a.status != 401 {
		t.Errorf("a token after the password changed: %d", a.status)
	}
	login("pw", 401)
	token = login("new", 201)
	w.call(admin, "PATCH", "users/"+id, `{"user":{"password":"newer"}}`, 200)
	if a := w.get(token, "/whoami"); a.status != 401 {
		t.Errorf("a token after an admin set the password: %d", a.status)
	}
	token = login("newer", 201)
	for _, enabled := range []string{"false", "true"} {
		w.call(admin, "PATCH", "users/"+id, `{"user":{"enabled":`+enabled+`}}`, 200)
		if a := w.get(token, "/whoami"); a.status != 401 {
			t.Errorf("a token with enabled=%s: %d", enabled, a.status)
		}
	}
	token = login("newer", 201)
	for _, enabled := range []string{"false", "true"} {
		w.call(admin, "PATCH", "projects/d3m0", `{"project":{"enabled":`+enabled+`}}`, 200)
		if a := w.get(token, "/whoami"); a.status != 401 {
			t.Errorf("a token with project enabled=%s: %d", enabled, a.status)
		}
	}
	token = login("newer", 201)
	u = w.call(admin, "PATCH", "users/"+id, `{"user":{"name":"Eve","email":null,"default_project_id":null,"description":"x"}}`, 200)["user"].(obj)
	if _, ok := u["email"]; ok || u["name"] != "Eve" || u["description"] != "x" {
		t.Errorf("after PATCH: %v", u)
	}
	w.call(admin, "DELETE", "users/"+id, "", 204)
	if a := w.get(token, "/whoami"); a.status != 401 {
		t.Errorf("a token of a user who is gone: %d", a.status)
	}
}

func TestDomainsLive(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	d := w.call(admin, "POST", "domains", `{"domain":{"name":"other","description":"o"}}`, 201)["domain"].(obj)["id"].(string)
	p := w.call(admin, "POST", "projects", `{"project":{"name":"demo","domain_id":"`+d+`"}}`, 201)["project"].(obj)["id"].(string)
	u := w.call(admin, "POST", "users", `{"user":{"name":"bob","domain_id":"`+d+`","password":"pw"}}`, 201)["user"].(obj)["id"].(string)
	w.call(admin, "PUT", "projects/"+p+"/users/"+u+"/roles/"+string(w.role("member")), "", 204)
	w.call(admin, "PUT", "domains/"+d+"/users/"+u+"/roles/"+string(w.role("reader")), "", 204)
	w.call(admin, "HEAD", "domains/"+d+"/users/"+u+"/roles/"+string(w.role("reader")), "", 204)
	w.call(admin, "GET", "domains/"+d+"/users/"+u+"/roles/"+string(w.role("member")), "", 404)

	login := func(scope string) answer {
		return w.login(fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"bob","password":"pw","domain":{"name":"other"}}}},"scope":%s}}`, scope))
	}
	a := login(`{"project":{"name":"demo","domain":{"name":"other"}}}`)
	other := obj{"id": d, "name": "other"}
	if token, _ := a.body["token"].(obj); a.status != 201 || cmp.Diff(other, token["user"].(obj)["domain"]) != "" || cmp.Diff(other, token["project"].(obj)["domain"]) != "" {
		t.Errorf("login in the other domain: %d %v", a.status, a.body)
	}
	if a := login(`{"project":{"name":"demo","domain":{"id":"default"}}}`); a.status != 401 {
		t.Errorf("login on the other demo: %d", a.status)
	}
	a = login(`{"domain":{"name":"other"}}`)
	if token, _ := a.body["token"].(obj); a.status != 201 || cmp.Diff(obj{"id": d, "name": "other"}, token["domain"]) != "" || token["project"] != nil || token["catalog"] == nil {
		t.Errorf("login on the domain: %d %v", a.status, a.body)
	}
	if a := w.get(a.header.Get("X-Subject-Token"), "/whoami"); a.status != 200 || a.body["project"] != "" || fmt.Sprint(a.body["roles"]) != "[reader]" {
		t.Errorf("on the domain: %d %v", a.status, a.body)
	}
	if got := w.names(a.header.Get("X-Subject-Token"), "auth/domains", "domains"); fmt.Sprint(got) != "[other]" {
		t.Errorf("auth/domains: %v", got)
	}
	got := w.call(admin, "GET", "role_assignments?scope.domain.id="+d+"&include_names=1", "", 200)["role_assignments"].([]any)
	if len(got) != 1 || got[0].(obj)["scope"].(obj)["domain"].(obj)["name"] != "other" {
		t.Errorf("assignments on the domain: %v", got)
	}
	if m := message(w.call(admin, "DELETE", "domains/"+d, "", 403)); !strings.Contains(m, "disable it first") {
		t.Error(m)
	}
	w.call(admin, "PATCH", "domains/"+d, `{"domain":{"enabled":false}}`, 200)
	if a := login(`"unscoped"`); a.status != 401 {
		t.Errorf("login in a disabled domain: %d", a.status)
	}
	w.call(admin, "DELETE", "domains/"+d, "", 204)
	w.call(admin, "GET", "users/"+u, "", 404)
	w.call(admin, "GET", "projects/"+p, "", 404)
}

func TestRolesLive(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	id := w.call(admin, "POST", "roles", `{"role":{"name":"cook","description":"c"}}`, 201)["role"].(obj)["id"].(string)
	w.call(admin, "POST", "roles", `{"role":{"name":"Cook"}}`, 409)
	w.call(admin, "POST", "roles", `{"role":{"name":"x","domain_id":"default"}}`, 501)
	if r := w.call(admin, "PATCH", "roles/"+id, `{"role":{"name":"chef"}}`, 200)["role"].(obj); r["name"] != "chef" || r["description"] != "c" {
		t.Errorf("after PATCH: %v", r)
	}
	w.call(admin, "DELETE", "roles/"+id, "", 204)
	w.call(admin, "DELETE", "roles/"+string(w.role("admin")), "", 403)
	rules := w.call(admin, "GET", "role_inferences", "", 200)["role_inferences"].([]any)
	implies := map[string]string{}
	for _, r := range rules {
		r := r.(obj)
		implies[r["prior_role"].(obj)["name"].(string)] = r["implies"].([]any)[0].(obj)["name"].(string)
	}
	if diff := cmp.Diff(map[string]string{"admin": "member", "member": "reader"}, implies); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	user, project := string(w.seed.Users[0].ID), string(w.seed.Projects[0].ID)
	for _, c := range [][3]string{
		{"DELETE", "users/" + user, ""},
		{"PATCH", "users/" + user, `{"user":{"enabled":false}}`},
		{"DELETE", "projects/" + project, ""},
		{"PATCH", "domains/default", `{"domain":{"enabled":false}}`},
		{"DELETE", "projects/" + project + "/users/" + user + "/roles/" + string(w.role("admin")), ""},
	} {
		if m := message(w.call(admin, c[0], c[1], c[2], 409)); !strings.Contains(m, "nobody could administer") {
			t.Errorf("%v: %s", c, m)
		}
	}
	w.call(admin, "PUT", "projects/d3m0/users/b0b/roles/"+string(w.role("admin")), "", 204)
	w.call(admin, "DELETE", "users/"+user, "", 204)
	if a := w.get(w.token("bob", `{"project":{"name":"demo"}}`), "/identity/v3/users"); a.status != 200 {
		t.Errorf("the new admin: %d", a.status)
	}
	if c, err := w.part.LocalAdmin(); err != nil || !c.IsCloudAdmin() {
		t.Errorf("the admin socket without the user admin: %v %v", c, err)
	}
}

func TestWrongBodiesNameTheField(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	before := w.log.index
	for _, tc := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"POST", "users", ``, 400, "the body is no JSON object"},
		{"POST", "users", `[]`, 400, "the body is no JSON object"},
		{"POST", "users", `{}`, 400, "'user' is a required property"},
		{"POST", "users", `{"user":5}`, 400, "Invalid input for field 'user': 5 is not of type 'object'"},
		{"POST", "users", `{"user":{}}`, 400, "'name' is a required property"},
		{"POST", "users", `{"user":{"name":5}}`, 400, "Invalid input for field 'name': 5 is not of type 'string'"},
		{"POST", "users", `{"user":{"name":" "}}`, 400, "'name'"},
		{"POST", "users", `{"user":{"name":"` + strings.Repeat("x", 256) + `"}}`, 400, "'name'"},
		{"POST", "users", `{"user":{"name":"x","enabled":"yes"}}`, 400, "'enabled'"},
		{"POST", "users", `{"user":{"name":"x","password":""}}`, 400, "'password'"},
		{"POST", "users", `{"user":{"name":"x","password":7}}`, 400, "'password'"},
		{"POST", "users", `{"user":{"name":"x","domain_id":"nowhere"}}`, 404, "Could not find domain: nowhere."},
		{"POST", "users", `{"user":{"name":"x","default_project_id":"nowhere"}}`, 404, "Could not find project: nowhere."},
		{"POST", "users", `{"user":{"name":"x","options":{"lock_password":true}}}`, 501, "the option 'lock_password'"},
		{"PATCH", "users/b0b", `{"user":{"domain_id":"other"}}`, 400, "'domain_id'"},
		{"PATCH", "users/b0b", `{"user":{"name":null}}`, 400, "'name'"},
		{"PATCH", "users/x", `{"user":{}}`, 404, "Could not find user: x."},
		{"POST", "projects", `{"project":{"name":"x","parent_id":"d3m0"}}`, 501, "parent_id"},
		{"POST", "projects", `{"project":{"name":"x","is_domain":true}}`, 501, "is_domain"},
		{"POST", "projects", `{"project":{"name":"x","tags":["a,b"]}}`, 400, "'tags'"},
		{"POST", "projects", `{"project":{"name":"x","tags":"a"}}`, 400, "'tags'"},
		{"PATCH", "domains/default", `{"domain":{"id":"x"}}`, 400, "'id'"},
		{"PUT", "projects/d3m0/users/x/roles/x", ``, 404, "Could not find user: x."},
		{"PUT", "projects/d3m0/users/b0b/roles/x", ``, 404, "Could not find role: x."},
		{"PUT", "domains/x/users/b0b/roles/x", ``, 404, "Could not find domain: x."},
		{"DELETE", "domains/default", ``, 403, "default domain"},
		{"GET", "groups/x", ``, 404, "Could not find group: x."},
	} {
		if m := message(w.call(admin, tc.method, tc.path, tc.body, tc.status)); !strings.Contains(m, tc.message) {
			t.Errorf("%s %s %s: %q, want %q", tc.method, tc.path, tc.body, m, tc.message)
		}
	}
	for range w.log.index - before { // what reached the log was refused there
		if w.st.Index() != w.log.index {
			t.Fatalf("index %d of %d", w.st.Index(), w.log.index)
		}
	}
	w.st.Read(func(st *store.State) {
		if len(st.Users()) != 3 || len(st.Projects()) != 2 || len(st.Domains()) != 1 {
			t.Error("a refused request changed the directory")
		}
	})
}

// FuzzBodies: no body makes the server fail.
func FuzzBodies(f *testing.F) {
	paths := []string{"groups", "users", "projects", "domains", "roles", "users/b0b/password", "users/b0b/application_credentials", "projects/d3m0/tags"}
	for i, s := range []string{
		`{"user":{"name":"x","enabled":null,"options":{}}}`, `{"project":{"name":"x","tags":[""],"domain_id":null}}`, `{"domain":{"name":"\u0000"}}`,
		`{"role":{"name":"x","domain_id":5}}`, `{"user":{"original_password":null,"password":[]}}`,
		`{"application_credential":{"name":"x","roles":[{"id":null}],"expires_at":"9999-12-31T23:59:59Z"}}`, `{"tags":[null]}`,
	} {
		f.Add(i, s)
	}
	w := newWorld(f, deps.Config{})
	admin := w.token("admin", "")
	f.Fuzz(func(t *testing.T, i int, body string) {
		w := *w
		w.t = t
		path := paths[max(i, -i-1)%len(paths)]
		method := "POST"
		if strings.HasSuffix(path, "tags") {
			method = "PUT"
		}
		if a := w.do(method, "/v3/"+path, body, "X-Auth-Token", admin); a.status >= 500 && a.status != 501 {
			t.Errorf("%s %q: %d %v", path, body, a.status, a.body)
		}
	})
}
