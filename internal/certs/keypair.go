package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Parts are the named contents of a certificate container.
type Parts struct {
	Certificate, PrivateKey, Intermediates []byte
	// Passphrase is what the private key is under, if it is.
	Passphrase []byte
}

// ErrPassphrase is returned for a private key that is protected by a passphrase
// when none is given.
var ErrPassphrase = errors.New("the private key is protected by a passphrase")

// FromPKCS12 reads a bundle without a passphrase: key, certificate, chain.
func FromPKCS12(b []byte) (*tls.Certificate, error) {
	if err := bounded(b, 0); err != nil {
		return nil, err
	}
	if err := unhidden(b); err != nil {
		return nil, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(b, "")
	if err != nil {
		return nil, fmt.Errorf("read PKCS #12: %w", err)
	}
	c := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	for _, x := range chain {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	return c, fit(c)
}

// FromParts reads the contents of a certificate container: PEM or DER, the chain
// behind the certificate or in the intermediates.
func FromParts(p Parts) (*tls.Certificate, error) {
	certs, err := certificates(p.Certificate)
	if err != nil {
		return nil, err
	}
	if len(p.PrivateKey) == 0 {
		return nil, errors.New("there is no private key")
	}
	key, err := privateKey(p.PrivateKey, p.Passphrase)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{PrivateKey: key, Leaf: certs[0]}
	if len(bytes.TrimSpace(p.Intermediates)) > 0 {
		more, err := certificates(p.Intermediates)
		if err != nil {
			return nil, fmt.Errorf("intermediates: %w", err)
		}
		certs = append(certs, more...)
	}
	for _, x := range certs {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	return c, fit(c)
}

// FromPEM reads one text that holds key and certificates.
func FromPEM(b []byte) (*tls.Certificate, error) {
	return FromParts(Parts{Certificate: b, PrivateKey: b})
}

// LooksLikePEM tells text from a binary bundle.
func LooksLikePEM(b []byte) bool { return bytes.Contains(b, []byte("-----BEGIN ")) }

// certificates reads all of a PEM text, or one in DER.
func certificates(b []byte) ([]*x509.Certificate, error) {
	if !LooksLikePEM(b) {
		x, err := x509.ParseCertificate(b)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		return []*x509.Certificate{x}, nil
	}
	var out []*x509.Certificate
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		x, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		return nil, errors.New("there is no certificate in the PEM text")
	}
	return out, nil
}

// privateKey reads the first key of a PEM text, or one in DER.
func privateKey(b, passphrase []byte) (crypto.PrivateKey, error) {
	if !LooksLikePEM(b) {
		if key, err := derKey(b); err == nil || !isLocked(b) {
			return key, err
		}
		return unlock(&pem.Block{Type: lockedType, Bytes: b}, passphrase)
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return unlock(block, passphrase)
			}
			return derKey(block.Bytes)
		case lockedType:
			return unlock(block, passphrase)
		}
	}
	return nil, errors.New("there is no private key in the PEM text")
}

func derKey(b []byte) (crypto.PrivateKey, error) {
	if k, err := x509.ParsePKCS8PrivateKey(b); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(b); err == nil {
		return k, nil
	}
	k, err := x509.ParseECPrivateKey(b)
	if err != nil {
		return nil, errUnreadable
	}
	return k, nil
}

// fit checks that key and certificate belong together and TLS can use them.
func fit(c *tls.Certificate) error {
	key, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return fmt.Errorf("private keys of type %T are not supported", c.PrivateKey)
	}
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(c.Leaf.PublicKey) {
		return errors.New("the private key does not belong to the certificate")
	}
	switch k := key.Public().(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return fmt.Errorf("an RSA key of %d bits is too short, %d are needed", k.N.BitLen(), minRSA)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return fmt.Errorf("public keys of type %T are not supported", k)
	}
	return nil
}

// minRSA is the shortest RSA key crypto/tls signs with, in bits.
const minRSA = 1024
