package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
	"lbd/store"
)

func appLogin(fields string) string {
	return `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{` + fields + `}}}}`
}

const bobs = "users/b0b/application_credentials"

func TestApplicationCredentials(t *testing.T) {
	w := newWorld(t, deps.Config{TokenTTL: time.Hour})
	bob := w.token("bob", `{"project":{"name":"demo"}}`)
	cred := w.call(bob, "POST", bobs, `{"application_credential":{"name":"robot","description":"d","roles":[{"name":"reader"}],"expires_at":"2999-01-31T12:00:00"}}`, 201)["application_credential"].(obj)
	id, secret := cred["id"].(string), cred["secret"].(string)
	want := obj{
		"id": id, "secret": secret, "name": "robot", "description": "d", "project_id": "d3m0", "user_id": "b0b", "unrestricted": false, "system": nil,
		"roles": []any{obj{"id": string(w.role("reader")), "name": "reader", "domain_id": nil}}, "expires_at": "2999-01-31T12:00:00.000000",
		"links": obj{"self": "http://lbd.example:9876/identity/v3/users/b0b/application_credentials/" + id},
	}
	if diff := cmp.Diff(want, cred); diff != "" || len(secret) < 64 {
		t.Error(diff)
	}
	delete(want, "secret")
	if diff := cmp.Diff(want, w.call(bob, "GET", bobs+"/"+id, "", 200)["application_credential"]); diff != "" {
		t.Errorf("shown: %s", diff)
	}
	if diff := cmp.Diff([]any{want}, w.call(bob, "GET", bobs+"?name=robot", "", 200)["application_credentials"]); diff != "" {
		t.Errorf("listed: %s", diff)
	}
	w.st.Read(func(st *store.State) {
		for _, a := range st.AppCredentialsOf("b0b") {
			if strings.Contains(a.SecretHash, secret) || !strings.HasPrefix(a.SecretHash, "sha256$") {
				t.Errorf("stored as %s", a.SecretHash)
			}
		}
	})

	for _, login := range []string{
		appLogin(fmt.Sprintf(`"id":%q,"secret":%q`, id, secret)),
		appLogin(fmt.Sprintf(`"name":"robot","secret":%q,"user":{"name":"bob","domain":{"name":"Default"}}`, secret)),
		appLogin(fmt.Sprintf(`"name":"robot","secret":%q,"user":{"id":"b0b"}`, secret)),
	} {
		a := w.login(login)
		if a.status != 201 {
			t.Fatalf("%s: %d %v", login, a.status, a.body)
		}
		token := a.body["token"].(obj)
		if diff := cmp.Diff(obj{"id": id, "name": "robot", "restricted": true}, token["application_credential"]); diff != "" {
			t.Error(diff)
		}
		if token["project"].(obj)["name"] != "demo" || fmt.Sprint(token["methods"]) != "[application_credential]" {
			t.Errorf("token: %v", token)
		}
		if a := w.get(a.header.Get("X-Subject-Token"), "/whoami"); a.status != 200 || a.body["user"] != "bob" || fmt.Sprint(a.body["roles"]) != "[reader]" {
			t.Errorf("whoami: %d %v", a.status, a.body)
		}
	}
	robot := w.login(appLogin(fmt.Sprintf(`"id":%q,"secret":%q`, id, secret))).header.Get("X-Subject-Token")
	w.call(robot, "POST", bobs, `{"application_credential":{"name":"child"}}`, 403)
	w.call(robot, "DELETE", bobs+"/"+id, "", 403)
	if a := w.login(tokenLogin(robot, `{"project":{"name":"demo"}}`)); a.status != 401 {
		t.Errorf("rescoped: %d", a.status)
	}
	if a := w.login(tokenLogin(robot, "")); a.status != 201 || a.body["token"].(obj)["application_credential"] == nil {
		t.Errorf("a token for its token: %d %v", a.status, a.body)
	}
	for _, login := range []string{
		appLogin(fmt.Sprintf(`"id":%q,"secret":"wrong"`, id)), appLogin(`"id":"x","secret":"y"`), appLogin(fmt.Sprintf(`"name":"robot","secret":%q,"user":{"name":"admin"}`, secret)),
		strings.TrimSuffix(appLogin(fmt.Sprintf(`"id":%q,"secret":%q`, id, secret)), "}}") + `,"scope":{"project":{"id":"d3m0"}}}}`,
		strings.TrimSuffix(appLogin(fmt.Sprintf(`"id":%q,"secret":%q`, id, secret)), "}}") + `,"scope":"unscoped"}}`,
	} {
		if a := w.login(login); a.status != 401 {
			t.Errorf("%s: %d %v", login, a.status, a.body)
		}
	}
	w.call(bob, "DELETE", bobs+"/"+id, "", 204)
	if a := w.get(robot, "/whoami"); a.status != 401 {
		t.Errorf("its token after the deletion: %d", a.status)
	}
	w.call(bob, "GET", bobs+"/"+id, "", 404)
}

func TestApplicationCredentialsOfOnesOwn(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin, bob := w.token("admin", ""), w.token("bob", `{"project":{"name":"demo"}}`)
	cred := w.call(bob, "POST", bobs, `{"application_credential":{"name":"free","secret":"chosen","unrestricted":true,"access_rules":[]}}`, 201)["application_credential"].(obj)
	if cred["secret"] != "chosen" || len(cred["roles"].([]any)) != 2 || cred["unrestricted"] != true || cred["expires_at"] != nil {
		t.Errorf("%v", cred)
	}
	free := w.login(appLogin(fmt.Sprintf(`"id":%q,"secret":"chosen"`, cred["id"]))).header.Get("X-Subject-Token")
	w.call(free, "POST", bobs, `{"application_credential":{"name":"child"}}`, 201)
	w.call(bob, "POST", bobs, `{"application_credential":{"name":"free"}}`, 409)
	w.call(admin, "POST", bobs, `{"application_credential":{"name":"x"}}`, 403) // not even an admin makes another's
	w.call(admin, "GET", bobs, "", 200)
	w.call(w.token("bob", `"unscoped"`), "POST", bobs, `{"application_credential":{"name":"x"}}`, 400)
	for body, want := range map[string]string{
		`{"application_credential":{"name":"x","roles":[{"name":"admin"}]}}`:                   "The role \"admin\" is not one that the token in use has.",
		`{"application_credential":{"name":"x","roles":"reader"}}`:                             "Invalid input for field 'roles'",
		`{"application_credential":{"name":"x","expires_at":"2001-01-01T00:00:00"}}`:           "is in the past",
		`{"application_credential":{"name":"x","expires_at":"soon"}}`:                          "is not a time",
		`{"application_credential":{"name":"x","secret":""}}`:                                  "Invalid input for field 'secret'",
		`{"application_credential":{"secret":"x"}}`:                                            "'name' is a required property",
		`{"application_credential":{"name":"x","unrestricted":"no"}}`:                          "Invalid input for field 'unrestricted'",
		`{"application_credential":{"name":"x","access_rules":[{"path":"/","method":"GET"}]}}`: "access rules",
	} {
		status := 400
		if strings.Contains(body, "access_rules") {
			status = 501
		}
		if m := message(w.call(bob, "POST", bobs, body, status)); !strings.Contains(m, want) {
			t.Errorf("%s: %s", body, m)
		}
	}
	// A role lost takes them along, as with Keystone.
	w.call(admin, "DELETE", "projects/d3m0/users/b0b/roles/"+string(w.role("member")), "", 204)
	if a := w.get(free, "/whoami"); a.status != 401 {
		t.Errorf("a credential's token after its role went: %d", a.status)
	}
	if list := w.call(admin, "GET", bobs, "", 200)["application_credentials"].([]any); len(list) != 0 {
		t.Errorf("left: %v", list)
	}
}

func TestGuessingSecretsIsLimited(t *testing.T) {
	w := newWorld(t, deps.Config{})
	seen := map[int]int{}
	for range 14 {
		a := w.login(appLogin(`"id":"x","secret":"y"`))
		if seen[a.status]++; a.status == 429 && a.header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	if seen[401] < 10 || seen[429] == 0 {
		t.Errorf("14 guesses: %v", seen)
	}
}
