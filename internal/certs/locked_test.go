package certs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lbd/internal/certs"
)

// Keys that OpenSSL 3 wrote, all the same one, under the passphrase "opensesame".
func TestKeysUnderAPassphrase(t *testing.T) {
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("testdata", "locked", name+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	container := func(key []byte, passphrase string) certs.Source {
		s := certs.Source{Container: "certificate", Items: []certs.Sealed{{Name: "certificate", Box: read("certificate")}, {Name: "private_key", Box: key}}}
		if passphrase != "" {
			s.Items = append(s.Items, certs.Sealed{Name: "private_key_passphrase", Box: []byte(passphrase)})
		}
		return s
	}
	for _, name := range []string{"aes256-sha256", "aes192-sha512", "aes128-sha1", "des3", "traditional"} {
		key := read(name)
		if c, err := certs.KeyPair(clear{}, container(key, "opensesame")); err != nil || c.Leaf.Subject.CommonName != "locked.example" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := certs.KeyPair(clear{}, container(key, "")); !errors.Is(err, certs.ErrPassphrase) {
			t.Errorf("%s without the passphrase: %v", name, err)
		}
		for _, wrong := range []string{"open sesame", "opensesame\n", "x"} {
			if _, err := certs.KeyPair(clear{}, container(key, wrong)); err == nil || err.Error() != "the passphrase does not open the private key" {
				t.Errorf("%s with %q: %v", name, wrong, err)
			}
		}
	}
	for name, want := range map[string]string{
		"scrypt": "private keys encrypted with a key derived by 1.3.6.1.4.1.11591.4.11 are not supported",
		"slow":   "the private key asks for 3000000 iterations, at most 1000000 are made",
	} {
		if _, err := certs.KeyPair(clear{}, container(read(name), "opensesame")); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	for _, body := range []string{"AAAA", "MAA=", strings.Repeat("A", 64)} {
		junk := []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + body + "\n-----END ENCRYPTED PRIVATE KEY-----\n")
		if _, err := certs.KeyPair(clear{}, container(junk, "opensesame")); err == nil {
			t.Errorf("%s was read", body)
		}
	}
}
