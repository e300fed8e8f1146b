package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/internal/certs"
	"lbd/internal/testutil/pki"
)

// clear opens boxes that were never closed.
type clear struct{}

func (clear) Open(_ string, box []byte) ([]byte, error) { return box, nil }

func one(b []byte) certs.Source {
	return certs.Source{Items: []certs.Sealed{{ID: "s", Box: b}}}
}

func TestKeyPairsOfAllForms(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	leaf, rsa := ca.ECDSA("a.example"), ca.RSA("b.example")
	box := certs.Source{Container: "certificate", Items: []certs.Sealed{
		{Name: "private_key", Box: rsa.KeyPEM(t)},
		{Name: "certificate", Box: rsa.CertPEM()},
		{Name: "intermediates", Box: ca.PEM()},
	}}
	for name, tc := range map[string]struct {
		src   certs.Source
		cn    string
		chain int
	}{
		"bundle":    {one(leaf.PKCS12(t, "", ca.Cert)), "a.example", 2},
		"PEM text":  {one(append(leaf.CertPEM(), leaf.KeyPEM(t)...)), "a.example", 1},
		"container": {box, "b.example", 2},
	} {
		c, err := certs.KeyPair(clear{}, tc.src)
		if err != nil || c.Leaf.Subject.CommonName != tc.cn || len(c.Certificate) != tc.chain {
			t.Errorf("%s: %v, %+v", name, err, c)
		}
	}
}

func TestWhatIsNoKeyPair(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	leaf, other := ca.ECDSA("a"), ca.ECDSA("b")
	parts := func(cert, key []byte) certs.Source {
		return certs.Source{Container: "certificate", Items: []certs.Sealed{{Name: "certificate", Box: cert}, {Name: "private_key", Box: key}}}
	}
	for name, tc := range map[string]struct {
		src  certs.Source
		want string
	}{
		"foreign key":    {parts(leaf.CertPEM(), other.KeyPEM(t)), "the private key does not belong to the certificate"},
		"no key":         {certs.Source{Container: "certificate", Items: []certs.Sealed{{Name: "certificate", Box: leaf.CertPEM()}}}, "there is no private key"},
		"protected key":  {parts(leaf.CertPEM(), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")), "the private key is protected by a passphrase"},
		"no certificate": {parts(leaf.KeyPEM(t), leaf.KeyPEM(t)), "there is no certificate in the PEM text"},
		"other type":     {certs.Source{Container: "generic"}, "a container of type generic is not a certificate"},
		"empty":          {certs.Source{}, "there is no payload"},
	} {
		if _, err := certs.KeyPair(clear{}, tc.src); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	for name, b := range map[string][]byte{"under a passphrase": leaf.PKCS12(t, "secret"), "nonsense": []byte("nonsense")} {
		if _, err := certs.KeyPair(clear{}, one(b)); !errors.Is(err, certs.ErrBundle) {
			t.Errorf("bundle %s: %v", name, err)
		}
	}
}

func TestRevocation(t *testing.T) {
	ca, foreign := pki.NewCA(t, "ca"), pki.NewCA(t, "foreign")
	good, bad := ca.ECDSA("good"), ca.ECDSA("bad")
	list := func(b []byte) *x509.RevocationList {
		t.Helper()
		l, err := certs.RevocationList(b)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := list(ca.CRL(time.Hour, bad))
	if err := certs.SignedBy(l, []*x509.Certificate{foreign.Cert, ca.Cert}); err != nil {
		t.Error(err)
	}
	if err := certs.SignedBy(l, []*x509.Certificate{foreign.Cert}); !errors.Is(err, certs.ErrCRLIssuer) {
		t.Errorf("a foreign authority: %v", err)
	}
	chain := func(leaf *pki.Leaf) []*x509.Certificate { return []*x509.Certificate{leaf.Cert, ca.Cert} }
	r, old := certs.NewRevocations(l), certs.NewRevocations(list(ca.CRL(-time.Minute)))
	for name, tc := range map[string]struct {
		r    *certs.Revocations
		leaf *pki.Leaf
		want error
	}{
		"good":        {r, good, nil},
		"revoked":     {r, bad, certs.ErrRevoked},
		"of others":   {r, foreign.ECDSA("x"), nil},
		"out of date": {old, good, certs.ErrCRLExpired},
		"no list":     {nil, bad, nil},
	} {
		if err := tc.r.Check([]*x509.Certificate{tc.leaf.Cert}, time.Now()); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if err := r.Check(chain(good), time.Now()); err != nil {
		t.Error(err)
	}
	for _, b := range [][]byte{nil, ca.PEM(), []byte("x")} {
		if _, err := certs.RevocationList(b); err == nil {
			t.Errorf("%q is a list", b)
		}
	}
}

func TestCipherLists(t *testing.T) {
	names := func(ids []uint16) (out []string) {
		for _, id := range ids {
			out = append(out, tls.CipherSuiteName(id))
		}
		return out
	}
	for list, want := range map[string][]string{
		"ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256": {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		"ECDHE+AESGCM:!aRSA:!AES256": {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		"kRSA:-CBC:@STRENGTH":        {"TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384"},
		"HIGH:!aNULL:!MD5:!CBC:!kRSA:!ECDSA": {
			"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		},
		"RC4:NULL": nil,
		"":         nil,
		":!:-:+:":  nil,
	} {
		got := certs.Ciphers(list)
		if d := cmp.Diff(want, names(got)); d != "" || got == nil {
			t.Errorf("%s: %s", list, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	ca := pki.NewCA(f, "ca")
	leaf := ca.ECDSA("a")
	for _, b := range [][]byte{leaf.CertPEM(), leaf.KeyPEM(f), leaf.PKCS12(f, ""), ca.CRL(time.Hour, leaf), []byte("HIGH:!aNULL"), nil} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := certs.KeyPair(clear{}, one(b)); err == nil && (c.Leaf == nil || len(c.Certificate) == 0) {
			t.Error("a key pair without a certificate")
		}
		if list, err := certs.Authorities(b); err == nil && len(list) == 0 {
			t.Error("no authorities and no error")
		}
		if l, err := certs.RevocationList(b); err == nil {
			certs.NewRevocations(l)
		}
		if certs.Ciphers(string(b)) == nil {
			t.Error("nil stands for the defaults of crypto/tls")
		}
	})
}
