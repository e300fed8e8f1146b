package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestSuccession restarts a node that a service manager watches: it is told which
// process is the main one, the old one ends by itself when its connections have, at
// the latest after --drain-timeout, and what persistence has learned stays.
func TestSuccession(t *testing.T) {
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	t.Setenv("NOTIFY_SOCKET", told.LocalAddr().String())
	tell := func(want string) {
		t.Helper()
		b := make([]byte, 1000)
		told.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := told.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), want) {
			t.Fatalf("told %q, want %q (%v)", b[:n], want, err)
		}
	}
	n := startLoopback(t, t.TempDir(), "--drain-timeout", "2s")
	tell("READY=1")
	lb := n.balancer(t, "127.0.91.1")
	pool := n.create(t, harness.Octavia+"pools", "pool", map[string]any{
		"loadbalancer_id": lb, "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN", "session_persistence": map[string]any{"type": "SOURCE_IP"},
	})
	for i := range 5 {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) }))
		t.Cleanup(s.Close)
		n.create(t, harness.Octavia+"pools/"+pool+"/members", "member", map[string]any{"address": "127.0.0.1", "protocol_port": portOf(t, s.URL)})
	}
	n.create(t, harness.Octavia+"listeners", "listener", map[string]any{"loadbalancer_id": lb, "protocol": "TCP", "protocol_port": 8091, "default_pool_id": pool})
	member := func(client int) string {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(client))}, Timeout: 10 * time.Second}
		hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: d.DialContext}, Timeout: 10 * time.Second}
		resp, err := hc.Get("http://127.0.91.1:8091/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	learned := map[int]string{}
	harness.Until(t, 10*time.Second, "the listener serves", func() error {
		c, err := net.DialTimeout("tcp", "127.0.91.1:8091", time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
	for client := 2; client < 10; client++ {
		learned[client] = member(client)
	}
	idle, err := net.Dial("tcp", "127.0.91.1:8091") // a relay that nobody ends
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	self := func() (pid, draining int) {
		t.Helper()
		status, v := n.admin(t, "GET", "/v1/cluster", nil)
		if status != 200 {
			t.Fatalf("GET /v1/cluster: %d %v", status, v)
		}
		me := v["nodes"].([]any)[0].(map[string]any)
		return int(me["pid"].(float64)), len(me["draining"].([]any))
	}
	old, _ := self()
	harness.Until(t, 10*time.Second, "the relay is linked", func() error {
		_, v := n.admin(t, "GET", harness.Octavia+"loadbalancers/"+lb+"/stats", nil)
		if c := v["stats"].(map[string]any)["active_connections"]; c != 1.0 {
			return errorf("%v connections", c)
		}
		return nil
	})
	id := func() string {
		_, v := n.admin(t, "GET", "/v1/cluster", nil)
		return v["self"].(string)
	}()
	if status, out := n.admin(t, "POST", "/v1/cluster/nodes/"+id+"/restart", nil); status/100 != 2 {
		t.Fatalf("restart: %d %v", status, out)
	}
	tell("RELOADING=1\nMONOTONIC_USEC=")
	// The new process says that it is ready as well, before or after.
	b := make([]byte, 1000)
	var all bytes.Buffer
	for range 2 {
		told.SetReadDeadline(time.Now().Add(20 * time.Second))
		k, err := told.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(b[:k:k], '\n'))
	}
	pid, _ := self()
	if pid == old || !strings.Contains(all.String(), fmt.Sprintf("MAINPID=%d\nREADY=1\n", pid)) {
		t.Errorf("told %q, the node is process %d and was %d", all.String(), pid, old)
	}
	defer syscall.Kill(pid, syscall.SIGKILL)
	for client, want := range learned {
		if got := member(client); got != want {
			t.Errorf("client 127.0.0.%d went to member %s, and to %s before the restart", client, got, want)
		}
	}
	harness.Until(t, 10*time.Second, "the old process drains", func() error {
		if _, d := self(); d != 1 {
			return errorf("%d processes drain", d)
		}
		return nil
	})
	idle.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := idle.Read(b); err == nil || os.IsTimeout(err) {
		t.Errorf("a connection beyond --drain-timeout: %v, want its end", err)
	}
	harness.Until(t, 10*time.Second, "the old process has ended", func() error {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", old))
		if err == nil && !bytes.Contains(stat, []byte(") Z ")) {
			return errorf("it runs")
		}
		return nil
	})
	if _, d := self(); d != 0 {
		t.Errorf("%d processes drain", d)
	}
	syscall.Kill(pid, syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(20 * time.Second):
		t.Error("the node did not end within 20 s of SIGTERM")
	}
}
