package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stock runs the stock client against a node on loopback.
func (n *loopbackNode) stock(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openstack", append([]string{"--os-auth-url", "http://" + n.api + "/identity/v3"}, args...)...)
	cmd.Env = append(os.Environ(), "OS_CLOUD=lbd", "OS_CLIENT_CONFIG_FILE="+filepath.Join(n.dir, "clouds.yaml"), "PYTHONWARNINGS=ignore")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openstack %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// TestSecretsWithTheStockClient: the OpenStack client stores, shows, lists and
// deletes secrets, and nothing in the data directory shows a payload.
func TestSecretsWithTheStockClient(t *testing.T) {
	if _, err := exec.LookPath("openstack"); err != nil {
		t.Skipf("SKIP %s: openstack is not installed (Debian: python3-openstackclient, python3-barbicanclient)", t.Name())
	}
	n := startLoopback(t, t.TempDir())
	if out, err := exec.Command("openstack", "secret", "store", "--help").CombinedOutput(); err != nil {
		t.Skipf("SKIP %s: the client has no secrets (Debian: python3-barbicanclient): %s", t.Name(), out)
	}
	const payload = "THE-PLAINTEXT-OF-A-PRIVATE-KEY"
	ref := n.stock(t, "secret", "store", "--name", "key", "--payload", payload, "--secret-type", "passphrase", "-f", "value", "-c", "Secret href")
	if got := n.stock(t, "secret", "get", ref, "--payload", "-f", "value", "-c", "Payload"); got != payload {
		t.Errorf("payload %q", got)
	}
	if got := n.stock(t, "secret", "get", ref, "-f", "value", "-c", "Name", "-c", "Status"); got != "key\nACTIVE" {
		t.Errorf("metadata %q", got)
	}
	if got := n.stock(t, "secret", "list", "-f", "value", "-c", "Name"); got != "key" {
		t.Errorf("list %q", got)
	}
	box := n.stock(t, "secret", "container", "create", "--name", "tls", "--type", "certificate", "--secret", "certificate="+ref, "-f", "value", "-c", "Container href")
	if got := n.stock(t, "secret", "container", "get", box, "-f", "value", "-c", "Type"); got != "certificate" {
		t.Errorf("container of type %q", got)
	}
	n.stock(t, "secret", "container", "delete", box)

	// A second secret stays, through a snapshot of the state and a restart.
	n.stock(t, "secret", "store", "--name", "stays", "--payload", payload)
	n.stock(t, "secret", "delete", ref)
	if got := n.stock(t, "secret", "list", "-f", "value", "-c", "Name"); got != "stays" {
		t.Errorf("list %q", got)
	}
	n.stop(t)
	holdsNothingOf(t, n.dir, payload)
	n = startLoopback(t, n.dir)
	left := n.stock(t, "secret", "list", "-f", "value", "-c", "Secret href")
	if got := n.stock(t, "secret", "get", left, "--payload", "-f", "value", "-c", "Payload"); got != payload {
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
