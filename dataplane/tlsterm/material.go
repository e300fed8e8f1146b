package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"lbd/internal/certs"
)

// authorities are refs: to CA certificates, and to a revocation list of theirs ("" for
// none).
type authorities struct{ ca, crl string }

// trust is what authorities lead to.
type trust struct {
	from    authorities
	pool    *x509.CertPool
	revoked *certs.Revocations // nil: nothing is
}

// loadTrust gives nil where no CA is named.
func loadTrust(from authorities, find find, keys Keys) (*trust, error) {
	if from.ca == "" {
		return nil, nil
	}
	list, err := load(from.ca, find, keys, certs.Authorities)
	if err != nil {
		return nil, fmt.Errorf("CA %s: %w", from.ca, err)
	}
	tr := &trust{from: from, pool: x509.NewCertPool()}
	for _, c := range list {
		tr.pool.AddCert(c)
	}
	if from.crl == "" {
		return tr, nil
	}
	l, err := load(from.crl, find, keys, certs.RevocationList)
	if err == nil {
		err = certs.SignedBy(l, list)
	}
	if err != nil {
		return nil, fmt.Errorf("revocation list %s: %w", from.crl, err)
	}
	tr.revoked = certs.NewRevocations(l)
	return tr, nil
}

func load[T any](ref string, find find, keys Keys, parse func([]byte) (T, error)) (T, error) {
	var none T
	src, err := find(ref)
	if err != nil {
		return none, err
	}
	b, err := certs.Payload(keys, src)
	if err != nil {
		return none, err
	}
	return parse(b)
}

// pair loads a certificate with its key.
func pair(ref string, find find, keys Keys) (*tls.Certificate, error) {
	src, err := find(ref)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", ref, err)
	}
	c, err := certs.KeyPair(keys, src)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", ref, err)
	}
	return c, nil
}

// expired names the first of pairs whose time is over. Where nothing better is there
// it is served none the less: whether to go on is the client's to decide.
func expired(now time.Time, pairs ...*tls.Certificate) error {
	for _, c := range pairs {
		if now.After(c.Leaf.NotAfter) {
			return fmt.Errorf("the certificate of %q expired on %s", c.Leaf.Subject.CommonName, c.Leaf.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// also adds a reason to those that are there.
func also(err, more error) error {
	if err == nil {
		return more
	}
	return fmt.Errorf("%w; %w", err, more)
}
