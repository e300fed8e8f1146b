package certs

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Authorities reads one or more CA certificates, PEM or DER.
func Authorities(b []byte) ([]*x509.Certificate, error) { return certificates(b) }

// RevocationList reads a CRL, PEM or DER.
func RevocationList(b []byte) (*x509.RevocationList, error) {
	if LooksLikePEM(b) {
		block, rest := pem.Decode(b)
		for block != nil && block.Type != "X509 CRL" {
			block, rest = pem.Decode(rest)
		}
		if block == nil {
			return nil, errors.New("there is no X509 CRL in the PEM text")
		}
		b = block.Bytes
	}
	l, err := x509.ParseRevocationList(b)
	if err != nil {
		return nil, fmt.Errorf("read revocation list: %w", err)
	}
	return l, nil
}

// ErrCRLIssuer is returned when none of the authorities has signed the list.
var ErrCRLIssuer = errors.New("the revocation list is not signed by the authority")

// SignedBy checks that one of the authorities has made the list.
func SignedBy(l *x509.RevocationList, authorities []*x509.Certificate) error {
	for _, ca := range authorities {
		if l.CheckSignatureFrom(ca) == nil {
			return nil
		}
	}
	return ErrCRLIssuer
}

// Revocations judge chains by one list. The zero value accepts everything.
type Revocations struct {
	issuer  string // raw
	revoked map[string]bool
	until   time.Time // zero: no end
}

// NewRevocations compiles a list.
func NewRevocations(l *x509.RevocationList) *Revocations {
	r := &Revocations{issuer: string(l.RawIssuer), revoked: make(map[string]bool, len(l.RevokedCertificateEntries)), until: l.NextUpdate}
	for _, e := range l.RevokedCertificateEntries {
		r.revoked[string(e.SerialNumber.Bytes())] = true
	}
	return r
}

// Why a chain is not accepted.
var (
	ErrRevoked    = errors.New("certificate revoked")
	ErrCRLExpired = errors.New("revocation list has expired")
)

// Check judges a verified chain, leaf first. A list past its next update fails
// everything its authority has signed: who depends on it must keep it fresh.
func (r *Revocations) Check(chain []*x509.Certificate, now time.Time) error {
	if r == nil || r.revoked == nil {
		return nil
	}
	for _, c := range chain {
		if string(c.RawIssuer) != r.issuer {
			continue
		}
		if r.revoked[string(c.SerialNumber.Bytes())] {
			return ErrRevoked
		}
		if !r.until.IsZero() && now.After(r.until) {
			return ErrCRLExpired
		}
	}
	return nil
}
