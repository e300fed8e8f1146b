package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lbd/internal/netlab"
)

// World is one network with its hosts.
type World struct {
	T        testing.TB
	Lab      *netlab.Lab
	Client   *netlab.Host
	Observer *netlab.Host
	Web1     *netlab.Host // 10.0.0.6
	Web2     *netlab.Host // 10.0.0.3
	Nodes    []*Node
	Witness  *Node
	Spare    *Node

	token string // file with a join token
}

// Options of a world.
type Options struct {
	Nodes   int      // data nodes, 1..5
	Witness bool     // one more voter, on the management network only
	Spare   bool     // one more node, which has everything but a vote
	Flags   []string // of the data nodes and the spare
	IPv6    bool     // the private network is fd00:10::/64 as well, and the client (fd00:10::60) is on it
}

var worlds atomic.Int32

// New builds a world; nothing runs in it yet. It is removed when the test ends.
// Without root the test is skipped, by name.
func New(t testing.TB, o Options) *World {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("SKIP %s: network namespaces need root", t.Name())
	}
	lab, err := netlab.New(fmt.Sprintf("lbdt%d-%d", os.Getpid()%10000, worlds.Add(1)), nil)
	if err != nil {
		t.Skipf("SKIP %s: %v", t.Name(), err)
	}
	w := &World{T: t, Lab: lab}
	t.TempDir() // clean-ups run in reverse: the folders go when the nodes have ended
	t.Cleanup(func() {
		if t.Failed() || os.Getenv("LBD_E2E_LOGS") != "" {
			w.dumpLogs()
		}
		if err := lab.Close(); err != nil {
			t.Errorf("remove namespaces: %v", err)
		}
		for _, n := range w.Nodes {
			if n.done != nil {
				<-n.done
			}
		}
	})
	w.must(lab.Switch("public", "203.0.113.1/24"))
	w.must(lab.Switch("private", "10.0.0.1/24"))
	w.must(lab.Switch("mgmt", ""))
	w.Client = w.host("client", "public", "203.0.113.50/24")
	w.Observer = w.host("obs", "private", "10.0.0.50/24")
	w.must(w.Observer.Plug("public", "203.0.113.51/24", "public"))
	w.Web1 = w.host("web1", "private", "10.0.0.6/24")
	w.Web2 = w.host("web2", "private", "10.0.0.3/24")
	nodes := o.Nodes
	if o.Spare {
		nodes++
	}
	for i := 1; i <= nodes; i++ {
		h := w.host(fmt.Sprintf("node%d", i), "public", fmt.Sprintf("203.0.113.%d/24", 10+i))
		w.must(h.Plug("private", fmt.Sprintf("10.0.0.%d/24", 10+i), "private"))
		w.must(h.Plug("mgmt", fmt.Sprintf("192.0.2.%d/24", 10+i), "mgmt"))
		w.must(h.Route("default", "203.0.113.1"))
		n := w.node(h, fmt.Sprintf("192.0.2.%d", 10+i))
		n.flags = o.Flags
		if i > o.Nodes {
			w.Spare, n.flags = n, append([]string{"--spare"}, o.Flags...)
			break
		}
		w.Nodes = append(w.Nodes, n)
	}
	if o.IPv6 {
		w.must(w.Client.Plug("private", "10.0.0.60/24", "private"))
		w.must(w.Client.Address("fd00:10::60/64", "private"))
		w.must(w.Observer.Address("fd00:10::50/64", "private"))
		for i, n := range w.Nodes {
			w.must(n.Host.Address(fmt.Sprintf("fd00:10::%d/64", 11+i), "private"))
		}
	}
	if o.Witness {
		w.Witness = w.node(w.host("witness", "mgmt", "192.0.2.30/24"), "192.0.2.30")
		w.Witness.flags = []string{"--witness"}
	}
	return w
}

// host makes a host with one device, named after its switch.
func (w *World) host(name, sw, addr string) *netlab.Host {
	w.T.Helper()
	h, err := w.Lab.Host(name)
	w.must(err)
	w.must(h.Plug(sw, addr, sw))
	return h
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// StartCluster starts all nodes: the first makes the cluster, the others join.
// It returns once every node sees all others and exactly one data node is active.
func (w *World) StartCluster() {
	w.T.Helper()
	first := w.Nodes[0]
	first.Start()
	w.token = filepath.Join(w.T.TempDir(), "token")
	w.must(os.WriteFile(w.token, []byte(first.CLI("token")), 0o600))
	rest := w.Nodes[1:]
	if w.Witness != nil {
		rest = append(rest[:len(rest):len(rest)], w.Witness)
	}
	if w.Spare != nil {
		rest = append(rest[:len(rest):len(rest)], w.Spare)
	}
	for _, n := range rest {
		n.Start("--join", first.Mgmt, "--token-file", w.token)
	}
	all := append([]*Node{first}, rest...)
	w.Until(20*time.Second, "the cluster is whole and one node is active", func() error {
		for _, n := range all {
			v, err := n.ClusterView()
			if err != nil {
				return err
			}
			if len(v.Nodes) != len(all) || v.Quorum != "ok" {
				return fmt.Errorf("%s sees %d nodes, quorum %s", n.Name, len(v.Nodes), v.Quorum)
			}
			active := 0
			for _, o := range v.Nodes {
				switch o.Role {
				case "active":
					active++
				case "unknown":
					return fmt.Errorf("%s does not hear %s", n.Name, o.Name)
				}
			}
			if active != 1 {
				return fmt.Errorf("%s sees %d active nodes", n.Name, active)
			}
		}
		return nil
	})
}

// Until polls cond until it returns nil; after limit the test fails with its last error.
func (w *World) Until(limit time.Duration, what string, cond func() error) {
	w.T.Helper()
	Until(w.T, limit, what, cond)
}

// Until polls cond every 20 ms until it returns nil; after limit the test fails
// with its last error.
func Until(t testing.TB, limit time.Duration, what string, cond func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := cond()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", limit, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Active is the node that has the address in its kernel; the test fails unless
// exactly one has it.
func (w *World) Active(vip string) *Node {
	w.T.Helper()
	var found *Node
	for _, n := range w.Nodes {
		if n.HasAddress(vip) {
			if found != nil {
				w.T.Fatalf("both %s and %s have %s", found.Name, n.Name, vip)
			}
			found = n
		}
	}
	if found == nil {
		w.T.Fatalf("no node has %s", vip)
	}
	return found
}

// Curl asks for a URL from the client and returns the trimmed body.
func (w *World) Curl(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := w.Client.Run(ctx, "curl", append([]string{"-sS", "--max-time", "2"}, args...)...)
	return strings.TrimSpace(out), err
}

func (w *World) dumpLogs() {
	nodes := w.Nodes
	if w.Witness != nil {
		nodes = append(nodes, w.Witness)
	}
	for _, n := range nodes {
		w.T.Logf("log of %s:\n%s", n.Name, n.log.String())
	}
}
