package peerca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// CA signs the certificates of one cluster.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey // nil when only the certificate is known
}

// NewCA makes a CA for a cluster, valid for ten years (P-256).
func NewCA(cluster string, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "lbd cluster " + cluster},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(caLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make CA certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make CA certificate: %w", err)
	}
	return &CA{cert, key}, nil
}

// LoadCA reads a CA from PEM. keyPEM may be empty: such a CA verifies and does
// not sign.
func LoadCA(certPEM, keyPEM []byte) (*CA, error) {
	cert, err := ParseCertificate(certPEM)
	if err != nil {
		return nil, fmt.Errorf("read CA: %w", err)
	}
	if !cert.IsCA {
		return nil, errors.New("read CA: the certificate is not one of a CA")
	}
	ca := &CA{cert: cert}
	if len(keyPEM) == 0 {
		return ca, nil
	}
	if ca.key, err = ParseKey(keyPEM); err != nil {
		return nil, fmt.Errorf("read CA: %w", err)
	}
	if !ca.key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("read CA: key and certificate do not belong together")
	}
	return ca, nil
}

// CertPEM is the CA certificate.
func (c *CA) CertPEM() []byte { return encodeCert(c.cert.Raw) }

// KeyPEM is the CA's private key.
func (c *CA) KeyPEM() ([]byte, error) { return EncodeKey(c.key) }

// Hash is the SHA-256 of the CA certificate: what tokens carry and clients pin.
func (c *CA) Hash() [sha256.Size]byte { return sha256.Sum256(c.cert.Raw) }

// Fingerprint is Hash in hex.
func (c *CA) Fingerprint() string {
	h := c.Hash()
	return hex.EncodeToString(h[:])
}

// Pool has just this CA.
func (c *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.cert)
	return p
}

// ParseCertificate reads one PEM certificate.
func ParseCertificate(b []byte) (*x509.Certificate, error) {
	block, err := decodePEM(b, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(block)
}

// NewKey makes a P-256 key.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// EncodeKey as PEM, PKCS#8.
func EncodeKey(k *ecdsa.PrivateKey) ([]byte, error) {
	if k == nil {
		return nil, errors.New("encode key: there is none")
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads what EncodeKey made.
func ParseKey(b []byte) (*ecdsa.PrivateKey, error) {
	der, err := decodePEM(b, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse key: %w", err)
	}
	ec, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("parse key: want ECDSA, have %T", k)
	}
	return ec, nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func decodePEM(b []byte, kind string) ([]byte, error) {
	if len(b) > maxPEM {
		return nil, fmt.Errorf("parse PEM: %d bytes, at most %d allowed", len(b), maxPEM)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("parse PEM: no %s block", kind)
	}
	return block.Bytes, nil
}

func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}
