package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// stockTimeout bounds one command of a stock client; most take 0.2 s.
const stockTimeout = 60 * time.Second

// command is one run of a stock client, "openstack" or "neutron".
type command struct {
	Tool  string            `json:"tool"`
	Args  []string          `json:"args"`
	Env   map[string]string `json:"env"`   // all of it
	Netns string            `json:"netns"` // "" is the machine's own
}

// printed is what a stock client said.
type printed struct {
	Code int    `json:"code"`
	Out  string `json:"out"`
	Err  string `json:"err"`
}

// stockServer starts stockclient.py once for all tests and returns the name of its
// socket. A client in a process of its own spends 1.5 s on imports, a fork 0.15 s
// in all.
var stockServer = sync.OnceValues(func() (string, error) {
	interpreter, err := interpreterOf("openstack")
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("lbd-stock-%d", os.Getpid())
	c := exec.Command(interpreter, "stockclient.py", name)
	c.Stderr = os.Stderr
	if stockServerLife, err = c.StdinPipe(); err != nil {
		return "", err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := c.Start(); err != nil {
		return "", err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return "", fmt.Errorf("stockclient.py is not ready: %q %w", line, err)
	}
	return "@" + name, nil
})

// stockServerLife is the server's standard input: it is closed when this process
// ends, however it ends, and the server ends then.
var stockServerLife io.Closer

// interpreterOf reads which Python a tool wants from its first line.
func interpreterOf(tool string) (string, error) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	interpreter, ok := strings.CutPrefix(first, "#!")
	if !ok {
		return "", fmt.Errorf("%s is no script", path)
	}
	return strings.TrimSpace(interpreter), nil
}

// runStock runs one command of a stock client; the error says only that it could
// not be run or ended with another code than 0.
func runStock(c command) (printed, error) {
	socket, err := stockServer()
	if err != nil {
		return printed{}, err
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return printed{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(stockTimeout))
	if err := json.NewEncoder(conn).Encode(c); err != nil {
		return printed{}, err
	}
	var p printed
	if err := json.NewDecoder(conn).Decode(&p); err != nil {
		return printed{}, fmt.Errorf("%s %s gave no answer: %w", c.Tool, strings.Join(c.Args, " "), err)
	}
	if p.Code != 0 {
		return p, fmt.Errorf("exit code %d", p.Code)
	}
	return p, nil
}

// client runs a stock client as somebody, on loopback or on a node.
type client struct {
	t     *testing.T
	tool  string
	env   map[string]string
	netns string
}

// as makes an openstack client from OS_ variables; only what they say and the
// path reach it.
func (n *loopbackNode) as(t *testing.T, env ...string) *client {
	return &client{t: t, tool: "openstack", env: variables(append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "OS_IDENTITY_API_VERSION=3", "OS_AUTH_URL=http://" + n.api + "/identity/v3",
		"OS_REGION_NAME=RegionOne",
	}, env...))}
}

// asUser makes a client that logs in with a password.
func (n *loopbackNode) asUser(t *testing.T, user, password, project string) *client {
	return n.as(t, "OS_USERNAME="+user, "OS_PASSWORD="+password, "OS_PROJECT_NAME="+project, "OS_USER_DOMAIN_NAME=Default", "OS_PROJECT_DOMAIN_NAME=Default")
}

// asAdmin makes a client with the password of the first start.
func (n *loopbackNode) asAdmin(t *testing.T) *client {
	t.Helper()
	return n.asUser(t, "admin", n.adminPassword(t), "admin")
}

// onNode makes a client that runs on one node of a world, with the clouds.yaml
// that another wrote at its first start: any node takes the same password.
func onNode(t *testing.T, n, credentials *harness.Node) *client {
	return &client{t: t, tool: "openstack", netns: n.NS(), env: variables([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + n.Dir, "OS_CLOUD=lbd", "OS_CLIENT_CONFIG_FILE=" + filepath.Join(credentials.Dir, "clouds.yaml"),
	})}
}

func variables(list []string) map[string]string {
	m := map[string]string{"PYTHONWARNINGS": "ignore"}
	for _, l := range list {
		k, v, _ := strings.Cut(l, "=")
		m[k] = v
	}
	return m
}

// run is one command; it returns what was printed, without the errors if it went well.
func (c *client) run(args ...string) (string, error) {
	p, err := runStock(command{Tool: c.tool, Args: args, Env: c.env, Netns: c.netns})
	if err != nil {
		return strings.TrimSpace(p.Out + p.Err), err
	}
	return strings.TrimSpace(p.Out), nil
}

func (c *client) try(args string) (string, error) { return c.run(strings.Fields(args)...) }

// must is one command that must go well.
func (c *client) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", c.tool, strings.Join(args, " "), err, out)
	}
	return out
}

func (c *client) ok(args string) string {
	c.t.Helper()
	return c.must(strings.Fields(args)...)
}

// refused expects a failure whose output names why.
func (c *client) refused(args, why string) {
	c.t.Helper()
	if out, err := c.try(args); err == nil || !strings.Contains(out, why) {
		c.t.Errorf("%s %s: %v, want a refusal with %q:\n%s", c.tool, args, err, why, out)
	}
}

// need skips a test, by name, when a tool of Debian's is not installed.
func need(t *testing.T, tool, packages string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("SKIP %s: %s is not installed (Debian: %s)", t.Name(), tool, packages)
	}
}

func needOpenstack(t *testing.T) {
	t.Helper()
	need(t, "openstack", "python3-openstackclient, python3-octaviaclient")
}
