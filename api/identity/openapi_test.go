package identity_test

import (
	"slices"
	"strings"
	"testing"

	"lbd/api/deps"
)

// TestDescription: /v1/openapi.json says what requests may have and answers have.
func TestDescription(t *testing.T) {
	w := newWorld(t, deps.Config{})
	d := w.do("GET", "/v1/openapi.json", "").body
	follow := func(s any) obj {
		o, _ := s.(obj)
		ref, _ := o["$ref"].(string)
		if name, ok := strings.CutPrefix(ref, "#/components/schemas/"); ok {
			return d["components"].(obj)["schemas"].(obj)[name].(obj)
		}
		return o
	}
	properties := func(of any) obj {
		o, _ := of.(obj)
		content, _ := o["content"].(obj)
		json, _ := content["application/json"].(obj)
		props, _ := follow(json["schema"])["properties"].(obj)
		return props
	}
	asked, answered := 0, 0
	refused := []string{"services", "endpoints", "regions"}                      // 501, whatever is asked
	absent := []string{"credentials", "policies", "limits", "registered_limits"} // of these, and of extensions, there is nothing
	for path, ops := range d["paths"].(obj) {
		tail, ok := strings.CutPrefix(path, "/v3/")
		noun, rest, _ := strings.Cut(tail, "/")
		if !ok || slices.Contains(absent, noun) || strings.Contains(tail, "OS-") {
			continue
		}
		for method, op := range ops.(obj) {
			if (method == "post" || method == "patch") && !slices.Contains(refused, noun) {
				asked++
				if len(properties(op.(obj)["requestBody"])) == 0 {
					t.Errorf("%s %s: no request", method, path)
				}
			}
			plain := !slices.Contains([]string{"auth", "role_assignments", "role_inferences"}, noun) && (rest == "" || rest == "{id}")
			if plain && method == "get" {
				answered++
				if len(properties(op.(obj)["responses"].(obj)["2XX"])) == 0 {
					t.Errorf("%s %s: no answer", method, path)
				}
			}
		}
	}
	if asked != 13 || answered != 16 {
		t.Errorf("%d requests and %d answers", asked, answered)
	}
	request := func(method, path string) obj {
		t.Helper()
		return properties(d["paths"].(obj)["/v3/"+path].(obj)[method].(obj)["requestBody"])
	}
	user := request("post", "users")["user"].(obj)
	if need, _ := user["required"].([]any); !slices.Equal(need, []any{"name"}) || user["properties"].(obj)["password"] == nil {
		t.Errorf("a user: %v", user)
	}
	if p := request("patch", "projects/{id}")["project"].(obj)["properties"].(obj); p["tags"] == nil || p["enabled"].(obj)["type"] != "boolean" {
		t.Errorf("a project: %v", p)
	}
	login := request("post", "auth/tokens")["auth"].(obj)["properties"].(obj)
	if login["identity"].(obj)["properties"].(obj)["methods"] == nil || login["scope"] == nil {
		t.Errorf("a login: %v", login)
	}
	credential := request("post", "users/{id}/application_credentials")["application_credential"].(obj)["properties"].(obj)
	if credential["roles"] == nil || credential["expires_at"] == nil {
		t.Errorf("an application credential: %v", credential)
	}
}
