package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCallsOfAnsible: openstacksdk as Ansible's modules use it, twice with the
// same wishes and once with others; sdk_ansible.py says what has to hold.
func TestCallsOfAnsible(t *testing.T) {
	needOpenstack(t) // brings the SDK
	t.Parallel()
	n := startLoopback(t, t.TempDir())
	interpreter, err := interpreterOf("openstack")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, interpreter, "sdk_ansible.py")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "PYTHONWARNINGS=ignore", "OS_CLIENT_CONFIG_FILE=" + filepath.Join(n.dir, "clouds.yaml")}
	if out, err := c.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "done\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
