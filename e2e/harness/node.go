package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lbd/internal/netlab"
)

// Binary is the lbd under test: LBD_BIN, or ../lbd.
func Binary() string {
	if b := os.Getenv("LBD_BIN"); b != "" {
		return b
	}
	b, err := filepath.Abs("../lbd")
	if err != nil {
		return "lbd"
	}
	return b
}

// Node is one lbd process and its data directory.
type Node struct {
	*netlab.Host
	Dir  string
	Mgmt string // management address
	// Info is the start line: version, name, api, cluster, fingerprint.
	Info map[string]string

	w      *World
	binary string // "": Binary
	flags  []string
	cmd    *exec.Cmd
	done   chan struct{}
	log    buffer
}

func (w *World) node(h *netlab.Host, mgmt string) *Node {
	return &Node{Host: h, Dir: filepath.Join(w.T.TempDir(), h.Name), Mgmt: mgmt, w: w}
}

// Command is lbd in this host with this node's name, data directory and
// addresses, and further arguments.
func (n *Node) Command(args ...string) *exec.Cmd {
	base := []string{"--name", n.Name, "--data-dir", n.Dir, "--advertise", n.Mgmt, "--log-level", "debug"}
	base = append(base, n.flags...)
	return n.Host.Command(context.Background(), n.executable(), append(base, args...)...)
}

func (n *Node) executable() string {
	if n.binary != "" {
		return n.binary
	}
	return Binary()
}

// Install puts a binary in the place from which this node is started, as a package
// manager does: the old file lives on until nobody runs it.
func (n *Node) Install(binary []byte) {
	n.w.T.Helper()
	if n.binary == "" {
		n.binary = filepath.Join(n.w.T.TempDir(), "lbd")
	}
	n.w.must(os.WriteFile(n.binary+".new", binary, 0o755))
	n.w.must(os.Rename(n.binary+".new", n.binary))
}

// Reinstall gives the node an empty data directory, as a new machine has.
func (n *Node) Reinstall() { n.Dir = filepath.Join(n.w.T.TempDir(), n.Name) }

// RunsInstalled reports whether the node's main process runs the file that is in
// place now.
func (n *Node) RunsInstalled() bool {
	self, err := n.Self()
	n.w.must(err)
	exe, err := os.Stat(fmt.Sprintf("/proc/%d/exe", self.PID))
	n.w.must(err)
	now, err := os.Stat(n.executable())
	n.w.must(err)
	return os.SameFile(exe, now)
}

// TryCLI runs an lbd sub-command on the node and returns all it said, and how it
// ended.
func (n *Node) TryCLI(limit time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := n.Host.Command(ctx, Binary(), append([]string{name, "--data-dir", n.Dir}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Start starts the node and waits for its start line.
func (n *Node) Start(args ...string) {
	n.w.T.Helper()
	n.w.must(n.StartInBackground(args...)(30 * time.Second))
}

func parseStartLine(l string) map[string]string {
	m := map[string]string{}
	for _, f := range strings.Fields(l) {
		if k, v, ok := strings.Cut(f, "="); ok {
			m[k] = strings.Trim(v, `"`)
		}
	}
	return m
}

// Signal sends s to every process of the node. A SIGKILL looks like one
// instant: all are stopped first, so that none sees another die.
func (n *Node) Signal(s syscall.Signal) {
	pids := n.Pids()
	if s == syscall.SIGKILL {
		for _, p := range pids {
			syscall.Kill(p, syscall.SIGSTOP)
		}
	}
	for _, p := range pids {
		syscall.Kill(p, s)
	}
}

// Kill ends the node with SIGKILL, all its processes at once.
func (n *Node) Kill() {
	n.Signal(syscall.SIGKILL)
	<-n.done
}

// Stop ends the node with SIGTERM and waits for it.
func (n *Node) Stop() error {
	syscall.Kill(-n.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-n.done:
		if !n.cmd.ProcessState.Success() {
			return fmt.Errorf("%s: %s\n%s", n.Name, n.cmd.ProcessState, n.log.String())
		}
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%s did not stop within 30 s", n.Name)
	}
}

// HasAddress reports whether the node's kernel has the address on any device.
func (n *Node) HasAddress(ip string) bool {
	out, err := n.Run(context.Background(), "ip", "-brief", "addr")
	if err != nil {
		return false
	}
	return slices.ContainsFunc(strings.Fields(out), func(f string) bool { return strings.HasPrefix(f, ip+"/") })
}

// CLI runs an lbd sub-command on the node; it must succeed.
func (n *Node) CLI(name string, args ...string) string {
	n.w.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	out, err := n.Run(ctx, n.executable(), append([]string{name, "--data-dir", n.Dir}, args...)...)
	n.w.must(err)
	return strings.TrimSpace(out)
}

// API calls the node's REST API as admin over its socket; the socket is a file,
// so no namespace has to be entered.
func (n *Node) API(method, path string, in any) (int, []byte, error) {
	return n.APIWithin(10*time.Second, method, path, in)
}

// APIWithin is API for a client with its own patience.
func (n *Node) APIWithin(limit time.Duration, method, path string, in any) (int, []byte, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, nil, err
		}
		body = strings.NewReader(string(b))
	}
	req, err := http.NewRequest(method, "http://lbd"+path, body)
	if err != nil {
		return 0, nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	hc := http.Client{Timeout: limit, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(n.Dir, "lbd.sock"))
		},
	}}
	resp, err := hc.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// Get decodes a GET that must answer 200.
func (n *Node) Get(path string, out any) error {
	status, b, err := n.API("GET", path, nil)
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("GET %s: %d %s", path, status, b)
	}
	return json.Unmarshal(b, out)
}

// Post creates an object that must be made, and returns the value at the wrapper key.
func (n *Node) Post(path, key string, in map[string]any) map[string]any {
	n.w.T.Helper()
	status, b, err := n.API("POST", path, map[string]any{key: in})
	if err != nil || status != 201 {
		n.w.T.Fatalf("POST %s on %s: %d %s %v", path, n.Name, status, b, err)
	}
	var out map[string]map[string]any
	if err := json.Unmarshal(b, &out); err != nil || out[key] == nil {
		n.w.T.Fatalf("POST %s on %s: no %q in %s", path, n.Name, key, b)
	}
	return out[key]
}

// ClusterView is GET /v1/cluster.
type ClusterView struct {
	Leader string
	Term   uint64
	Quorum string
	Nodes  []NodeView
}

// NodeView is a node in it.
type NodeView struct {
	ID, Name, Kind, Role, Why string
	Self, Ready               bool
	VIPs                      []string
	AgeMS                     int64 `json:"age_ms"`
	PID                       int
	Draining                  []struct {
		PID         int
		Connections int
	}
}

// Self is what this node says about itself.
func (n *Node) Self() (v NodeView, err error) {
	c, err := n.ClusterView()
	if err != nil {
		return v, err
	}
	for _, o := range c.Nodes {
		if o.Self {
			return o, nil
		}
	}
	return v, errors.New("it is in no cluster")
}

// ClusterView is what this node says about the cluster.
func (n *Node) ClusterView() (*ClusterView, error) {
	v := &ClusterView{}
	return v, n.Get("/v1/cluster", v)
}

// Role is what this node says about the role of the node called name.
func (n *Node) Role(name string) (string, error) {
	v, err := n.ClusterView()
	if err != nil {
		return "", err
	}
	for _, o := range v.Nodes {
		if o.Name == name {
			return o.Role, nil
		}
	}
	return "", errors.New("no node " + name)
}

// Log is what the node has logged so far.
func (n *Node) Log() string { return n.log.String() }

// buffer collects the newest 256 KiB of a log.
type buffer struct {
	mu sync.Mutex
	b  []byte // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b = append(b.b, p...)
	if over := len(b.b) - 256<<10; over > 0 {
		b.b = b.b[over:]
	}
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.b)
}

// Alive reports whether the node's main process runs.
func (n *Node) Alive() bool {
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// Unplug takes the node's public and private links down, at its own end.
func (n *Node) Unplug() {
	n.w.T.Helper()
	for _, dev := range []string{"public", "private"} {
		_, err := n.Run(context.Background(), "ip", "link", "set", dev, "down")
		n.w.must(err)
	}
}

// Management takes the node's link to the other nodes "up" or "down".
func (n *Node) Management(state string) {
	n.w.T.Helper()
	_, err := n.Run(context.Background(), "ip", "link", "set", "mgmt", state)
	n.w.must(err)
}

// Password of the admin, from the clouds.yaml that the first start wrote.
func (n *Node) Password() string {
	n.w.T.Helper()
	b, err := os.ReadFile(filepath.Join(n.Dir, "clouds.yaml"))
	n.w.must(err)
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), "password: "); ok {
			return strings.Trim(v, `"`)
		}
	}
	n.w.T.Fatal("no password in clouds.yaml")
	return ""
}

// StartInBackground starts the node without waiting; the returned function waits
// for its start line.
func (n *Node) StartInBackground(args ...string) func(limit time.Duration) error {
	n.w.T.Helper()
	c := n.Command(args...)
	// A session of its own, as a service manager gives it: the scheduler may share
	// the processors among sessions, and lbd's priority counts for its own.
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := c.StdoutPipe()
	n.w.must(err)
	c.Stderr = &n.log
	n.w.must(c.Start())
	n.cmd, n.done = c, make(chan struct{})
	line := make(chan string, 1)
	go n.follow(out, line, n.done)
	return func(limit time.Duration) error {
		select {
		case l := <-line:
			n.Info = parseStartLine(l)
			if n.Info["name"] != n.Name {
				return fmt.Errorf("start line of %s: %q", n.Name, l)
			}
			return nil
		case <-n.done:
			return fmt.Errorf("%s ended before it was ready: %v\n%s", n.Name, c.ProcessState, n.log.String())
		case <-time.After(limit):
			return fmt.Errorf("%s was not ready within %s\n%s", n.Name, limit, n.log.String())
		}
	}
}

// follow reads the start line and then whatever comes until the process ends.
func (n *Node) follow(out io.Reader, line chan<- string, done chan<- struct{}) {
	defer close(done)
	r := bufio.NewReader(out)
	if l, err := r.ReadString('\n'); err == nil {
		line <- l
	}
	io.Copy(&n.log, r)
	n.cmd.Wait()
}
