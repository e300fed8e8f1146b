package octavia

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/deps"
	"lbd/api/keymanager"
	"lbd/internal/certs"
	"lbd/store"
	"lbd/store/model"
)

// WithKeys lets the part look into the key manager: TLS references are judged
// by what they lead to. It returns p.
func (p *Part) WithKeys(seal deps.Sealer) *Part {
	p.keys = seal
	return p
}

// keyring opens the references of one request, for one project.
type keyring struct {
	p       *Part
	c       echo.Context
	project model.ProjectID
}

// fetch follows refs as the caller may; those that lead nowhere for them are
// named together, as one refusal.
func (k *keyring) fetch(refs []string) (map[string]certs.Source, error) {
	out := make(map[string]certs.Source, len(refs))
	var missing []string
	now := time.Now()
	me := caller(k.c)
	k.p.read.Read(func(st *store.State) {
		secret := func(id model.SecretID) (*model.Secret, bool) {
			s, ok := st.Secret(id)
			return s, ok && !s.Expired(now) && keymanager.MayUseSecret(me, k.project, s)
		}
		container := func(id model.ContainerID) (*model.Container, bool) {
			x, ok := st.Container(id)
			return x, ok && keymanager.MayUseContainer(me, k.project, x)
		}
		for _, r := range refs {
			s, err := certs.Find(r, secret, container)
			if err != nil || k.p.keys == nil {
				missing = append(missing, shorten(r))
				continue
			}
			out[r] = s
		}
	})
	if len(missing) > 0 {
		return nil, invalid("Could not retrieve certificate: %s", pythonList(missing))
	}
	return out, nil
}

func (k *keyring) pair(s certs.Source) (*tls.Certificate, error) {
	c, err := certs.KeyPair(k.p.keys, s)
	switch {
	case errors.Is(err, certs.ErrBundle):
		return nil, invalid("The PKCS12 bundle is unreadable. Please check the PKCS12 bundle validity. In addition, make sure it does not require a pass phrase. Error: %s",
			why(err))
	case err != nil:
		return nil, validation("The certificate is not usable: %s.", why(err))
	}
	return c, nil
}

// why is an error without what wraps it for programs.
func why(err error) string {
	return strings.TrimPrefix(err.Error(), certs.ErrBundle.Error()+": ")
}

// authority reads CA certificates and the revocation list that goes with them
// (crl "" for none). The refusals are those of client authentication, for pools too.
func (k *keyring) authority(ca, crl string) error {
	if ca == "" {
		return nil
	}
	refs := []string{ca}
	if crl != "" {
		refs = append(refs, crl)
	}
	src, err := k.fetch(refs)
	if err != nil {
		return err
	}
	b, err := certs.Payload(k.p.keys, src[ca])
	var list []*x509.Certificate
	if err == nil {
		list, err = certs.Authorities(b)
	}
	if err != nil {
		return validation("The client authentication CA certificate is invalid. It must be a valid x509 PEM format certificate. Error: %s", why(err))
	}
	if crl == "" {
		return nil
	}
	var l *x509.RevocationList
	if b, err = certs.Payload(k.p.keys, src[crl]); err == nil {
		l, err = certs.RevocationList(b)
	}
	if err != nil {
		return validation("The client authentication certificate revocation list is invalid. It must be a valid x509 PEM format certificate revocation list. Error: %s", why(err))
	}
	if certs.SignedBy(l, list) != nil {
		return validation("The CRL specified is not valid for client certificate authority reference supplied.")
	}
	return nil
}
