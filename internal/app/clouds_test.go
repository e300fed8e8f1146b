package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCloudsFileHoldsThePasswordForItsOwnerOnly(t *testing.T) {
	c := &Config{DataDir: t.TempDir()}
	if pw, err := c.existingPassword(); pw != "" || err != nil {
		t.Fatalf("before: %q, %v", pw, err)
	}
	const password = `it's "odd": #yes`
	if err := c.writeClouds("[::]:9876", password); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.DataDir, "clouds.yaml")
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), "auth_url: http://127.0.0.1:9876/identity/v3") {
		t.Errorf("content: %s, %v", b, err)
	}
	if pw, err := c.existingPassword(); pw != password || err != nil {
		t.Errorf("read back %q, %v; want %q", pw, err, password)
	}
}

func TestFirstPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		cfg       Config
		want, err string
		generated bool
	}{
		{name: "environment", cfg: Config{AdminPassword: "from-env", AdminPasswordFile: file}, want: "from-env"},
		{name: "file", cfg: Config{AdminPasswordFile: file}, want: "from-a-file"},
		{name: "short", cfg: Config{AdminPassword: "short"}, err: "shorter than 8"},
		{name: "no file", cfg: Config{AdminPasswordFile: file + "x"}, err: "read admin password"},
		{name: "generated", generated: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, generated, err := tc.cfg.firstPassword()
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil || generated != tc.generated || !generated && got != tc.want || generated && len(got) < 20 {
				t.Errorf("got %q, generated %v, %v", got, generated, err)
			}
		})
	}
}
