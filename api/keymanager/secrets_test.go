package keymanager_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"lbd/store/model"
)

func TestSecretInOneStep(t *testing.T) {
	w := newWorld(t)
	s := w.store(member, `{"name":" key ","secret_type":"private","algorithm":"rsa","bit_length":2048,"mode":"cbc",
		"expiration":"2099-01-02T03:04:05","payload":"hello","payload_content_type":"text/plain; charset=utf-8"}`)
	v := w.ok(member, "GET", s, "", 200, "Accept: application/json")
	shown := obj{
		"name": "key", "secret_type": "private", "algorithm": "rsa", "bit_length": float64(2048), "mode": "cbc", "status": "ACTIVE",
		"expiration": "2099-01-02T03:04:05.000000", "creator_id": "u-p1", "secret_ref": "http://lbd.example:9876" + s,
	}
	for k, want := range shown {
		if v[k] != want {
			t.Errorf("%s is %v, want %v", k, v[k], want)
		}
	}
	if ct := v["content_types"].(obj)["default"]; ct != "text/plain" {
		t.Errorf("content type %v", ct)
	}
	if _, shown := v["payload"]; shown {
		t.Error("metadata shows the payload")
	}
	for _, accept := range []string{"text/plain", "*/*", "application/octet-stream"} {
		if rec := w.raw(member, "GET", s+"/payload", "", "Accept: "+accept); rec.Code != 200 || rec.Body.String() != "hello" {
			t.Errorf("payload as %s: %d %q", accept, rec.Code, rec.Body)
		}
	}
	if rec := w.raw(member, "GET", s, "", "Accept: text/plain"); rec.Body.String() != "hello" {
		t.Errorf("payload in the old way: %d %q", rec.Code, rec.Body)
	}
	w.refused(member, "GET", s+"/payload", "", 406, "Secret payload retrieval issue seen - accept not supported.", "Accept: application/pkcs8")
	if rec := w.raw(member, "DELETE", s, ""); rec.Code != 204 {
		t.Errorf("delete: %d %s", rec.Code, rec.Body)
	}
	w.refused(member, "GET", s, "", 404, "Secret not found.")
}

func TestSecretInTwoSteps(t *testing.T) {
	w := newWorld(t)
	s := w.store(member, `{}`)
	w.refused(member, "GET", s+"/payload", "", 404, "Not Found. Sorry but your secret has no payload.")
	w.refused(member, "PUT", s, "{}", 415, "Content-Type of 'application/json' is not supported for PUT.", "Content-Type: application/json")
	w.refused(member, "PUT", s, "", 400, "No data supplied to process.", "Content-Type: text/plain")
	w.refused(member, "PUT", s, "?", 400, "Unable to decode request data.", "Content-Type: application/octet-stream", "Content-Encoding: base64")
	w.refused("p1:reader", "PUT", s, "x", 403, "Secret update attempt not allowed - please review your user/project privileges", "Content-Type: text/plain")
	raw := "\x00\xff binary [[[["
	if rec := w.raw(member, "PUT", s, raw, "Content-Type: application/octet-stream"); rec.Code != 204 {
		t.Fatalf("put: %d %s", rec.Code, rec.Body)
	}
	w.refused(member, "PUT", s, "x", 409, "Secret already has data, cannot modify it.", "Content-Type: text/plain")
	if rec := w.raw(member, "GET", s+"/payload", ""); rec.Body.String() != raw {
		t.Errorf("payload %q", rec.Body)
	}
}

func TestBase64(t *testing.T) {
	w := newWorld(t)
	bundle := bytes.Repeat([]byte{0, 1, 2, 0xff}, 100)
	s := w.store(member, fmt.Sprintf(`{"payload":"%s","payload_content_type":"application/octet-stream","payload_content_encoding":"base64"}`,
		base64.StdEncoding.EncodeToString(bundle)))
	if rec := w.raw(member, "GET", s+"/payload", "", "Accept: application/octet-stream"); !bytes.Equal(rec.Body.Bytes(), bundle) {
		t.Errorf("payload of %d bytes", rec.Body.Len())
	}
}

func TestBadSecretsAreRefused(t *testing.T) {
	w := newWorld(t)
	bad := func(property, reason string) string {
		return "Provided object does not match schema 'Secret': " + reason + ". Invalid property: '" + property + "'"
	}
	for body, want := range map[string]string{
		`[]`:              "Malformed JSON",
		`{`:               "Malformed JSON",
		`{"payload":"x"}`: bad("payload_content_type", "If 'payload' is supplied, 'payload_content_type' must also be supplied."),
		`{"payload":"","payload_content_type":"text/plain"}`:                                                    bad("payload", "If 'payload' specified, must be non empty"),
		`{"payload":"x","payload_content_type":"text/html"}`:                                                    bad("payload_content_type", "payload_content_type is not one of ['text/plain', 'text/plain;charset=utf-8', 'application/octet-stream', 'application/pkcs8', 'application/pkix-cert']"),
		`{"payload":"x","payload_content_type":"application/octet-stream"}`:                                     bad("payload_content_encoding", "payload_content_encoding is not one of ['base64']"),
		`{"payload":"!","payload_content_type":"application/octet-stream","payload_content_encoding":"base64"}`: bad("payload", "Invalid payload for payload_content_encoding"),
		`{"payload_content_type":"text/plain"}`:                                                                 bad("payload", "payload must be provided when payload_content_type is specified"),
		`{"expiration":"yesterday"}`:                                                                            bad("expiration", "Invalid date for 'expiration'"),
		`{"expiration":"2001-01-01T00:00:00Z"}`:                                                                 bad("expiration", "'expiration' is before current time"),
		`{"bit_length":0.5}`:                                                                                    bad("bit_length", "0.5 is not of type 'integer'"),
		`{"bit_length":-1}`:                                                                                     bad("bit_length", "-1 is not from 1 to 32767"),
		`{"secret_type":"x"}`:                                                                                   bad("secret_type", "'x' is not one of ['symmetric', 'passphrase', 'private', 'public', 'certificate', 'opaque']"),
		`{"name":1}`:                                                                                            bad("name", "1 is not of type 'string'"),
		`{"name":"` + strings.Repeat("n", 256) + `"}`:                                                           bad("name", "256 characters are too long"),
	} {
		w.refused(member, "POST", "secrets", body, 400, want)
	}
	w.refused(member, "POST", "secrets", `{"payload":"`+strings.Repeat("x", model.MaxSecretPayload+1)+`","payload_content_type":"text/plain"}`,
		413, "Provided information too large to process: a payload has at most 65536 bytes")
	if len(w.log) != 0 {
		t.Errorf("%d entries were written", len(w.log))
	}
	w.refused(member, "GET", "secrets/nonsense", "", 404, "Not Found. Provided secret id is invalid.")
	w.refused(member, "POST", "orders", `{"type":"key"}`, 501, "Orders are not served: make the key or certificate yourself and store it as a secret.")
}

// Nothing that a node writes holds a payload in clear.
func TestEntriesHoldCiphertextOnly(t *testing.T) {
	w := newWorld(t)
	w.text(member, "PLAINTEXT-KEY")
	two := w.store(member, `{}`)
	w.raw(member, "PUT", two, "PLAINTEXT-KEY", "Content-Type: text/plain")
	var snapshot bytes.Buffer
	if err := w.st.Snapshot().Write(&snapshot); err != nil {
		t.Fatal(err)
	}
	for _, b := range append(w.log, snapshot.Bytes()) {
		for _, form := range []string{"PLAINTEXT-KEY", base64.StdEncoding.EncodeToString([]byte("PLAINTEXT-KEY"))[:12]} {
			if bytes.Contains(b, []byte(form)) {
				t.Errorf("%s is in %.300s", form, b)
			}
		}
	}
}

func TestListing(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.store(member, fmt.Sprintf(`{"name":"s%02d","algorithm":"a%d","bit_length":%d}`, i, i%2, i+1))
	}
	w.store("p2:member", `{"name":"foreign"}`)
	list := func(query string) (names []string, out obj) {
		t.Helper()
		out = w.ok(member, "GET", "secrets"+query, "", 200)
		for _, s := range out["secrets"].([]any) {
			names = append(names, s.(obj)["name"].(string))
		}
		return names, out
	}
	names, out := list("")
	if len(names) != 10 || names[0] != "s00" || out["total"] != 25.0 || out["previous"] != nil ||
		out["next"] != "http://lbd.example:9876/key-manager/v1/secrets?limit=10&offset=10" {
		t.Errorf("first page %v, next %v, total %v", names, out["next"], out["total"])
	}
	names, out = list("?limit=10&offset=20&alg=")
	if len(names) != 5 || out["next"] != nil || out["previous"] != "http://lbd.example:9876/key-manager/v1/secrets?limit=10&offset=10&alg=" {
		t.Errorf("last page %v, previous %v", names, out["previous"])
	}
	if names, _ = list("?name=s07"); len(names) != 1 {
		t.Errorf("by name: %v", names)
	}
	if names, _ = list("?alg=a1&limit=100&sort=name:desc"); len(names) != 12 || names[0] != "s23" {
		t.Errorf("by algorithm, sorted: %v", names)
	}
	if names, _ = list("?bits=3"); len(names) != 1 || names[0] != "s02" {
		t.Errorf("by bits: %v", names)
	}
	if names, _ = list("?created=gt:2001-01-01T00:00:00,lt:2002-01-01T00:00:00"); len(names) != 0 {
		t.Errorf("by time: %v", names)
	}
	for _, q := range []string{"created=now", "sort=payload", "sort=name:up"} {
		w.refused(member, "GET", "secrets?"+q, "", 400, "URI provided invalid query string parameters.")
	}
}
