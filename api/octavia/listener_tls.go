package octavia

import (
	"math"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// listenerTLS are the TLS attributes of a request about a listener.
type listenerTLS struct {
	certificate, clientCA, clientCRL, clientAuth, ciphers Opt[string]
	sni, tlsVersions, alpn                                Opt[[]string]
	hstsMaxAge                                            Opt[int]
	hstsSubdomains, hstsPreload                           Opt[bool]
}

func readListenerTLS(o *object) listenerTLS {
	return listenerTLS{
		certificate: o.text("default_tls_container_ref", 255), sni: o.texts("sni_container_refs", 255),
		clientAuth: o.word("client_authentication", "NONE", "OPTIONAL", "MANDATORY"),
		clientCA:   o.text("client_ca_tls_container_ref", 255), clientCRL: o.text("client_crl_container_ref", 255),
		ciphers: o.text("tls_ciphers", 2048), tlsVersions: o.texts("tls_versions", 32), alpn: o.alpn("alpn_protocols"),
		hstsMaxAge: o.integer("hsts_max_age", 0, math.MaxInt32), hstsSubdomains: o.boolean("hsts_include_subdomains"), hstsPreload: o.boolean("hsts_preload"),
	}
}

// given reports whether the request speaks of TLS at all.
func (t *listenerTLS) given() bool {
	return t.certificate.Set || t.sni.Set || t.clientAuth.Set || t.clientCA.Set || t.clientCRL.Set || t.ciphers.Set ||
		t.tlsVersions.Set || t.alpn.Set || t.hstsMaxAge.Set || t.hstsSubdomains.Set || t.hstsPreload.Set
}

// terminates reports whether TLS ends at a listener.
func terminates(protocol model.Protocol, t *model.ListenerTLS) bool {
	return protocol == model.TerminatedHTTPS || protocol == model.Prometheus && len(t.ServerKeys()) > 0
}

// newListenerTLS judges the attributes of a new listener; nil when all are at
// their defaults.
func (p *Part) newListenerTLS(c echo.Context, project model.ProjectID, protocol model.Protocol, in *listenerTLS) (*model.ListenerTLS, error) {
	n := &model.ListenerTLS{
		Certificate: in.certificate.V, SNI: in.sni.V, ClientAuth: in.clientAuth.Or("NONE"), ClientCA: in.clientCA.V, ClientCRL: in.clientCRL.V,
		Ciphers: in.ciphers.V, Versions: in.tlsVersions.V, ALPN: in.alpn.V, HSTSSubdomains: in.hstsSubdomains.V, HSTSPreload: in.hstsPreload.V,
	}
	if in.hstsMaxAge.Given() {
		n.HSTSMaxAge = &in.hstsMaxAge.V
	}
	if protocol == model.TerminatedHTTPS || terminates(protocol, n) {
		if !in.ciphers.Given() {
			n.Ciphers = defaultCiphers
		}
		if !in.tlsVersions.Given() {
			n.Versions = defaultVersions()
		}
		if !in.alpn.Given() {
			n.ALPN = defaultALPN()
		}
	}
	if err := p.checkListenerTLS(c, project, protocol, n, hstsOnCreate); err != nil {
		return nil, err
	}
	if !in.given() && protocol != model.TerminatedHTTPS {
		return nil, nil
	}
	return n, nil
}

// checkListenerTLS is rules 2, 4 to 9, 12 and 13 of contract 3.2, in their order.
func (p *Part) checkListenerTLS(c echo.Context, project model.ProjectID, protocol model.Protocol, n *model.ListenerTLS, hsts string) error {
	certificates := len(n.ServerKeys()) > 0
	datagram := protocol == model.UDP || protocol == model.SCTP
	may := protocol == model.TerminatedHTTPS || protocol == model.Prometheus
	switch {
	case datagram && certificates:
		return validation("%s protocol listener does not support TLS.", protocol)
	case !may && certificates:
		return validation("Certificate container references are not allowed on %s protocol listeners.", protocol)
	case n.ClientCA != "" && !certificates:
		return validation("An SNI or default certificate container reference must be provided with a client CA container reference.")
	case protocol == model.TerminatedHTTPS && !certificates:
		return validation("An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.")
	case n.ClientAuth != "NONE" && n.ClientAuth != "" && n.ClientCA == "":
		return validation("Client authentication setting %s requires a client CA container reference.", n.ClientAuth)
	case n.ClientCRL != "" && n.ClientCA == "":
		return validation("A client authentication CA reference is required to specify a client authentication revocation list.")
	}
	if err := checkCiphers(n.Ciphers); err != nil {
		return err
	}
	if err := p.checkListenerKeys(c, project, n); err != nil {
		return err
	}
	if terminates(protocol, n) {
		if err := checkVersions(n.Versions, n.Ciphers); err != nil {
			return err
		}
		if err := checkALPN(n.ALPN); err != nil {
			return err
		}
	}
	switch {
	case (n.HSTSSubdomains || n.HSTSPreload) && n.HSTSMaxAge == nil:
		return validation("%s", hsts)
	case n.HSTSMaxAge != nil && protocol != model.TerminatedHTTPS:
		return validation("The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.")
	}
	return nil
}

const (
	hstsOnCreate = "HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well."
	hstsOnUpdate = "Cannot enable hsts_include_subdomains or hsts_preload if hsts_max_age was not set as well."
)

// checkListenerKeys opens what the listener refers to.
func (p *Part) checkListenerKeys(c echo.Context, project model.ProjectID, n *model.ListenerTLS) error {
	k := &keyring{p, c, project}
	keys := slices.Clone(n.SNI) // the default is named last
	if n.Certificate != "" {
		keys = append(keys, n.Certificate)
	}
	src, err := k.fetch(keys)
	if err != nil {
		return err
	}
	for _, r := range keys {
		if _, err := k.pair(src[r]); err != nil {
			return err
		}
	}
	return k.authority(n.ClientCA, n.ClientCRL)
}

// patchListenerTLS judges a change of old; nil when the request has no TLS
// attribute. null resets to what a new listener of the protocol would have.
func (p *Part) patchListenerTLS(c echo.Context, old *model.Listener, in *listenerTLS) (*store.ListenerTLSPatch, error) {
	if !in.given() {
		return nil, nil
	}
	if err := checkTLSLists(in.tlsVersions, in.alpn); err != nil {
		return nil, err
	}
	var n model.ListenerTLS
	if old.TLS != nil {
		n = *old.TLS
	}
	patch := &store.ListenerTLSPatch{
		Certificate: in.certificate.Patch(""), SNI: patchList(in.sni, nil), ClientAuth: in.clientAuth.Patch("NONE"),
		ClientCA: in.clientCA.Patch(""), ClientCRL: in.clientCRL.Patch(""),
		Ciphers: in.ciphers.Patch(""), Versions: patchList(in.tlsVersions, nil), ALPN: patchList(in.alpn, nil),
		HSTSSubdomains: in.hstsSubdomains.Patch(false), HSTSPreload: in.hstsPreload.Patch(false),
	}
	if old.Protocol == model.TerminatedHTTPS {
		patch.Ciphers, patch.Versions, patch.ALPN = in.ciphers.Patch(defaultCiphers), patchList(in.tlsVersions, defaultVersions()), patchList(in.alpn, defaultALPN())
	}
	if in.hstsMaxAge.Set {
		patch.HSTSMaxAge = &store.IntOverride{}
		if !in.hstsMaxAge.Null {
			patch.HSTSMaxAge.Value = &in.hstsMaxAge.V
		}
	}
	patch.Apply(&n)
	if terminates(old.Protocol, &n) { // a PROMETHEUS listener may do so from now on
		if n.Ciphers == "" && !in.ciphers.Given() {
			patch.Ciphers = ptr(defaultCiphers)
		}
		if len(n.Versions) == 0 && !in.tlsVersions.Given() {
			patch.Versions = ptr(defaultVersions())
		}
		if len(n.ALPN) == 0 && !in.alpn.Given() {
			patch.ALPN = ptr(defaultALPN())
		}
		patch.Apply(&n)
	}
	if err := p.checkListenerTLS(c, old.Project, old.Protocol, &n, hstsOnUpdate); err != nil {
		return nil, err
	}
	return patch, nil
}

// tlsOf is a listener's attributes, or those of one that has set none.
func tlsOf(x *model.Listener) *model.ListenerTLS {
	if x.TLS == nil {
		return &model.ListenerTLS{}
	}
	return x.TLS
}

// listenerTLSAttrs are the TLS attributes in the order that responses have them
// in two groups: certificates, and the rest.
func listenerCertificateAttrs() []attr[*model.Listener] {
	of := func(get func(*model.ListenerTLS) any) func(*seen, *model.Listener) any {
		return func(_ *seen, x *model.Listener) any { return get(tlsOf(x)) }
	}
	return []attr[*model.Listener]{
		{name: "default_tls_container_ref", get: of(func(t *model.ListenerTLS) any { return text(t.Certificate) })},
		{name: "sni_container_refs", get: of(func(t *model.ListenerTLS) any { return append([]string{}, t.SNI...) }), use: relation},
	}
}

func listenerClientAttrs() []attr[*model.Listener] {
	of := func(get func(*model.ListenerTLS) any) func(*seen, *model.Listener) any {
		return func(_ *seen, x *model.Listener) any { return get(tlsOf(x)) }
	}
	return []attr[*model.Listener]{
		{name: "client_ca_tls_container_ref", get: of(func(t *model.ListenerTLS) any { return text(t.ClientCA) })},
		{name: "client_authentication", get: of(func(t *model.ListenerTLS) any {
			if t.ClientAuth == "" {
				return "NONE"
			}
			return t.ClientAuth
		})},
		{name: "client_crl_container_ref", get: of(func(t *model.ListenerTLS) any { return text(t.ClientCRL) })},
	}
}

func listenerTLSAttrs() []attr[*model.Listener] {
	of := func(get func(*model.ListenerTLS) any) func(*seen, *model.Listener) any {
		return func(_ *seen, x *model.Listener) any { return get(tlsOf(x)) }
	}
	return []attr[*model.Listener]{
		{name: "tls_ciphers", get: of(func(t *model.ListenerTLS) any { return text(t.Ciphers) })},
		{name: "tls_versions", get: of(func(t *model.ListenerTLS) any { return listOrNull(t.Versions) })},
		{name: "alpn_protocols", get: of(func(t *model.ListenerTLS) any { return listOrNull(t.ALPN) })},
		{name: "hsts_max_age", get: of(func(t *model.ListenerTLS) any {
			if t.HSTSMaxAge == nil {
				return nil
			}
			return *t.HSTSMaxAge
		})},
		{name: "hsts_include_subdomains", get: of(func(t *model.ListenerTLS) any { return t.HSTSSubdomains })},
		{name: "hsts_preload", get: of(func(t *model.ListenerTLS) any { return t.HSTSPreload })},
	}
}

func listOrNull(s []string) any {
	if len(s) == 0 {
		return nil
	}
	return s
}
