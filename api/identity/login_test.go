package identity_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
)

func TestPasswordLoginAnswersAsKeystoneDoes(t *testing.T) {
	w := newWorld(t, deps.Config{TokenTTL: time.Hour})
	a := w.login(passwordBody("admin", password, onAdmin))
	if a.status != 201 || a.header.Get("X-Subject-Token") == "" {
		t.Fatalf("%d %v", a.status, a.body)
	}
	token := a.body["token"].(obj)
	for k, want := range map[string]any{
		"methods": []any{"password"}, "is_domain": false,
		"user":    obj{"id": string(w.seed.Users[0].ID), "name": "admin", "domain": obj{"id": "default", "name": "Default"}, "password_expires_at": nil},
		"project": obj{"id": string(w.seed.Projects[0].ID), "name": "admin", "domain": obj{"id": "default", "name": "Default"}},
	} {
		if diff := cmp.Diff(want, token[k]); diff != "" {
			t.Errorf("%s: %s", k, diff)
		}
	}
	const form = "2006-01-02T15:04:05.000000Z"
	issued, err1 := time.Parse(form, token["issued_at"].(string))
	expires, err2 := time.Parse(form, token["expires_at"].(string))
	if err1 != nil || err2 != nil || expires.Sub(issued) != time.Hour || time.Since(issued) > time.Minute {
		t.Errorf("issued %v, expires %v", token["issued_at"], token["expires_at"])
	}
	var roles []string
	for _, r := range token["roles"].([]any) {
		roles = append(roles, r.(obj)["name"].(string))
	}
	slices.Sort(roles)
	if !slices.Equal(roles, []string{"admin", "member", "reader"}) {
		t.Errorf("roles: %v", roles)
	}
	urls := map[string]string{}
	for _, s := range token["catalog"].([]any) {
		s := s.(obj)
		for _, e := range s["endpoints"].([]any) {
			e := e.(obj)
			urls[s["type"].(string)+" "+e["interface"].(string)] = e["url"].(string)
			if e["region"] != "RegionOne" || e["region_id"] != "RegionOne" {
				t.Errorf("endpoint %v", e)
			}
		}
	}
	for typ, path := range map[string]string{"identity": "/identity", "network": "/networking", "load-balancer": "/load-balancer"} {
		for _, face := range []string{"public", "internal", "admin"} {
			if got := urls[typ+" "+face]; got != "http://lbd.example:9876"+path {
				t.Errorf("%s %s: %s", typ, face, got)
			}
		}
	}
	a = w.do("POST", "/v3/auth/tokens?nocatalog", passwordBody("admin", password, onAdmin))
	if _, ok := a.body["token"].(obj)["catalog"]; a.status != 201 || ok {
		t.Errorf("nocatalog: %d %v", a.status, a.body)
	}
}

func TestScopes(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := string(w.seed.Projects[0].ID)
	for _, tc := range []struct {
		user, scope string
		status      int
		project     string // "" unscoped
	}{
		{"admin", "", 201, "admin"}, // the user's default project
		{"admin", "null", 201, "admin"},
		{"admin", `"unscoped"`, 201, ""},
		{"admin", `{"project":{"id":"` + admin + `"}}`, 201, "admin"},
		{"admin", `{"project":{"name":"admin","domain":{"id":"default"}}}`, 201, "admin"},
		{"admin", `{"project":{"name":"admin","domain":{"name":"Other"}}}`, 401, ""},
		{"admin", `{"project":{"name":"nothing","domain":{"id":"default"}}}`, 401, ""},
		{"admin", `{"project":{"id":"d3m0"}}`, 401, ""}, // no role there
		{"admin", `{"system":{"all":true}}`, 201, "admin"},
		{"admin", `{"domain":{"id":"default"}}`, 401, ""},
		{"admin", `"all"`, 400, ""},
		{"admin", `[]`, 400, ""},
		{"bob", "", 201, ""}, // no default project
		{"bob", `{"project":{"name":"demo"}}`, 201, "demo"},
		{"bob", `{"system":{"all":true}}`, 401, ""},
		{"off", "", 401, ""},
		{"nobody", "", 401, ""},
	} {
		a := w.login(passwordBody(tc.user, password, tc.scope))
		if a.status != tc.status {
			t.Errorf("%s on %s: %d %v, want %d", tc.user, tc.scope, a.status, a.body, tc.status)
			continue
		}
		if a.status != 201 {
			continue
		}
		token := a.body["token"].(obj)
		project, _ := token["project"].(obj)
		if name, _ := project["name"].(string); name != tc.project {
			t.Errorf("%s on %s: project %q, want %q", tc.user, tc.scope, name, tc.project)
		}
		if _, catalog := token["catalog"]; catalog != (tc.project != "") {
			t.Errorf("%s on %s: catalog %v", tc.user, tc.scope, catalog)
		}
	}
}

func TestRefusedLoginsSayTheSame(t *testing.T) {
	w := newWorld(t, deps.Config{})
	var first obj
	for _, body := range []string{
		passwordBody("admin", "wrong", ""), passwordBody("nobody", password, ""), passwordBody("off", password, ""),
		passwordBody("admin", password, `{"project":{"name":"nothing"}}`), passwordBody("admin", strings.Repeat("x", 5000), ""),
		passwordBody(strings.Repeat("x", 300), password, ""), tokenLogin("lbd1.x", ""),
	} {
		a := w.login(body)
		if a.status != 401 || a.header.Get("WWW-Authenticate") != `Keystone uri="http://lbd.example:9876/identity"` {
			t.Errorf("%.100s: %d %v", body, a.status, a.header)
		}
		if first == nil {
			first = a.body
		}
		if diff := cmp.Diff(first, a.body); diff != "" {
			t.Errorf("%.100s: %s", body, diff)
		}
	}
	if e := first["error"].(obj); e["code"] != 401.0 || e["title"] != "Unauthorized" || e["message"] == "" {
		t.Errorf("body: %v", first)
	}
}

func TestWhatIsNoLoginIs400(t *testing.T) {
	w := newWorld(t, deps.Config{})
	for body, want := range map[string]int{
		``: 400, `{}`: 400, `[]`: 400, `{"auth":`: 400, `{"auth":{"identity":{"methods":["password"]}}}`: 400,
		`{"auth":{"identity":{"methods":["password","totp"]}}}`:                                        400,
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":5}}}}}`:                400,
		`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{}}}}`:     400,
		`{"auth":{"identity":{"methods":["totp"],"totp":{}}}}`:                                         401,
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"x","password":"y"}}}}}`: 401,
	} {
		if a := w.login(body); a.status != want || a.body["error"].(obj)["code"] != float64(want) {
			t.Errorf("%s: %d %v, want %d", body, a.status, a.body, want)
		}
	}
}

func TestTokenForToken(t *testing.T) {
	w := newWorld(t, deps.Config{TokenTTL: time.Hour})
	unscoped := w.login(passwordBody("bob", password, `"unscoped"`))
	old := unscoped.header.Get("X-Subject-Token")
	if a := w.get(old, "/whoami"); a.status != 200 || a.body["project"] != "" || a.body["roles"] != nil {
		t.Errorf("unscoped: %v", a.body)
	}
	a := w.login(tokenLogin(old, `{"project":{"name":"demo"}}`))
	if a.status != 201 {
		t.Fatalf("rescope: %d %v", a.status, a.body)
	}
	was, now := unscoped.body["token"].(obj), a.body["token"].(obj)
	if now["expires_at"] != was["expires_at"] {
		t.Errorf("a token got for a token lives to %v, the old one to %v", now["expires_at"], was["expires_at"])
	}
	if diff := cmp.Diff([]any{"token", "password"}, now["methods"]); diff != "" {
		t.Error(diff)
	}
	if ids := now["audit_ids"].([]any); len(ids) != 2 || ids[1] != was["audit_ids"].([]any)[0] {
		t.Errorf("audit ids %v after %v", ids, was["audit_ids"])
	}
	rescoped := a.header.Get("X-Subject-Token")
	if a := w.get(rescoped, "/whoami"); a.status != 200 || a.body["user"] != "bob" || a.body["project"] != "demo" {
		t.Errorf("rescoped: %v", a.body)
	}
	// The first one ends those made from it.
	if a := w.do("DELETE", "/identity/v3/auth/tokens", "", "X-Auth-Token", old, "X-Subject-Token", old); a.status != 204 {
		t.Errorf("revoke: %d %v", a.status, a.body)
	}
	for _, token := range []string{old, rescoped} {
		if a := w.get(token, "/whoami"); a.status != 401 {
			t.Errorf("after revocation: %d", a.status)
		}
	}
	if a := w.login(tokenLogin(rescoped, "")); a.status != 401 {
		t.Errorf("login with a revoked token: %d", a.status)
	}
}

// TestGuessingIsLimited: and a guesser does not lock the user out. Its clock stands
// still while passwords are verified, which takes as long as the machine likes.
func TestGuessingIsLimited(t *testing.T) { synctest.Test(t, guessingIsLimited) }

func guessingIsLimited(t *testing.T) {
	w := newWorld(t, deps.Config{})
	try := func(from, user, pass string) int {
		t.Helper()
		return w.do("POST", "/v3/auth/tokens", passwordBody(user, pass, ""), "from", from).status
	}
	home := "192.0.2.1:1000"
	if got := try(home, "admin", password); got != 201 {
		t.Fatalf("first login: %d", got)
	}
	var wg sync.WaitGroup
	statuses := make([]int, 30)
	for i := range statuses {
		wg.Go(func() { statuses[i] = try("198.51.100.7:2000", "admin", "wrong") })
	}
	wg.Wait()
	seen := map[int]int{}
	for _, s := range statuses {
		seen[s]++
	}
	if seen[401] > 12 || seen[429] == 0 || seen[401]+seen[429] != 30 {
		t.Errorf("30 guesses at once: %v, want about 10 times 401, then 429", seen)
	}
	if got := try("198.51.100.7:2000", "admin", password); got != 429 {
		t.Errorf("the right password from the guesser: %d", got)
	}
	if got := try("198.51.100.7:2000", "bob", password); got != 201 {
		t.Errorf("another user from there: %d", got)
	}
	for i := range 60 {
		try("[2001:db8:"+string(rune('a'+i%6))+string(rune('a'+i/6%6))+string(rune('a'+i/36))+"::1]:3000", "admin", "wrong")
	}
	if got := try("203.0.113.9:4000", "admin", password); got != 429 {
		t.Errorf("a stranger after many guesses from everywhere: %d", got)
	}
	if got := try(home, "admin", password); got != 201 {
		t.Errorf("the user at home: %d", got)
	}
}

func TestBasicAndNoAuth(t *testing.T) {
	w := newWorld(t, deps.Config{})
	basic := func(w *world, user, pass string) answer {
		return w.do("GET", "/whoami", "", "Authorization", "Basic "+base64Of(user+":"+pass))
	}
	if a := basic(w, "admin", password); a.status != 200 || a.body["project"] != "admin" || a.body["unmetered"] != false {
		t.Errorf("basic: %d %v", a.status, a.body)
	}
	for _, c := range [][2]string{{"admin", "wrong"}, {"off", password}, {"nobody", ""}} {
		if a := basic(w, c[0], c[1]); a.status != 401 {
			t.Errorf("basic %v: %d", c, a.status)
		}
	}
	for _, token := range []string{"", "notused", "lbd1.AAAA"} {
		if a := w.get(token, "/whoami"); a.status != 401 {
			t.Errorf("token %q: %d", token, a.status)
		}
	}
	open := newWorld(t, deps.Config{NoAuth: true})
	for _, a := range []answer{open.get("notused", "/whoami"), open.do("GET", "/whoami", ""), basic(open, "x", "y")} {
		if a.status != 200 || a.body["user"] != "admin" || a.body["project"] != "admin" || a.body["unmetered"] != true {
			t.Errorf("no-auth: %d %v", a.status, a.body)
		}
	}
}

// A login gets the scope it asks for or none: what is not known here is no reason to
// give another one.
func TestScopesThatAreNone(t *testing.T) {
	w := newWorld(t, deps.Config{})
	for scope, want := range map[string]int{
		`{}`: 400, `{"OS-TRUST:trust":{"id":"x"}}`: 400, `{"project":{"name":"admin"},"domain":{"id":"default"}}`: 400, `{"system":{}}`: 400,
		`{"project":{"name":"admin"},"x":{}}`: 400, `[]`: 400, `"x"`: 400,
		`{"system":{"all":true}}`: 201, `{"unscoped":{}}`: 201, `"unscoped"`: 201, `null`: 201,
	} {
		a := w.login(passwordBody("admin", password, scope))
		if a.status != want || (a.header.Get("X-Subject-Token") != "") != (want == 201) {
			t.Errorf("%s: %d %v, want %d", scope, a.status, a.body, want)
		}
		if want != 201 {
			continue
		}
		if _, scoped := a.body["token"].(obj)["project"]; scoped == strings.Contains(scope, "unscoped") {
			t.Errorf("%s: %v", scope, a.body)
		}
	}
}

// FuzzLogin: no body makes the server fail or lets anybody in.
func FuzzLogin(f *testing.F) {
	for _, s := range []string{
		passwordBody("admin", "wrong", onAdmin), tokenLogin("lbd1.AAAA", `{"system":{"all":true}}`), `{"auth":{"scope":{}}}`,
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"","name":"admin","password":null,"domain":null}}}}}`, `{"auth":{"identity":{"methods":[""]}}}`,
	} {
		f.Add(s)
	}
	w := newWorld(f, deps.Config{})
	f.Fuzz(func(t *testing.T, body string) {
		w := *w
		w.t = t
		if a := w.login(body); a.status < 400 || a.status >= 500 || a.header.Get("X-Subject-Token") != "" {
			t.Errorf("%q: %d %v", body, a.status, a.body)
		}
	})
}
