package keymanager_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const notAllowed = " attempt not allowed - please review your user/project privileges"

func TestProjectsAreIsolated(t *testing.T) {
	w := newWorld(t)
	s := w.text(member, "x")
	for _, token := range []string{"p2:member", "p2:load-balancer_member", "p1:nobody"} {
		w.refused(token, "GET", s, "", 403, "Secret retrieval"+notAllowed)
		w.refused(token, "GET", s+"/payload", "", 403, "Secret payload retrieval"+notAllowed)
		w.refused(token, "DELETE", s, "", 403, "Secret deletion"+notAllowed)
		w.refused(token, "PUT", s+"/acl", `{"read":{"users":["u-p2"]}}`, 403, "SecretACL(s) Update"+notAllowed)
	}
	w.refused("p1:reader", "POST", "secrets", `{}`, 403, "Secret creation"+notAllowed)
	w.refused("p1:reader", "GET", s+"/payload", "", 403, "Secret payload retrieval"+notAllowed)
	w.refused("p2:admin", "GET", s+"/payload", "", 403, "Secret payload retrieval"+notAllowed)
	w.ok("p1:reader", "GET", s, "", 200)
	w.ok("p2:admin", "GET", s, "", 200)
	if rec := w.raw("", "GET", s, ""); rec.Code != 401 {
		t.Errorf("without a token: %d", rec.Code)
	}
}

// Who reads in the project sees secrets, containers and what is noted of them, and
// changes none; who is in another project does not see them.
func TestEveryRouteAsksForTheRight(t *testing.T) {
	w := newWorld(t)
	s := w.text(member, "x")
	x := path(w.ok(member, "POST", "containers", `{"type":"generic"}`, 201)["container_ref"])
	w.ok(member, "PUT", s+"/metadata", `{"metadata":{"owner":"a"}}`, 201)
	entry, secretUse, use := `{"key":"owner","value":"b"}`, `{"service":"a","resource_type":"b","resource_id":"c"}`, `{"name":"a","URL":"b"}`
	for _, r := range []struct {
		method, path, body, what string
		reads                    bool
	}{
		{"GET", s, "", "Secret retrieval", true},
		{"DELETE", s, "", "Secret deletion", false},
		{"GET", s + "/payload", "", "Secret payload retrieval", false},
		{"GET", s + "/acl", "", "SecretACL(s) retrieval", true},
		{"PUT", s + "/acl", `{"read":{}}`, "SecretACL(s) Update", false},
		{"PATCH", s + "/acl", `{"read":{}}`, "SecretACL(s) Update", false},
		{"DELETE", s + "/acl", "", "SecretACL(s) deletion", false},
		{"GET", s + "/metadata", "", "Secret metadata retrieval", true},
		{"PUT", s + "/metadata", `{"metadata":{}}`, "Secret metadata creation", false},
		{"POST", s + "/metadata", entry, "Secret metadatum creation", false},
		{"GET", s + "/metadata/owner", "", "Secret metadatum retrieval", true},
		{"PUT", s + "/metadata/owner", entry, "Secret metadatum update", false},
		{"DELETE", s + "/metadata/owner", "", "Secret metadatum removal", false},
		{"GET", s + "/consumers", "", "SecretConsumer(s) retrieval", true},
		{"POST", s + "/consumers", secretUse, "SecretConsumer creation", false},
		{"DELETE", s + "/consumers", secretUse, "SecretConsumer deletion", false},
		{"GET", x, "", "Container retrieval", true},
		{"DELETE", x, "", "Container deletion", false},
		{"POST", x + "/secrets", `{"name":"a","secret_ref":"` + s + `"}`, "Container Secret creation", false},
		{"DELETE", x + "/secrets", `{"name":"a","secret_ref":"` + s + `"}`, "Container Secret deletion", false},
		{"GET", x + "/acl", "", "ContainerACL(s) retrieval", true},
		{"PUT", x + "/acl", `{"read":{}}`, "ContainerACL(s) Update", false},
		{"GET", x + "/consumers", "", "ContainerConsumers(s) retrieval", true},
		{"POST", x + "/consumers", use, "ContainerConsumer creation", false},
		{"DELETE", x + "/consumers", use, "ContainerConsumer deletion", false},
	} {
		w.refused("p2:member", r.method, r.path, r.body, 403, r.what+notAllowed)
		if r.reads {
			w.ok("p1:reader", r.method, r.path, r.body, 200)
		} else {
			w.refused("p1:reader", r.method, r.path, r.body, 403, r.what+notAllowed)
		}
	}
}

func TestAccessListOpensAndCloses(t *testing.T) {
	w := newWorld(t)
	s := w.text("p1:member:owner", "hello")
	acl := func() obj { return w.ok("p1:member:owner", "GET", s+"/acl", "", 200)["read"].(obj) }
	if d := cmp.Diff(obj{"project-access": true}, acl()); d != "" {
		t.Error(d)
	}
	out := w.ok("p1:member:owner", "PUT", s+"/acl", `{"read":{"users":["friend"],"project-access":false}}`, 200)
	if path(out["acl_ref"]) != s+"/acl" {
		t.Errorf("acl ref %v", out)
	}
	read := func(token string, want int) {
		t.Helper()
		if rec := w.raw(token, "GET", s+"/payload", ""); rec.Code != want {
			t.Errorf("%s gets %d, want %d", token, rec.Code, want)
		}
	}
	read("p2:member:friend", 200)
	read("p2:member:other", 403)
	read("p1:member:other", 403)
	read("p1:member:owner", 200)
	w.refused("p2:member:friend", "DELETE", s, "", 403, "Secret deletion"+notAllowed)
	if total := w.ok("p1:member:other", "GET", "secrets", "", 200)["total"]; total != 0.0 {
		t.Errorf("others of the project see %v private secrets", total)
	}
	if total := w.ok("p2:member:friend", "GET", "secrets?acl_only=true", "", 200)["total"]; total != 1.0 {
		t.Errorf("the friend finds %v", total)
	}
	w.ok("p1:member:owner", "PATCH", s+"/acl", `{"read":{"project-access":true}}`, 200)
	read("p1:member:other", 200)
	read("p2:member:friend", 200) // a patch leaves the users
	w.ok("p1:member:owner", "PUT", s+"/acl", `{"read":{"users":[]}}`, 200)
	read("p2:member:friend", 403)
	w.ok("p1:member:owner", "DELETE", s+"/acl", "", 200)
	if d := cmp.Diff(obj{"project-access": true}, acl()); d != "" {
		t.Error(d)
	}
	bad := func(property, reason string) string {
		return "Provided object does not match schema 'ACL': " + reason + ". Invalid property: '" + property + "'"
	}
	for body, want := range map[string]string{
		`{"write":{}}`:                        bad("write", "Additional properties are not allowed ('write' was unexpected)"),
		`{"read":[]}`:                         bad("read", "[] is not of type 'object'"),
		`{"read":{"users":"x"}}`:              bad("users", `"x" is not of type 'array' of strings`),
		`{"read":{"users":[null]}}`:           bad("users", "an entry is not a string of at most 255 characters"),
		`{"read":{"project-access":"maybe"}}`: bad("project-access", `"maybe" is not of type 'boolean'`),
		`{"read":{"groups":[]}}`:              bad("groups", "Additional properties are not allowed ('groups' was unexpected)"),
	} {
		w.refused("p1:member:owner", "PUT", s+"/acl", body, 400, want)
	}
}

func TestContainers(t *testing.T) {
	w := newWorld(t)
	cert, key, foreign := w.text(member, "c"), w.text(member, "k"), w.text("p2:member", "f")
	ref := func(name, s string) string {
		return `{"name":"` + name + `","secret_ref":"https://other-node:1` + s + `"}`
	}
	made := w.ok(member, "POST", "containers", `{"name":"tls","type":"certificate","secret_refs":[`+ref("certificate", cert)+`,`+ref("private_key", key)+`]}`, 201)
	x := path(made["container_ref"])
	v := w.ok(member, "GET", x, "", 200)
	want := []any{
		obj{"name": "certificate", "secret_ref": "http://lbd.example:9876" + cert},
		obj{"name": "private_key", "secret_ref": "http://lbd.example:9876" + key},
	}
	if d := cmp.Diff(want, v["secret_refs"]); d != "" || v["type"] != "certificate" || v["name"] != "tls" {
		t.Errorf("%v %s", v, d)
	}
	bad := func(property, reason string) string {
		return "Provided object does not match schema 'Container': " + reason + ". Invalid property: '" + property + "'"
	}
	for body, want := range map[string]string{
		`{}`:           bad("type", "'type' is a required property"),
		`{"type":"x"}`: bad("type", "'x' is not one of ['generic', 'rsa', 'certificate']"),
		`{"type":"certificate","secret_refs":[` + ref("private_key", key) + `]}`:                            bad("secret_refs", "the minimum required reference names are [certificate] for certificate type"),
		`{"type":"certificate","secret_refs":[` + ref("certificate", cert) + `,` + ref("other", key) + `]}`: bad("secret_refs", "only [certificate private_key private_key_passphrase intermediates] reference names are allowed for certificate type"),
		`{"type":"generic","secret_refs":[` + ref("a", cert) + `,` + ref("a", key) + `]}`:                   bad("secret_refs", "Duplicate reference names are not allowed"),
		`{"type":"generic","secret_refs":[` + ref("a", cert) + `,` + ref("b", cert) + `]}`:                  bad("secret_refs", "Duplicate secret ids are not allowed"),
		`{"type":"generic","secret_refs":[{"secret_ref":"x"}]}`:                                             bad("secret_ref", "'x' does not end with the id of a secret"),
	} {
		w.refused(member, "POST", "containers", body, 400, want)
	}
	w.refused(member, "POST", "containers", `{"type":"generic","secret_refs":[`+ref("a", foreign)+`]}`, 403, "Container creation"+notAllowed)
	w.refused("p2:member", "GET", x, "", 403, "Container retrieval"+notAllowed)
	w.refused(member, "POST", x+"/secrets", ref("b", cert), 400, "Only 'generic' containers can be modified.")

	g := path(w.ok(member, "POST", "containers", `{"type":"generic"}`, 201)["container_ref"])
	w.ok(member, "POST", g+"/secrets", ref("b", cert), 201)
	if total := w.ok(member, "GET", "containers?type=generic", "", 200)["total"]; total != 1.0 {
		t.Errorf("%v generic containers", total)
	}
	w.ok(member, "DELETE", g+"/secrets", ref("b", cert), 204)
	w.ok(member, "DELETE", g, "", 204)
	w.refused(member, "GET", g, "", 404, "Secrets container not found.")
}

func TestConsumers(t *testing.T) {
	w := newWorld(t)
	s := w.text(member, "x")
	use := `{"service":"load-balancer","resource_type":"listener","resource_id":"l1"}`
	v := w.ok(member, "POST", s+"/consumers", use, 200, "OpenStack-API-Version: key-manager 1.1")
	if d := cmp.Diff([]any{obj{"service": "load-balancer", "resource_type": "listener", "resource_id": "l1"}}, v["consumers"]); d != "" {
		t.Error(d)
	}
	if _, shown := w.ok(member, "GET", s, "", 200)["consumers"]; shown {
		t.Error("a client of version 1.0 is shown consumers, on which it fails")
	}
	w.refused(member, "DELETE", s+"?force=false", "", 409, "Secret cannot be deleted as it has consumers.")
	if total := w.ok(member, "GET", s+"/consumers", "", 200)["total"]; total != 1.0 {
		t.Errorf("%v consumers", total)
	}
	w.ok(member, "DELETE", s+"/consumers", use, 200)
	w.refused(member, "DELETE", s+"/consumers", use, 404, "Consumer not found.")

	x := path(w.ok(member, "POST", "containers", `{"type":"generic"}`, 201)["container_ref"])
	v = w.ok(member, "POST", x+"/consumers", `{"name":"lb","URL":"lbaas://x"}`, 200)
	if d := cmp.Diff([]any{obj{"name": "lb", "URL": "lbaas://x"}}, v["consumers"]); d != "" {
		t.Error(d)
	}
	w.refused(member, "POST", x+"/consumers", `{"name":"lb"}`, 400, "Provided object does not match schema 'Consumer': 'URL' is a required property. Invalid property: 'URL'")
	w.ok(member, "DELETE", x+"/consumers", `{"name":"lb","URL":"lbaas://x"}`, 200)
}
