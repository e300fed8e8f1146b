package tlsterm

import (
	"crypto/tls"
	"slices"
)

// adequate reports whether HTTP/2 may be carried by a suite: RFC 9113 appendix A bans
// all of TLS 1.2 that crypto/tls has but those with ephemeral keys and an AEAD.
func adequate(id uint16) bool {
	switch id {
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
		return true
	}
	return slices.ContainsFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool {
		return s.ID == id && slices.Equal(s.SupportedVersions, []uint16{tls.VersionTLS13})
	})
}

// splitBySuite has HTTP/2 offered by e with adequate suites alone: a session that is
// resumed brings its suite along. Who has none of them in common gets the rest of
// them, in weak, without HTTP/2. Nothing changes where it makes no difference.
func (e *edition) splitBySuite() {
	if !slices.Contains(e.NextProtos, "h2") || !slices.Contains(e.versions, tls.VersionTLS12) {
		return
	}
	had := e.CipherSuites
	if had == nil {
		for _, s := range tls.CipherSuites() {
			had = append(had, s.ID)
		}
	}
	good := slices.DeleteFunc(slices.Clone(had), func(id uint16) bool { return !adequate(id) })
	if len(good) == len(had) {
		return
	}
	e.weak = withoutHTTP2(e.Config)
	e.Config = e.Clone()
	e.CipherSuites = good
}

// offer is what of e a client is served by. The hello's own configuration is e.Config.
func (e *edition) offer(h *tls.ClientHelloInfo) *tls.Config {
	switch {
	case e.weak == nil:
		return e.Config
	case !slices.Contains(h.SupportedProtos, "h2"):
		return e.weak
	}
	able := *h
	able.ServerName = "" // whether the name fits is not the question
	if c, err := e.GetCertificate(h); err != nil || able.SupportsCertificate(c) != nil {
		return e.weak
	}
	return e.Config
}
