package certs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lbd/internal/certs"
)

// Bundles that OpenSSL 3 wrote, all of the same key and certificate: without a
// passphrase they are read, under one (as Octavia has it) or with more work than is
// done they are refused.
func TestBundles(t *testing.T) {
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("testdata", "bundles", name+".p12"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, name := range []string{"modern", "legacy", "mixed", "nomac", "clear"} {
		if c, err := certs.KeyPair(clear{}, one(read(name))); err != nil || c.Leaf.Subject.CommonName != "locked.example" {
			t.Errorf("%s: %v", name, err)
		}
	}
	const most = "the bundle asks for 2000000 iterations, at most 1000000 are made"
	endless := bytes.Replace(read("slow-mac"), []byte{2, 3, 0x1e, 0x84, 0x80}, []byte{2, 3, 0x7f, 0xff, 0xff}, 1)
	for name, tc := range map[string]struct {
		b    []byte
		want string
	}{
		"passphrase":  {read("passphrase"), "decryption password incorrect"},
		"slow-bags":   {read("slow-bags"), most},
		"slow-legacy": {read("slow-legacy"), most},
		"slow-mac":    {read("slow-mac"), most},
		"endless":     {endless, "asks for 8388607 iterations"},
	} {
		_, err := certs.KeyPair(clear{}, one(tc.b))
		if !errors.Is(err, certs.ErrBundle) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}
