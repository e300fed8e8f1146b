// Package pki makes certificates for tests: authorities, leaves, revocation
// lists, bundles. Everything is valid for an hour around now.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// CA is an authority.
type CA struct {
	t      testing.TB
	Cert   *x509.Certificate
	key    crypto.Signer
	serial atomic.Int64
}

// Leaf is a certificate with its key.
type Leaf struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// NewCA makes an authority of that name.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &CA{t: t, Cert: cert, key: key}
}

// ECDSA makes a leaf with a P-256 key for names (host names or addresses); the
// first is its common name.
func (ca *CA) ECDSA(names ...string) *Leaf {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(ca.t, err)
	return ca.leaf(key, time.Hour, names)
}

// Expired is as ECDSA, and its time was over half an hour ago.
func (ca *CA) Expired(names ...string) *Leaf {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(ca.t, err)
	return ca.leaf(key, -30*time.Minute, names)
}

// RSA makes a leaf with an RSA key of 2048 bits.
func (ca *CA) RSA(names ...string) *Leaf {
	ca.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(ca.t, err)
	return ca.leaf(key, time.Hour, names)
}

func (ca *CA) leaf(key crypto.Signer, left time.Duration, names []string) *Leaf {
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial.Add(1)), Subject: pkix.Name{CommonName: names[0], Organization: []string{"lbd tests"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(left),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.Cert, key.Public(), ca.key)
	must(ca.t, err)
	cert, err := x509.ParseCertificate(der)
	must(ca.t, err)
	return &Leaf{cert, key}
}

// PEM of the authority's certificate.
func (ca *CA) PEM() []byte { return block("CERTIFICATE", ca.Cert.Raw) }

// Pool that trusts the authority.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Cert)
	return p
}

// CRL is a list in PEM that revokes leaves; it is out of date with a negative left.
func (ca *CA) CRL(left time.Duration, revoked ...*Leaf) []byte {
	ca.t.Helper()
	tmpl := &x509.RevocationList{Number: big.NewInt(ca.serial.Add(1)), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(left)}
	for _, l := range revoked {
		tmpl.RevokedCertificateEntries = append(tmpl.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: l.Cert.SerialNumber, RevocationTime: time.Now().Add(-time.Minute),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, tmpl, ca.Cert, ca.key)
	must(ca.t, err)
	return block("X509 CRL", der)
}

// CertPEM is the leaf's certificate.
func (l *Leaf) CertPEM() []byte { return block("CERTIFICATE", l.Cert.Raw) }

// KeyPEM is the leaf's key, PKCS #8.
func (l *Leaf) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(l.Key)
	must(t, err)
	return block("PRIVATE KEY", der)
}

// PKCS12 is a bundle under a passphrase, "" for none.
func (l *Leaf) PKCS12(t testing.TB, passphrase string, chain ...*x509.Certificate) []byte {
	t.Helper()
	enc := pkcs12.Modern
	b, err := enc.Encode(l.Key, l.Cert, chain, passphrase)
	must(t, err)
	return b
}

// TLS is the leaf for a tls.Config.
func (l *Leaf) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{l.Cert.Raw}, PrivateKey: l.Key, Leaf: l.Cert}
}

func block(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
