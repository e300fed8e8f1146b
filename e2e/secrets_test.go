package e2e

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsWithTheStockClient: the OpenStack client stores, shows, lists and
// deletes secrets, and nothing in the data directory shows a payload.
func TestSecretsWithTheStockClient(t *testing.T) {
	needOpenstack(t)
	t.Parallel()
	n := startLoopback(t, t.TempDir())
	admin := n.asAdmin(t)
	if out, err := admin.try("secret store --help"); err != nil {
		t.Skipf("SKIP %s: the client has no secrets (Debian: python3-barbicanclient): %s", t.Name(), out)
	}
	const payload = "THE-PLAINTEXT-OF-A-PRIVATE-KEY"
	ref := admin.must("secret", "store", "--name", "key", "--payload", payload, "--secret-type", "passphrase", "-f", "value", "-c", "Secret href")
	if got := admin.must("secret", "get", ref, "--payload", "-f", "value", "-c", "Payload"); got != payload {
		t.Errorf("payload %q", got)
	}
	if got := admin.must("secret", "get", ref, "-f", "value", "-c", "Name", "-c", "Status"); got != "key\nACTIVE" {
		t.Errorf("metadata %q", got)
	}
	if got := admin.must("secret", "list", "-f", "value", "-c", "Name"); got != "key" {
		t.Errorf("list %q", got)
	}
	box := admin.must("secret", "container", "create", "--name", "tls", "--type", "certificate", "--secret", "certificate="+ref, "-f", "value", "-c", "Container href")
	if got := admin.must("secret", "container", "get", box, "-f", "value", "-c", "Type"); got != "certificate" {
		t.Errorf("container of type %q", got)
	}
	admin.must("secret", "container", "delete", box)

	// A second secret stays, through a snapshot of the state and a restart.
	admin.must("secret", "store", "--name", "stays", "--payload", payload)
	admin.must("secret", "delete", ref)
	if got := admin.must("secret", "list", "-f", "value", "-c", "Name"); got != "stays" {
		t.Errorf("list %q", got)
	}
	n.stop(t)
	holdsNothingOf(t, n.dir, payload)
	n = startLoopback(t, n.dir)
	admin = n.asAdmin(t)
	left := admin.must("secret", "list", "-f", "value", "-c", "Secret href")
	if got := admin.must("secret", "get", left, "--payload", "-f", "value", "-c", "Payload"); got != payload {
		t.Errorf("payload after a restart: %q", got)
	}
}

// holdsNothingOf looks for a text, plain and in base64, in every file below dir.
func holdsNothingOf(t *testing.T, dir, text string) {
	t.Helper()
	forms := [][]byte{[]byte(text)}
	for shift := range 3 { // base64 depends on where in a group of three the text begins
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + text))
		forms = append(forms, []byte(b[4:len(b)-4]))
	}
	looked := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for _, f := range forms {
			if bytes.Contains(b, f) {
				t.Errorf("%s holds %q", path, f)
			}
		}
		return nil
	})
	if err != nil || looked < 2 {
		t.Fatalf("looked into %d files: %v", looked, err)
	}
}
