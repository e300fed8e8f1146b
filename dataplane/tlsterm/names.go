package tlsterm

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"strings"
)

// names finds certificates by server name: exactly, by a wildcard for the first
// label, or the default.
type names struct {
	exact, wild map[string][]*tls.Certificate // wild by what follows "*."
	fallback    []*tls.Certificate
}

// newNames takes the default first. Certificates that share a name are
// alternatives: the client's abilities decide.
func newNames(all []*tls.Certificate) *names {
	n := &names{exact: map[string][]*tls.Certificate{}, wild: map[string][]*tls.Certificate{}}
	for _, c := range all {
		for _, name := range namesOf(c) {
			if rest, ok := strings.CutPrefix(name, "*."); ok {
				n.wild[rest] = append(n.wild[rest], c)
			} else {
				n.exact[name] = append(n.exact[name], c)
			}
		}
	}
	n.fallback = all[:1]
	if first := namesOf(all[0]); len(first) > 0 {
		if same := n.find(first[0]); len(same) > 0 {
			n.fallback = same
		}
	}
	return n
}

// namesOf are a certificate's host names, lower case; its common name only where
// it has no others.
func namesOf(c *tls.Certificate) []string {
	var out []string
	for _, d := range c.Leaf.DNSNames {
		out = append(out, strings.ToLower(d))
	}
	if cn := c.Leaf.Subject.CommonName; len(out) == 0 && cn != "" {
		out = append(out, strings.ToLower(cn))
	}
	return out
}

// find gives the alternatives for a lower-case name; none when nothing fits.
func (n *names) find(name string) []*tls.Certificate {
	if c := n.exact[name]; len(c) > 0 {
		return c
	}
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		return n.wild[rest]
	}
	if _, rest, ok := strings.Cut(name, "."); ok {
		return n.wild[rest]
	}
	return nil
}

// choose implements tls.Config.GetCertificate.
func (n *names) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	found := n.find(ServerName(hello.ServerName))
	if len(found) == 0 {
		found = n.fallback
	}
	if len(found) == 1 {
		return found[0], nil
	}
	// A P-256 signature costs a thirtieth of an RSA one.
	able := *hello
	able.ServerName = "" // whether the name fits has been decided
	for _, cheap := range []bool{true, false} {
		for _, c := range found {
			if isCheap(c) == cheap && able.SupportsCertificate(c) == nil {
				return c, nil
			}
		}
	}
	return found[0], nil
}

func isCheap(c *tls.Certificate) bool {
	switch c.Leaf.PublicKey.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// ServerName is the name a client asked for in its normal form.
func ServerName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
