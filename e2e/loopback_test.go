package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// loopbackNode is a single lbd on loopback, without VIPs: no root needed.
type loopbackNode struct {
	cmd  *exec.Cmd
	dir  string
	api  string // host:port
	err  *lockedBuffer
	done chan struct{}
}

func startLoopback(t *testing.T, dir string, more ...string) *loopbackNode {
	t.Helper()
	return startOnLoopback(t, exec.Command(harness.Binary(), onLoopback(dir, more...)...), dir)
}

// startOnLoopback starts a node by cmd and waits until it is ready.
func startOnLoopback(t *testing.T, cmd *exec.Cmd, dir string) *loopbackNode {
	t.Helper()
	n := &loopbackNode{cmd: cmd, dir: dir, err: &lockedBuffer{}, done: make(chan struct{})}
	n.cmd.Stderr = n.err
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	line := make(chan string, 1)
	err = startTied(n.cmd, func() {
		defer close(n.done)
		r := bufio.NewReader(out)
		if l, err := r.ReadString('\n'); err == nil {
			line <- l
		}
		io.Copy(io.Discard, r)
		n.cmd.Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.cmd.Process.Kill()
		<-n.done
		if t.Failed() {
			t.Logf("log:\n%s", n.err.String())
		}
	})
	select {
	case l := <-line:
		for _, f := range strings.Fields(l) {
			if v, ok := strings.CutPrefix(f, "api="); ok {
				n.api = v
			}
		}
	case <-n.done:
		t.Fatalf("lbd ended at start:\n%s", n.err.String())
	case <-time.After(20 * time.Second):
		t.Fatalf("lbd was not ready within 20 s:\n%s", n.err.String())
	}
	if n.api == "" {
		t.Fatal("no api= in the start line")
	}
	return n
}

// stop ends the node by SIGTERM; it must leave with exit code 0.
func (n *loopbackNode) stop(t *testing.T) {
	t.Helper()
	n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(20 * time.Second):
		t.Fatal("lbd did not stop within 20 s of SIGTERM")
	}
	if !n.cmd.ProcessState.Success() {
		t.Fatalf("lbd ended with %s:\n%s", n.cmd.ProcessState, n.err.String())
	}
}

func (n *loopbackNode) kill() {
	n.cmd.Process.Kill()
	<-n.done
}

// admin calls the API over the admin socket.
func (n *loopbackNode) admin(t *testing.T, method, path string, in any) (int, map[string]any) {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(n.dir, "lbd.sock"))
	}}
	return call(t, &http.Client{Transport: tr, Timeout: 10 * time.Second}, method, "http://lbd"+path, nil, in)
}

// call makes one request; in may be nil, a string sent as it is, or a value sent as JSON.
func call(t *testing.T, hc *http.Client, method, url string, header map[string]string, in any) (int, map[string]any) {
	t.Helper()
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case string:
		body = strings.NewReader(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	var out map[string]any
	json.Unmarshal(b, &out) // some answers are empty or a list
	return resp.StatusCode, out
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func mustEncode(t *testing.T, w io.Writer, v any) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
