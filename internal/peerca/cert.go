package peerca

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// NodeName is the certificate name of a node id.
func NodeName(id string) string { return id + domain }

// NodeID is the node a certificate speaks for.
func NodeID(cert *x509.Certificate) (string, bool) {
	for _, n := range cert.DNSNames {
		if id, ok := strings.CutSuffix(n, domain); ok && id != "" {
			return id, true
		}
	}
	return "", false
}

// NewCSR makes a signing request for key, PEM. Its names are not asked for: the
// CA decides them.
func NewCSR(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "lbd node"},
	}, key)
	if err != nil {
		return nil, fmt.Errorf("make signing request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// ParseCSR checks a request's signature and returns its public key.
func ParseCSR(b []byte) (*ecdsa.PublicKey, error) {
	der, err := decodePEM(b, "CERTIFICATE REQUEST")
	if err != nil {
		return nil, err
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("parse signing request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("parse signing request: %w", err)
	}
	pub, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("parse signing request: want an ECDSA key, have %T", r.PublicKey)
	}
	return pub, nil
}

// Sign makes a node certificate, PEM, valid for a year. hosts are the names and
// addresses the node is reached by, with or without a port.
func (c *CA) Sign(pub *ecdsa.PublicKey, id string, hosts []string, now time.Time) ([]byte, error) {
	if c.key == nil {
		return nil, errors.New("sign node certificate: the CA key is not here")
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "lbd node " + id},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(NodeLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{NodeName(id)},
	}
	for _, h := range hosts {
		if host, _, err := net.SplitHostPort(h); err == nil {
			h = host
		}
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else if h != "" && !strings.HasSuffix(h, domain) && !slices.Contains(tmpl.DNSNames, h) {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, pub, c.key)
	if err != nil {
		return nil, fmt.Errorf("sign node certificate: %w", err)
	}
	return encodeCert(der), nil
}

// TLS makes a node's certificate ready for use, with the CA at the end of the
// chain so that a client can pin it by hash.
func (c *CA) TLS(certPEM, keyPEM []byte) (tls.Certificate, error) {
	cert, err := tls.X509KeyPair(append(slices.Clone(certPEM), c.CertPEM()...), keyPEM)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load node certificate: %w", err)
	}
	if cert.Leaf == nil {
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return tls.Certificate{}, fmt.Errorf("load node certificate: %w", err)
		}
	}
	return cert, nil
}

// VerifyPeer checks a presented chain against this CA and returns the node it
// speaks for. usage is what the other side is: ExtKeyUsageServerAuth or ...ClientAuth.
func (c *CA) VerifyPeer(chain []*x509.Certificate, usage x509.ExtKeyUsage, now time.Time) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("verify peer: it shows no certificate")
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: c.Pool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return "", fmt.Errorf("verify peer: %w", err)
	}
	id, ok := NodeID(chain[0])
	if !ok {
		return "", errors.New("verify peer: its certificate names no node")
	}
	return id, nil
}
