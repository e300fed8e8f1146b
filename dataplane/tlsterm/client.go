package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"lbd/internal/certs"
	"lbd/store/model"
)

// Client is how a pool speaks TLS to its members.
//
// As with Octavia's HAProxy: with a CA the member's chain must lead to it, without
// one nothing is verified; names are not compared, since members are given by
// address. The server name that the client asked of the listener is passed on.
type Client struct {
	base *tls.Config // for what speaks HTTP/1.1
	both *tls.Config // for what may speak HTTP/2 as well; nil: nothing may
}

// OffersHTTP2 reports whether members may be spoken to in HTTP/2. A nil Client's may not.
func (c *Client) OffersHTTP2() bool { return c != nil && c.both != nil }

func newClient(t *model.PoolTLS, find find, keys Keys) (*Client, error) {
	versions, err := versionIDs(t.Versions)
	if err != nil {
		return nil, err
	}
	alpn, err := protocols(t.ALPN, "h2", "http/1.1", "http/1.0")
	if err != nil {
		return nil, err
	}
	pool, revoked, err := authority(t.CA, t.CRL, find, keys)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		NextProtos: alpn, CipherSuites: certs.Ciphers(t.Ciphers), MinVersion: versions[0], MaxVersion: versions[len(versions)-1],
		DynamicRecordSizingDisabled: true, ClientSessionCache: tls.NewLRUClientSessionCache(memberSessions),
		InsecureSkipVerify: true, // VerifyConnection does what is wanted, without the name
	}
	if t.Ciphers == "" {
		cfg.CipherSuites = nil
	}
	if pool != nil {
		cfg.VerifyConnection = func(st tls.ConnectionState) error { return verifyMember(pool, revoked, st) }
	}
	if t.Certificate != "" {
		src, err := find(t.Certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", t.Certificate, err)
		}
		c, err := certs.KeyPair(keys, src)
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", t.Certificate, err)
		}
		cfg.Certificates = []tls.Certificate{*c}
	}
	c := &Client{base: cfg}
	if slices.Contains(alpn, "h2") {
		c.both = cfg.Clone()
		cfg.NextProtos = slices.DeleteFunc(slices.Clone(alpn), func(p string) bool { return p == "h2" })
	}
	return c, nil
}

func verifyMember(pool *x509.CertPool, revoked *certs.Revocations, st tls.ConnectionState) error {
	if len(st.PeerCertificates) == 0 {
		return errors.New("the member shows no certificate")
	}
	opts := x509.VerifyOptions{Roots: pool, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, c := range st.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := st.PeerCertificates[0].Verify(opts)
	if err != nil {
		return fmt.Errorf("verify the member: %w", err)
	}
	return notRevoked(revoked, chains)
}

// Config is for a connection to addr (the key of remembered sessions) with the
// server name sni, "" for none.
func (c *Client) Config(sni string) *tls.Config {
	if sni == "" {
		return c.base
	}
	cfg := c.base.Clone()
	cfg.ServerName = sni
	return cfg
}
