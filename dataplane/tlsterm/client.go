package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

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

	pair  *tls.Certificate // shown to members; nil: none
	trust *trust           // who signs for members; nil: nothing is verified
	stale error            // why some of it is from before; nil: none is
}

// OffersHTTP2 reports whether members may be spoken to in HTTP/2. A nil Client's may not.
func (c *Client) OffersHTTP2() bool { return c != nil && c.both != nil }

// newClient makes what t asks for. What cannot be loaded is as it was before (nil:
// there is nothing), and stale says so.
func newClient(t *model.PoolTLS, find find, keys Keys, before *Client) (*Client, error) {
	versions, err := versionIDs(t.Versions)
	if err != nil {
		return nil, err
	}
	alpn, err := protocols(t.ALPN, "h2", "http/1.1", "http/1.0")
	if err != nil {
		return nil, err
	}
	c := &Client{}
	if err := c.load(t, find, keys, before); err != nil {
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
	if tr := c.trust; tr != nil {
		cfg.VerifyConnection = func(st tls.ConnectionState) error { return verifyMember(tr.pool, tr.revoked, st) }
	}
	if c.pair != nil {
		cfg.Certificates = []tls.Certificate{*c.pair}
	}
	c.base = cfg
	if slices.Contains(alpn, "h2") {
		c.both, c.base = cfg, withoutHTTP2(cfg)
	}
	return c, nil
}

// load opens what t refers to. What was not verified before does not stand in for
// what should be.
func (c *Client) load(t *model.PoolTLS, find find, keys Keys, before *Client) (err error) {
	if before == nil {
		before = &Client{}
	}
	if c.trust, err = loadTrust(authorities{t.CA, t.CRL}, find, keys); err != nil {
		if before.trust == nil {
			return err
		}
		c.trust, c.stale = before.trust, err
	}
	if t.Certificate == "" {
		return nil
	}
	now := time.Now()
	c.pair, err = pair(t.Certificate, find, keys)
	if err == nil && before.pair != nil && expired(now, before.pair) == nil {
		err = expired(now, c.pair)
	}
	if err != nil {
		if before.pair == nil {
			return err
		}
		c.pair, c.stale = before.pair, also(c.stale, err)
	}
	return nil
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
