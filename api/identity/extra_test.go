package identity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
)

// TestExtraAttributes: what a client sends beside an object's own attributes is kept and
// shown as it came.
func TestExtraAttributes(t *testing.T) {
	w := newWorld(t, deps.Config{})
	admin := w.token("admin", "")
	for _, one := range []string{"domain", "project", "user", "group"} {
		path := one + "s"
		made := w.call(admin, "POST", path, `{"`+one+`":{"name":"extra","phone":"5","nested":{"a":[1,null,"\u2603"]},"flag":true,"nothing":null}}`, 201)[one].(obj)
		id := made["id"].(string)
		want := obj{"phone": "5", "nested": obj{"a": []any{1.0, nil, "☃"}}, "flag": true, "nothing": nil}
		has := func(from obj) {
			t.Helper()
			for name, v := range want {
				if got, has := from[name]; !has || cmp.Diff(v, got) != "" {
					t.Errorf("%s %s: %v, want %v", one, name, got, v)
				}
			}
		}
		has(made)
		has(w.call(admin, "GET", path+"/"+id, "", 200)[one].(obj))
		has(w.call(admin, "GET", path+"?name=extra", "", 200)[path].([]any)[0].(obj))

		want["phone"], want["more"] = nil, "x" // null is a value, what is not named stays
		has(w.call(admin, "PATCH", path+"/"+id, `{"`+one+`":{"phone":null,"more":"x"}}`, 200)[one].(obj))
		has(w.call(admin, "PATCH", path+"/"+id, `{"`+one+`":{"description":"d"}}`, 200)[one].(obj))
		if got := strings.Join(w.names(admin, path+"?more=y&name=extra", path), " "); got != "extra" {
			t.Errorf("%s are filtered by it: %q", path, got)
		}

		// Nothing of its own is hidden by it, and no secret shown.
		shown := w.call(admin, "PATCH", path+"/"+id, `{"`+one+`":{"links":"x","password_expires_at":"x","original_password":"secret"}}`, 200)[one].(obj)
		if _, is := shown["links"].(obj); !is || shown["password_expires_at"] == "x" || shown["original_password"] != nil {
			t.Errorf("%s: %v", one, shown)
		}
		for attrs, text := range map[string]string{
			`"long":"` + strings.Repeat("x", 9000) + `"`: "Invalid input for field 'long': an object's attributes besides its own have at most 8192 bytes together.",
			`"` + strings.Repeat("n", 256) + `":1`:       "Invalid input for field '" + strings.Repeat("n", 60) + "': the name of an attribute has 1 to 255 characters.",
		} {
			if m := message(w.call(admin, "PATCH", path+"/"+id, `{"`+one+`":{`+attrs+`}}`, 400)); m != text {
				t.Errorf("%s: %s", one, m)
			}
			if m := message(w.call(admin, "POST", path, `{"`+one+`":{"name":"other",`+attrs+`}}`, 400)); m != text {
				t.Errorf("%s: %s", one, m)
			}
		}
		has(w.call(admin, "GET", path+"/"+id, "", 200)[one].(obj))
	}
}
