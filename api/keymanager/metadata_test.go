package keymanager_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	s := w.text(member, "x")
	meta := s + "/metadata"
	is := func(want obj) {
		t.Helper()
		if d := cmp.Diff(obj{"metadata": want}, w.ok("p1:reader", "GET", meta, "", 200)); d != "" {
			t.Error(d)
		}
	}
	is(obj{})
	if out := w.ok(member, "PUT", meta, `{"metadata":{"Owner":"web team","access-limit":"11"}}`, 201); path(out["metadata_ref"]) != meta {
		t.Errorf("metadata_ref is %v", out)
	}
	is(obj{"owner": "web team", "access-limit": "11"})

	rec := w.raw(member, "POST", meta, `{"key":"Colour","value":"blue"}`)
	if rec.Code != 201 || !strings.HasSuffix(rec.Header().Get("Location"), meta+"/colour") {
		t.Errorf("POST: %d %s, Location %q", rec.Code, rec.Body, rec.Header().Get("Location"))
	}
	w.refused(member, "POST", meta, `{"key":"colour","value":"red"}`, 409, "Conflict. Key in request is already in the secret metadata")
	if d := cmp.Diff(obj{"key": "colour", "value": "blue"}, w.ok("p1:reader", "GET", meta+"/colour", "", 200)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(obj{"key": "colour", "value": "☃"}, w.ok(member, "PUT", meta+"/colour", `{"key":"colour","value":"☃"}`, 200)); d != "" {
		t.Error(d)
	}
	w.refused(member, "PUT", meta+"/colour", `{"key":"size","value":"1"}`, 409, "Key in request data does not match key in the request url.")
	for _, method := range []string{"GET", "DELETE"} {
		w.refused(member, method, meta+"/none", "", 404, "Secret metadata not found.")
	}
	w.refused(member, "PUT", meta+"/none", `{"key":"none","value":"1"}`, 404, "Secret metadata not found.")
	if rec := w.raw(member, "DELETE", meta+"/colour", ""); rec.Code != 204 || rec.Body.Len() != 0 {
		t.Errorf("DELETE: %d %s", rec.Code, rec.Body)
	}
	is(obj{"owner": "web team", "access-limit": "11"})

	// Rights are those of the secret.
	w.refused("p1:reader", "PUT", meta, `{"metadata":{}}`, 403, "Secret metadata creation"+notAllowed)
	w.refused("p2:member", "GET", meta, "", 403, "Secret metadata retrieval"+notAllowed)
	w.refused("p2:member", "DELETE", meta+"/owner", "", 403, "Secret metadatum removal"+notAllowed)
	w.refused(member, "GET", strings.Replace(meta, s, "secrets/99999999-9999-4999-8999-999999999999", 1), "", 404, "Secret not found.")

	many := []string{}
	for i := range 101 {
		many = append(many, fmt.Sprintf(`"k%d":""`, i))
	}
	all := func(reason string) string {
		return "Provided object does not match schema 'SecretMetadata': " + reason + ". Invalid property: 'metadata'"
	}
	for body, want := range map[string]string{
		`{}`:                             all("'metadata' is a required property"),
		`{"metadata":[]}`:                all("[] is not of type 'object'"),
		`{"metadata":{"a":5}}`:           all("the value of 'a', 5, is not of type 'string'"),
		`{"metadata":{"a":null}}`:        all("the value of 'a', null, is not of type 'string'"),
		`{"metadata":{"a b":"x"}}`:       all("the key 'a b' has not 1 to 255 of letters, digits, '-' and '_'"),
		`{"metadata":{"":"x"}}`:          all("the key '' has not 1 to 255 of letters, digits, '-' and '_'"),
		`{"metadata":{"a":"1","A":"2"}}`: all("'a' is given twice: keys are kept in lower case"),
		`{"metadata":{"a":"` + strings.Repeat("x", 256) + `"}}`: all("the value of 'a' is longer than 255 characters"),
		`{"metadata":{` + strings.Join(many, ",") + `}}`:        all("101 entries are too many, there may be 100"),
	} {
		w.refused(member, "PUT", meta, body, 400, want)
	}
	one := func(property, reason string) string {
		return "Provided object does not match schema 'SecretMetadatum': " + reason + ". Invalid property: '" + property + "'"
	}
	for body, want := range map[string]string{
		`{"value":"x"}`:                   one("key", "'key' is a required property"),
		`{"key":"a"}`:                     one("value", "'value' is a required property"),
		`{"key":"a","value":null}`:        one("value", "null is not of type 'string'"),
		`{"key":5,"value":""}`:            one("key", "5 is not of type 'string'"),
		`{"key":"ä","value":""}`:          one("key", "the key 'ä' has not 1 to 255 of letters, digits, '-' and '_'"),
		`{"key":"a","value":"","more":1}`: one("more", "Additional properties are not allowed ('more' was unexpected)"),
	} {
		w.refused(member, "POST", meta, body, 400, want)
	}
	is(obj{"owner": "web team", "access-limit": "11"})

	w.ok(member, "PUT", meta, `{"metadata":{}}`, 201)
	is(obj{})
}
