package octavia_test

import (
	"os"
	"path/filepath"
	"testing"
)

// A certificate container whose key is under the passphrase that it holds serves a
// listener; without it, or with another one, the refusal says which it was.
func TestContractKeyUnderAPassphrase(t *testing.T) {
	w := newTLSWorld(t)
	file := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("..", "..", "internal", "certs", "testdata", "locked", name+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		return w.secret(w.admin.Project, b)
	}
	cert, key := file("certificate"), file("aes256-sha256")
	with := func(parts map[string]string) string {
		parts["certificate"], parts["private_key"] = cert, key
		return `"loadbalancer_id":"$lb","protocol":"TERMINATED_HTTPS","protocol_port":443,"default_tls_container_ref":"` + w.container(parts) + `"`
	}
	const unusable = "Validation failure: The certificate is not usable: "
	w.refused("admin", "POST", "listeners", "listener", with(map[string]string{}), 400, unusable+"the private key is protected by a passphrase.")
	wrong := map[string]string{"private_key_passphrase": w.secret(w.admin.Project, []byte("guess"))}
	w.refused("admin", "POST", "listeners", "listener", with(wrong), 400, unusable+"the passphrase does not open the private key.")
	right := map[string]string{"private_key_passphrase": w.secret(w.admin.Project, []byte("opensesame"))}
	w.shows(w.make("listeners", "listener", w.words.Replace(`{`+with(right)+`}`)), `{"provisioning_status":"ACTIVE"}`)
}
