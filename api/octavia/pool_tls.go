package octavia

import (
	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// poolTLS are the attributes of TLS to members in a request about a pool.
type poolTLS struct {
	enabled                       Opt[bool]
	certificate, ca, crl, ciphers Opt[string]
	versions, alpn                Opt[[]string]
}

func readPoolTLS(o *object) poolTLS {
	return poolTLS{
		enabled: o.boolean("tls_enabled"), certificate: o.text("tls_container_ref", 255), ca: o.text("ca_tls_container_ref", 255),
		crl: o.text("crl_container_ref", 255), ciphers: o.text("tls_ciphers", 2048), versions: o.texts("tls_versions", 32),
		alpn: o.alpn("alpn_protocols"),
	}
}

func (t *poolTLS) given() bool {
	return t.enabled.Set || t.certificate.Set || t.ca.Set || t.crl.Set || t.ciphers.Set || t.versions.Set || t.alpn.Set
}

// newPoolTLS judges the attributes of a new pool; nil when all are at their defaults.
func (p *Part) newPoolTLS(c echo.Context, project model.ProjectID, protocol model.Protocol, in *poolTLS) (*model.PoolTLS, error) {
	if !in.given() {
		return nil, nil
	}
	n := &model.PoolTLS{
		Enabled: in.enabled.Or(false), Certificate: in.certificate.V, CA: in.ca.V, CRL: in.crl.V,
		Ciphers: in.ciphers.V, Versions: in.versions.V, ALPN: in.alpn.V,
	}
	if n.Enabled {
		if !in.ciphers.Given() {
			n.Ciphers = defaultCiphers
		}
		if !in.versions.Given() {
			n.Versions = defaultVersions()
		}
		if !in.alpn.Given() {
			n.ALPN = defaultALPN()
		}
		if err := checkALPN(n.ALPN); err != nil {
			return nil, err
		}
	}
	if n.CRL != "" && n.CA == "" {
		return nil, validation("A CA certificate reference is required to specify a revocation list.")
	}
	return n, p.checkPoolTLS(c, project, protocol, n)
}

func (p *Part) checkPoolTLS(c echo.Context, project model.ProjectID, protocol model.Protocol, n *model.PoolTLS) error {
	if err := checkCiphers(n.Ciphers); err != nil {
		return err
	}
	k := &keyring{p, c, project}
	if n.Certificate != "" {
		src, err := k.fetch([]string{n.Certificate})
		if err != nil {
			return err
		}
		if _, err := k.pair(src[n.Certificate]); err != nil {
			return err
		}
	}
	if err := k.authority(n.CA, n.CRL); err != nil {
		return err
	}
	if !n.Enabled {
		return nil
	}
	if protocol != model.HTTP {
		return unsupported("tls_enabled on %s protocol pools", protocol)
	}
	return checkVersions(n.Versions, n.Ciphers)
}

// patchPoolTLS judges a change of old; nil when the request has no TLS attribute.
func (p *Part) patchPoolTLS(c echo.Context, old *model.Pool, in *poolTLS) (*store.PoolTLSPatch, error) {
	if !in.given() {
		return nil, nil
	}
	var n model.PoolTLS
	if old.TLS != nil {
		n = *old.TLS
	}
	enabled := n.Enabled && !in.enabled.Set || in.enabled.Or(false)
	patch := &store.PoolTLSPatch{
		Enabled: in.enabled.Patch(false), Certificate: in.certificate.Patch(""), CA: in.ca.Patch(""), CRL: in.crl.Patch(""),
		Ciphers: in.ciphers.Patch(""), Versions: patchList(in.versions, nil), ALPN: patchList(in.alpn, nil),
	}
	if enabled { // what is not there is at its default, but for ALPN: without it members get HTTP/1.1
		if in.ciphers.Null || !in.ciphers.Set && n.Ciphers == "" {
			patch.Ciphers = ptr(defaultCiphers)
		}
		if in.versions.Null || !in.versions.Set && n.Versions == nil {
			patch.Versions = ptr(defaultVersions())
		}
	}
	if err := checkTLSLists(in.versions, in.alpn); err != nil {
		return nil, err
	}
	patch.Apply(&n)
	switch {
	case n.CRL == "" || n.CA != "":
	case in.crl.Given():
		return nil, validation("A CA reference is required to specify a certificate revocation list.")
	default:
		return nil, validation("A CA reference cannot be removed when a certificate revocation list is present.")
	}
	return patch, p.checkPoolTLS(c, old.Project, old.Protocol, &n)
}

func ptr[T any](v T) *T { return &v }

func poolTLSAttrs() []attr[*model.Pool] {
	of := func(get func(*model.PoolTLS) any) func(*seen, *model.Pool) any {
		return func(_ *seen, x *model.Pool) any {
			if x.TLS == nil {
				return get(&model.PoolTLS{})
			}
			return get(x.TLS)
		}
	}
	return []attr[*model.Pool]{
		{name: "tls_container_ref", get: of(func(t *model.PoolTLS) any { return text(t.Certificate) })},
		{name: "ca_tls_container_ref", get: of(func(t *model.PoolTLS) any { return text(t.CA) })},
		{name: "crl_container_ref", get: of(func(t *model.PoolTLS) any { return text(t.CRL) })},
		{name: "tls_enabled", get: of(func(t *model.PoolTLS) any { return t.Enabled })},
		{name: "tls_ciphers", get: of(func(t *model.PoolTLS) any { return text(t.Ciphers) })},
		{name: "tls_versions", get: of(func(t *model.PoolTLS) any { return listOrNull(t.Versions) })},
		{name: "alpn_protocols", get: of(func(t *model.PoolTLS) any { return listOrNull(t.ALPN) })},
	}
}
