package raft

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lbd/store"
)

func damage(t *testing.T, dir, file string, change func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, file)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenRefusesDamage makes one node, damages copies of its data, and expects
// one line each.
func TestOpenRefusesDamage(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	for i := range 30 {
		mustWrite(t, a, "n"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	if err := a.node.core.Load().lib.Load().Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, a, "later")
	snaps, err := os.ReadDir(filepath.Join(a.cfg.DataDir, "snapshots"))
	if err != nil || len(snaps) != 1 {
		t.Fatalf("snapshots: %v, %v", snaps, err)
	}
	snap := filepath.Join("snapshots", snaps[0].Name())
	c.kill(a)

	half := func(b []byte) []byte { return b[:len(b)/2] }
	page := func(b []byte) []byte { return b[:3*4096] }
	zero := func(from int) func(b []byte) []byte {
		return func(b []byte) []byte { clear(b[from:]); return b }
	}
	noise := func(b []byte) []byte { return bytes.Repeat([]byte("not a database. "), len(b)/16+1) }
	for _, f := range []struct {
		name, file string
		change     func([]byte) []byte
		want       string
	}{
		{"log cut", logFile, half, logFile},
		{"log cut to three pages", logFile, page, logFile},
		{"log of noise", logFile, noise, logFile},
		{"log with pages of zeros", logFile, zero(2 * 4096), logFile},
		{"log of ten bytes", logFile, func(b []byte) []byte { return b[:10] }, logFile},
		{"identity cut to three pages", identityFile, page, identityFile},
		{"identity of noise", identityFile, noise, identityFile},
		{"identity with pages of zeros", identityFile, zero(2 * 4096), identityFile},
		{"identity empty", identityFile, func([]byte) []byte { return nil }, identityFile},
		{"snapshot changed", filepath.Join(snap, "state.bin"), func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "snapshots"},
		{"snapshot cut", filepath.Join(snap, "state.bin"), half, "snapshots"},
	} {
		t.Run(f.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(a.cfg.DataDir)); err != nil {
				t.Fatal(err)
			}
			damage(t, dir, f.file, f.change)
			before := content(t, dir)
			cfg := a.cfg
			cfg.DataDir, cfg.Listen = dir, "127.0.0.1:0"
			n, err := Open(cfg, store.New())
			if err == nil {
				n.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), f.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %q, want one line with %q", err, f.want)
			}
			t.Log(err)
			for name, b := range before {
				if now := content(t, dir)[name]; !bytes.Equal(b, now) && name == f.file {
					t.Errorf("%s was changed", name)
				}
			}
		})
	}
}

func content(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	for _, name := range []string{logFile, identityFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

func TestOpenRefusesWhatOthersHave(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	cfg := a.cfg
	cfg.Listen = "127.0.0.1:0"
	expect := func(name, want string, cfg Config) {
		t.Helper()
		n, err := Open(cfg, store.New())
		if err == nil {
			n.Close()
			t.Fatalf("%s: opened", name)
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with %q", name, err, want)
		}
	}
	expect("locked", "in use by another lbd", cfg)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cfg = a.cfg
	cfg.DataDir, cfg.Listen = t.TempDir(), ln.Addr().String()
	expect("port taken", "is taken by another process", cfg)

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.DataDir, cfg.Listen = filepath.Join(file, "sub"), "127.0.0.1:0"
	expect("not a directory", "data directory", cfg)

	if os.Geteuid() != 0 {
		ro := t.TempDir()
		if err := os.Chmod(ro, 0o500); err != nil {
			t.Fatal(err)
		}
		cfg.DataDir = ro
		expect("read-only", "not writable", cfg)
	}
}

func TestIdentityIsPrivate(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	for _, name := range []string{identityFile, logFile} {
		fi, err := os.Stat(filepath.Join(a.cfg.DataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, fi.Mode().Perm())
		}
	}
	if _, err := a.node.JoinToken(0); err == nil {
		t.Error("a token without validity")
	}
}
