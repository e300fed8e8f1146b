package e2e

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// lbdFails runs lbd on loopback, which must end by itself with a non-zero exit
// code and one clear line, and returns that line.
func lbdFails(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, harness.Binary(), args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	err := c.Run()
	if ctx.Err() != nil {
		t.Fatalf("lbd %v still runs after 60 s:\n%s", args, stderr.String())
	}
	if err == nil {
		t.Fatalf("lbd %v ended with exit code 0:\n%s", args, stderr.String())
	}
	var lines []string
	for l := range strings.Lines(stderr.String()) {
		if strings.HasPrefix(l, "lbd: ") {
			lines = append(lines, strings.TrimSpace(l))
		}
	}
	if len(lines) != 1 || strings.Contains(stderr.String(), "goroutine ") {
		t.Fatalf("lbd %v: want exactly one line that starts with lbd:, got:\n%s", args, stderr.String())
	}
	return lines[0]
}

func onLoopback(dir string, more ...string) []string {
	return append([]string{"--name", "n1", "--data-dir", dir, "--api", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--advertise", "127.0.0.1", "--no-vip"}, more...)
}

func wants(t *testing.T, line string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("the line lacks %q: %s", w, line)
		}
	}
}

func TestStartFailsWithOneClearLine(t *testing.T) {
	t.Run("join: nobody there", func(t *testing.T) {
		dir := t.TempDir()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		l.Close()
		wants(t, lbdFails(t, onLoopback(dir, "--join", addr, "--token", "lbd1.AAAA")...), "join")
	})
	t.Run("join: connection refused", func(t *testing.T) {
		w := harness.New(t, harness.Options{Nodes: 2})
		w.Nodes[0].Start()
		token := w.Nodes[0].CLI("token")
		out, err := w.Nodes[1].Command("--join", "192.0.2.11:9999", "--token", token).CombinedOutput()
		if err == nil {
			t.Fatal("joined at a port where nobody listens")
		}
		wants(t, lastLine(out), "lbd: ", "192.0.2.11:9999", "refused")
		out, err = w.Nodes[1].Command("--join", "192.0.2.11", "--token", token[:len(token)-4]+"AAAA").CombinedOutput()
		if err == nil {
			t.Fatal("joined with a forged token")
		}
		wants(t, lastLine(out), "lbd: ", "token")
	})
	t.Run("occupied port", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addr := l.Addr().String()
		for _, flag := range []string{"--api", "--cluster"} {
			dir := t.TempDir()
			wants(t, lbdFails(t, append(onLoopback(dir), flag, addr)...), addr, "taken by another process")
		}
	})
	t.Run("data directory is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wants(t, lbdFails(t, onLoopback(file)...), file)
	})
	t.Run("data directory is not writable", func(t *testing.T) {
		wants(t, lbdFails(t, onLoopback("/proc/lbd")...), "data directory", "/proc/lbd")
	})
	t.Run("data directory in use", func(t *testing.T) {
		dir := t.TempDir()
		n := startLoopback(t, dir)
		wants(t, lbdFails(t, onLoopback(dir)...), dir, "in use")
		n.stop(t)
	})
	t.Run("missing capability", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skipf("SKIP %s: needs root to give up root", t.Name())
		}
		dir, err := os.MkdirTemp("", "lbd-nocap-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		// World-traversable copy: the test's own directories are root's.
		bin := filepath.Join(dir, "lbd")
		if out, err := exec.Command("cp", harness.Binary(), bin).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		os.Chmod(dir, 0o755)
		data := filepath.Join(dir, "data")
		os.Mkdir(data, 0o700)
		os.Chown(data, 65534, 65534)
		args := []string{"-n", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", bin, "--name", "n1", "--data-dir", data, "--api", "127.0.0.1:0", "--cluster", "127.0.0.1:0"}
		out, err := exec.Command(args[1], args[2:]...).CombinedOutput()
		if err == nil {
			t.Fatalf("ran without capabilities:\n%s", out)
		}
		wants(t, lastLine(out), "lbd: ", "CAP_NET_ADMIN", "--no-vip")
	})
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// TestDamagedDataIsRefusedAndLeftAlone truncates the Raft log and garbles the
// identity; lbd must say which file and must not change a byte of it.
func TestDamagedDataIsRefusedAndLeftAlone(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"truncated", func(b []byte) []byte { return b[:len(b)/4] }},
		{"cut to a few bytes", func(b []byte) []byte { return b[:100] }},
		{"garbage", func(b []byte) []byte {
			for i := range b {
				b[i] = byte(i * 7)
			}
			return b
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			n := startLoopback(t, dir)
			n.stop(t)
			files, err := filepath.Glob(filepath.Join(dir, "*.db"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no database files in %s: %v", dir, err)
			}
			for _, file := range files {
				whole, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				damaged := tc.damage(bytes.Clone(whole))
				if err := os.WriteFile(file, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				wants(t, lbdFails(t, onLoopback(dir)...), filepath.Base(file))
				after, err := os.ReadFile(file)
				if err != nil || !bytes.Equal(after, damaged) {
					t.Errorf("%s was changed by the refused start (%v)", file, err)
				}
				if err := os.WriteFile(file, whole, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			startLoopback(t, dir).stop(t) // whole again: it runs
		})
	}
}
