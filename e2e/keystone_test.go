package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// keystone is Debian's Keystone on loopback, with SQLite and a directory of its
// own.
type keystone struct {
	cmd  *exec.Cmd
	url  string        // ends in /v3
	done chan struct{} // closed when it has ended
}

const keystoneConf = `[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///%[1]s/keystone.db
[fernet_tokens]
key_repository = %[1]s/fernet
[fernet_receipts]
key_repository = %[1]s/fernet
[credential]
key_repository = %[1]s/credential
[cache]
enabled = false
[identity]
password_hash_rounds = 4
`

func startKeystone(t *testing.T) *keystone {
	t.Helper()
	for _, tool := range []string{"keystone-manage", "keystone-wsgi-public"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIP %s: %s is not installed (Debian: python3-keystone)", t.Name(), tool)
		}
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "keystone.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, keystoneConf, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	k := &keystone{url: "http://127.0.0.1:" + port + "/v3", done: make(chan struct{})}

	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "OS_KEYSTONE_CONFIG_DIR="+dir, "OS_KEYSTONE_CONFIG_FILES="+conf, "PYTHONWARNINGS=ignore")
	for _, args := range [][]string{
		{"db_sync"},
		{"fernet_setup", "--keystone-user", me.Username, "--keystone-group", me.Username},
		{"bootstrap", "--bootstrap-password", "secret", "--bootstrap-region-id", "RegionOne", "--bootstrap-public-url", k.url, "--bootstrap-internal-url", k.url, "--bootstrap-admin-url", k.url},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		cmd := exec.CommandContext(ctx, "keystone-manage", append([]string{"--config-file", conf}, args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("keystone-manage %s: %v\n%s", args[0], err, out)
		}
	}
	// Keystone reads on one connection while it writes on another: without a
	// write-ahead log SQLite calls that locked.
	db := filepath.Join(dir, "keystone.db")
	if out, err := exec.Command("python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode=WAL')", db).CombinedOutput(); err != nil {
		t.Fatalf("write-ahead log: %v\n%s", err, out)
	}
	log := &lockedBuffer{}
	k.cmd = exec.Command("keystone-wsgi-public", "--host", "127.0.0.1", "--port", port)
	k.cmd.Env, k.cmd.Stdout, k.cmd.Stderr = env, log, log
	if err := startTied(k.cmd, func() { k.cmd.Wait(); close(k.done) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.stop()
		if t.Failed() {
			t.Logf("keystone:\n%s", log.String())
		}
	})
	harness.Until(t, 60*time.Second, "Keystone answers", func() error {
		resp, err := http.Get(k.url)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errorf("GET %s: %s", k.url, resp.Status)
		}
		return nil
	})
	return k
}

func (k *keystone) stop() {
	k.cmd.Process.Kill()
	<-k.done
}

// TestTokensOfAnExternalKeystone: with --keystone-url, users, projects and roles
// are Keystone's, for the stock client as well, and lbd's own admin is nobody.
func TestTokensOfAnExternalKeystone(t *testing.T) {
	needOpenstack(t)
	k := startKeystone(t) // answers one question at a time, and beside other tests not within lbd's 15 s
	n := startLoopback(t, t.TempDir(), "--keystone-url", k.url)
	admin := n.asUser(t, "admin", "secret", "admin")

	// The client is sent to Keystone by lbd's version document.
	for typ, path := range map[string]string{"load-balancer": "load-balancer", "network": "networking"} {
		admin.ok("service create --name " + path + " " + typ)
		admin.ok("endpoint create --region RegionOne " + path + " public http://" + n.api + "/" + path)
	}
	project := admin.ok("project create blue -f value -c id")
	admin.ok("user create --password pw bob")
	admin.ok("role add --user bob --project blue member")
	admin.ok("user create --password pw eve")
	admin.ok("role add --user eve --project admin reader")

	bob, eve := n.asUser(t, "bob", "pw", "blue"), n.asUser(t, "eve", "pw", "admin")
	bob.ok("network create mine")
	bob.ok("subnet create --network mine --subnet-range 127.0.7.0/24 mine")
	bob.ok("loadbalancer create --name mine --vip-subnet-id mine --wait")
	if got := admin.ok("loadbalancer list -f value -c name -c project_id"); got != "mine "+project {
		t.Errorf("load balancers: %q", got)
	}
	if got := eve.ok("loadbalancer list -f value -c name"); got != "" {
		t.Errorf("a reader of another project sees %q", got)
	}
	eve.refused("network create theirs", "403")

	// A client that logs in at lbd itself is passed on.
	if status, out := login(t, n.api, "admin", n.adminPassword(t), "admin"); status != 401 {
		t.Errorf("lbd's own admin: %d %v", status, out)
	}
	status, token := login(t, n.api, "bob", "pw", "blue")
	if status != 201 {
		t.Fatalf("login through lbd: %d", status)
	}
	list := func() int {
		status, _ := call(t, http.DefaultClient, "GET", "http://"+n.api+"/v2.0/lbaas/loadbalancers", map[string]string{"X-Auth-Token": token}, nil)
		return status
	}
	if got := list(); got != 200 {
		t.Fatalf("with a token: %d", got)
	}
	admin.ok("role remove --user bob --project blue member")
	harness.Until(t, 45*time.Second, "lbd asks again about bob's token", func() error {
		if got := list(); got != 401 {
			return errorf("%d, want 401", got)
		}
		return nil
	})

	var fresh string
	harness.Until(t, 60*time.Second, "eve logs in", func() error {
		if status, fresh = login(t, n.api, "eve", "pw", "admin"); status != 201 { // a busy Keystone is given up after 15 s
			return errorf("login: %d", status)
		}
		return nil
	})
	k.stop()
	header := map[string]string{"X-Auth-Token": fresh}
	if status, out := call(t, http.DefaultClient, "GET", "http://"+n.api+"/v2.0/lbaas/loadbalancers", header, nil); status != 503 {
		t.Errorf("a token that nobody can check: %d %v", status, out)
	}
	if status, _ := n.admin(t, "GET", "/v1/cluster", nil); status != 200 {
		t.Errorf("the admin socket without Keystone: %d", status)
	}
}

// login is a login at lbd's own identity path.
func login(t *testing.T, api, name, password, project string) (int, string) {
	t.Helper()
	domain := map[string]any{"name": "Default"}
	in := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{"name": name, "password": password, "domain": domain}}},
		"scope":    map[string]any{"project": map[string]any{"name": project, "domain": domain}},
	}}
	buf := &lockedBuffer{}
	mustEncode(t, buf, in)
	req, err := http.NewRequest("POST", "http://"+api+"/identity/v3/auth/tokens", strings.NewReader(buf.String()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("X-Subject-Token")
}
