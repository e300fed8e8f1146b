package octavia_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/internal/testutil/pki"
	"lbd/store"
	"lbd/store/model"
)

// plain seals nothing.
type plain struct{}

func (plain) Seal(_ string, b []byte) ([]byte, error)   { return b, nil }
func (plain) Open(_ string, box []byte) ([]byte, error) { return box, nil }

// secret stores a payload for a project and returns its ref, which names a node
// that does not exist: only the id counts.
func (w *contractWorld) secret(project model.ProjectID, payload []byte) string {
	w.t.Helper()
	w.keys++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", w.keys)
	w.apply(store.SecretCreate, &model.Secret{
		ID: model.SecretID(id), Record: model.Record{Project: project}, Type: "opaque", ContentType: "application/octet-stream", Sealed: payload,
	})
	return "https://elsewhere:9311/v1/secrets/" + id
}

func (w *contractWorld) container(refs map[string]string) string {
	w.t.Helper()
	w.keys++
	x := &model.Container{
		ID:     model.ContainerID(fmt.Sprintf("00000000-0000-4000-8000-%012d", w.keys)),
		Record: model.Record{Project: w.admin.Project}, Type: "certificate",
	}
	for name, ref := range refs {
		id, _ := model.KeyID(ref)
		x.Secrets = append(x.Secrets, model.SecretRef{Name: name, Secret: model.SecretID(id)})
	}
	w.apply(store.ContainerCreate, x)
	return "http://lbd.example:9876/key-manager/v1/containers/" + string(x.ID)
}

// tlsWorld is a load balancer with all sorts of keys.
type tlsWorld struct {
	*contractWorld
	words *strings.Replacer
}

func newTLSWorld(t *testing.T) *tlsWorld {
	w := newContractWorld(t)
	ca, foreign := pki.NewCA(t, "ca"), pki.NewCA(t, "foreign")
	web, other := ca.ECDSA("web"), ca.ECDSA("other")
	mine := w.admin.Project
	cert, key := w.secret(mine, web.CertPEM()), w.secret(mine, web.KeyPEM(t))
	return &tlsWorld{w, strings.NewReplacer(
		"$lb", w.loadBalancer("lb"),
		"$bundle", w.secret(mine, web.PKCS12(t, "")), "$locked", w.secret(mine, web.PKCS12(t, "phrase")),
		"$box", w.container(map[string]string{"certificate": cert, "private_key": key}),
		"$mixed", w.container(map[string]string{"certificate": cert, "private_key": w.secret(mine, other.KeyPEM(t))}),
		"$theirs", w.secret("another", web.PKCS12(t, "")), "$text", w.secret(mine, []byte("text")),
		"$ca", w.secret(mine, ca.PEM()), "$crl", w.secret(mine, ca.CRL(time.Hour, other)), "$odd", w.secret(mine, foreign.CRL(time.Hour)),
	)}
}

func (w *tlsWorld) refused(token, method, path, key, attrs string, status int, text string) {
	w.t.Helper()
	got, out := w.ask(token, method, base+path, w.words.Replace(`{"`+key+`":{`+attrs+`}}`))
	if got != status || out["faultstring"] != w.words.Replace(text) {
		w.t.Errorf("%s %s %s:\n got %d %v\nwant %d %s", method, path, attrs, got, out["faultstring"], status, text)
	}
}

func (w *tlsWorld) shows(got object, want string) {
	w.t.Helper()
	for k, v := range decoded(w.t, w.words.Replace(want)) {
		if d := cmp.Diff(v, got[k]); d != "" {
			w.t.Errorf("%s: %s", k, d)
		}
	}
}

func decoded(t testing.TB, s string) object {
	t.Helper()
	out := object{}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTerminatedHTTPSListeners(t *testing.T) {
	w := newTLSWorld(t)
	l := w.make("listeners", "listener", w.words.Replace(`{"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":443,"default_tls_container_ref":"$bundle"}`))
	const defaults = `"tls_ciphers":"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305",
		"tls_versions":["TLSv1.2","TLSv1.3"],"alpn_protocols":["h2","http/1.1","http/1.0"]`
	w.shows(l, `{"default_tls_container_ref":"$bundle","sni_container_refs":[],"client_authentication":"NONE","client_ca_tls_container_ref":null,
		"hsts_max_age":null,"hsts_preload":false,"provisioning_status":"ACTIVE",`+defaults+`}`)
	path := "listeners/" + idOf(l)
	change := func(attrs string) object {
		t.Helper()
		return w.does(200, "PUT", path, "listener", w.words.Replace(`{"listener":{`+attrs+`}}`))
	}
	w.shows(change(`"sni_container_refs":["$box"],"client_ca_tls_container_ref":"$ca","client_crl_container_ref":"$crl","client_authentication":"MANDATORY",
		"tls_versions":["TLSv1.3"],"alpn_protocols":["http/1.1"],"tls_ciphers":"HIGH:!aNULL","hsts_max_age":0,"hsts_preload":true`),
		`{"default_tls_container_ref":"$bundle","sni_container_refs":["$box"],"client_ca_tls_container_ref":"$ca","client_crl_container_ref":"$crl",
		"client_authentication":"MANDATORY","tls_versions":["TLSv1.3"],"alpn_protocols":["http/1.1"],"tls_ciphers":"HIGH:!aNULL","hsts_max_age":0,"hsts_preload":true}`)
	w.shows(change(`"name":"n"`), `{"client_authentication":"MANDATORY","tls_ciphers":"HIGH:!aNULL"}`)
	w.shows(change(`"tls_versions":null,"alpn_protocols":null,"tls_ciphers":null`), `{`+defaults+`}`)
	w.shows(change(`"client_authentication":null,"client_ca_tls_container_ref":"$ca"`), `{"client_authentication":"NONE"}`)

	invalidly := "Validation failure: "
	put := func(text, attrs string) {
		t.Helper()
		w.refused("admin", "PUT", path, "listener", attrs, 400, invalidly+text)
	}
	put("Cannot enable hsts_include_subdomains or hsts_preload if hsts_max_age was not set as well.", `"hsts_max_age":null`)
	change(`"hsts_max_age":null,"hsts_preload":null,"client_ca_tls_container_ref":null,"client_crl_container_ref":null`)
	w.shows(change(`"client_authentication":null`), `{"client_authentication":"NONE"}`) // quirk 12
	put("An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.", `"default_tls_container_ref":null,"sni_container_refs":null`)
	put("Empty TLS version list. Either specify at least one TLS version or remove this parameter to use the default.", `"tls_versions":[]`)
	put("Invalid TLS versions: TLSv9", `"tls_versions":["TLSv1.2","TLSv9"]`)
	put("Empty ALPN protocol list. Either specify at least one ALPN protocol or remove this parameter to use the default.", `"alpn_protocols":[]`)

	post := func(status int, text, attrs string) {
		t.Helper()
		w.refused("admin", "POST", "listeners", "listener", `"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":444,`+attrs, status, text)
	}
	bundle := `"default_tls_container_ref":"$bundle"`
	post(400, "Could not retrieve certificate: ['nonsense', '$theirs']", `"default_tls_container_ref":"$theirs","sni_container_refs":["$box","nonsense"]`)
	post(400, invalidly+"The certificate is not usable: the private key does not belong to the certificate.", `"default_tls_container_ref":"$mixed"`)
	for _, ref := range []string{"$locked", "$text"} {
		got, out := w.ask("admin", "POST", base+"listeners", w.words.Replace(`{"listener":{"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":444,"default_tls_container_ref":"`+ref+`"}}`))
		const want = "The PKCS12 bundle is unreadable. Please check the PKCS12 bundle validity. In addition, make sure it does not require a pass phrase. Error: "
		if text, _ := out["faultstring"].(string); got != 400 || !strings.HasPrefix(text, want) {
			t.Errorf("%s: %d %v", ref, got, out)
		}
	}
	post(400, invalidly+"The client authentication CA certificate is invalid. It must be a valid x509 PEM format certificate. Error: read certificate: x509: malformed certificate",
		bundle+`,"client_ca_tls_container_ref":"$text"`)
	post(400, invalidly+"The CRL specified is not valid for client certificate authority reference supplied.", bundle+`,"client_ca_tls_container_ref":"$ca","client_crl_container_ref":"$odd"`)
	post(400, invalidly+"Client authentication setting OPTIONAL requires a client CA container reference.", bundle+`,"client_authentication":"OPTIONAL"`)
	alone := w.make("listeners", "listener", w.words.Replace(`{"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":445,"alpn_protocols":["h2"],`+bundle+`}`))
	w.shows(alone, `{"alpn_protocols":["h2"]}`)
	post(501, "Provider 'lbd' does not support a requested option: tls_versions SSLv3", bundle+`,"tls_versions":["SSLv3","TLSv1.3"]`)
	w.refused("admin", "POST", "listeners", "listener", `"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":443,`+bundle, 409,
		"Another Listener on this Load Balancer is already using protocol TERMINATED_HTTPS and protocol_port 443")
}

// A PROMETHEUS listener that gets a certificate, at once or later, has the same defaults.
func TestPrometheusListenersWithTLS(t *testing.T) {
	w := newTLSWorld(t)
	const defaults = `{"tls_versions":["TLSv1.2","TLSv1.3"],"alpn_protocols":["h2","http/1.1","http/1.0"]}`
	l := w.make("listeners", "listener", w.words.Replace(`{"loadbalancer_id":"$lb","protocol":"PROMETHEUS","protocol_port":9090,"default_tls_container_ref":"$bundle"}`))
	w.shows(l, defaults)
	l = w.make("listeners", "listener", w.words.Replace(`{"loadbalancer_id":"$lb","protocol":"PROMETHEUS","protocol_port":9091}`))
	w.shows(l, `{"tls_versions":null,"alpn_protocols":null,"tls_ciphers":null}`)
	w.shows(w.does(200, "PUT", "listeners/"+idOf(l), "listener", w.words.Replace(`{"listener":{"default_tls_container_ref":"$bundle"}}`)), defaults)
}

func TestPoolsWithTLS(t *testing.T) {
	w := newTLSWorld(t)
	p := w.make("pools", "pool", w.words.Replace(`{"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","tls_enabled":true,"ca_tls_container_ref":"$ca","crl_container_ref":"$crl","tls_container_ref":"$box"}`))
	w.shows(p, `{"tls_enabled":true,"ca_tls_container_ref":"$ca","crl_container_ref":"$crl","tls_container_ref":"$box","tls_versions":["TLSv1.2","TLSv1.3"],"alpn_protocols":["h2","http/1.1","http/1.0"]}`)
	path := "pools/" + idOf(p)
	w.refused("admin", "PUT", path, "pool", `"ca_tls_container_ref":null`, 400, "Validation failure: A CA reference cannot be removed when a certificate revocation list is present.")
	w.refused("admin", "PUT", path, "pool", `"tls_container_ref":"$mixed"`, 400, "Validation failure: The certificate is not usable: the private key does not belong to the certificate.")
	got := w.does(200, "PUT", path, "pool", `{"pool":{"tls_enabled":false,"ca_tls_container_ref":null,"crl_container_ref":null,"tls_container_ref":null}}`)
	w.shows(got, `{"tls_enabled":false,"ca_tls_container_ref":null,"crl_container_ref":null,"tls_container_ref":null}`)
	w.refused("admin", "PUT", path, "pool", `"crl_container_ref":"$crl"`, 400, "Validation failure: A CA reference is required to specify a certificate revocation list.")
	got = w.does(200, "PUT", path, "pool", `{"pool":{"tls_enabled":true,"tls_versions":["TLSv1.3"]}}`)
	w.shows(got, `{"tls_enabled":true,"tls_versions":["TLSv1.3"]}`)
	w.shows(w.does(200, "PUT", path, "pool", `{"pool":{"alpn_protocols":null}}`), `{"tls_enabled":true,"alpn_protocols":null}`)
	w.shows(w.does(200, "PUT", path, "pool", `{"pool":{"tls_ciphers":null}}`), `{"alpn_protocols":null}`)
}
