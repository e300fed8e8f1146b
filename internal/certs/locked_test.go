package certs_test

import (
	"bytes"
	"encoding/pem"
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
	for _, name := range []string{"aes256-sha256", "aes192-sha512", "aes128-sha1", "des3", "scrypt", "traditional"} {
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
		"slow": "the private key asks for 3000000 iterations, at most 1000000 are made",
	} {
		if _, err := certs.KeyPair(clear{}, container(read(name), "opensesame")); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if block, _ := pem.Decode(read("scrypt")); true { // in DER
		if c, err := certs.KeyPair(clear{}, container(block.Bytes, "opensesame")); err != nil || c.Leaf.Subject.CommonName != "locked.example" {
			t.Error(err)
		}
		if _, err := certs.KeyPair(clear{}, container(block.Bytes, "")); !errors.Is(err, certs.ErrPassphrase) {
			t.Error(err)
		}
		// N 1024, r 8, p 1, and what a hostile hand makes of it.
		cost := []byte{2, 2, 4, 0, 2, 1, 8, 2, 1, 1}
		for _, tc := range []struct {
			cost []byte
			want string
		}{
			{[]byte{2, 2, 0x3f, 0xff, 2, 1, 8, 2, 1, 1}, "the private key cannot be read"}, // no power of two
			{[]byte{2, 2, 0xc0, 0, 2, 1, 8, 2, 1, 1}, "the private key cannot be read"},
			{[]byte{2, 2, 0x40, 0, 2, 1, 0, 2, 1, 1}, "the private key cannot be read"},
			{[]byte{2, 2, 0x40, 0, 2, 1, 8, 2, 1, 0}, "the private key cannot be read"},
			{[]byte{2, 2, 0x40, 0, 2, 1, 64, 2, 1, 1}, "the private key asks for scrypt with N 16384, r 64 and p 1: too much memory or work"},
			{[]byte{2, 2, 0x40, 0, 2, 1, 8, 2, 1, 9}, "the private key asks for scrypt with N 16384, r 8 and p 9: too much memory or work"},
			{[]byte{2, 4, 0x40, 0, 0, 0, 2, 0, 2, 0}, "the private key cannot be read"}, // integers without bytes
			{[]byte{2, 8, 0x40, 0, 0, 0, 0, 0, 0, 0}, "the private key cannot be read"}, // the others are missing
		} {
			if bytes.Count(block.Bytes, cost) != 1 {
				t.Fatal("the key is not what the test knows")
			}
			key := bytes.Replace(block.Bytes, cost, tc.cost, 1)
			if _, err := certs.KeyPair(clear{}, container(key, "opensesame")); err == nil || err.Error() != tc.want {
				t.Errorf("% x: %v, want %s", tc.cost, err, tc.want)
			}
		}
	}
	for _, body := range []string{"AAAA", "MAA=", strings.Repeat("A", 64)} {
		junk := []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + body + "\n-----END ENCRYPTED PRIVATE KEY-----\n")
		if _, err := certs.KeyPair(clear{}, container(junk, "opensesame")); err == nil {
			t.Errorf("%s was read", body)
		}
	}
}
