package tlsterm

import (
	"crypto/tls"
	"slices"
)

// edition is how TLS ends for clients that have one of versions.
type edition struct {
	versions []uint16
	*tls.Config
	weak *tls.Config // for those with whom HTTP/2 is not secure enough; nil: there are none
}

// editions of cfg, which has all versions, in ascending order: one as a rule.
//
// HTTP/2 needs TLS 1.2 (RFC 9113 section 9.2): older clients get an edition that does
// not offer it. It has all versions, too, so that a client that was made to look old
// learns of the newer ones (RFC 7507, RFC 8446 section 4.1.3). Where the versions have
// a gap each has an edition of its own, the newest first: crypto/tls knows a range.
func editions(cfg *tls.Config, versions []uint16) (all []edition) {
	if int(versions[len(versions)-1]-versions[0]) >= len(versions) {
		for _, v := range slices.Backward(versions) {
			one := cfg.Clone()
			if v < tls.VersionTLS12 {
				one = withoutHTTP2(cfg)
			}
			one.MinVersion, one.MaxVersion = v, v
			all = append(all, edition{versions: []uint16{v}, Config: one})
		}
		return all
	}
	at, _ := slices.BinarySearch(versions, tls.VersionTLS12)
	if at == 0 || !slices.Contains(cfg.NextProtos, "h2") {
		return []edition{{versions: versions, Config: cfg}}
	}
	if at < len(versions) {
		all = append(all, edition{versions: versions[at:], Config: cfg})
	}
	return append(all, edition{versions: versions[:at], Config: withoutHTTP2(cfg)})
}

func withoutHTTP2(cfg *tls.Config) *tls.Config {
	one := cfg.Clone()
	one.NextProtos = slices.DeleteFunc(slices.Clone(cfg.NextProtos), func(p string) bool { return p == "h2" })
	return one
}

// choose implements tls.Config.GetConfigForClient: the newest version that both sides
// have decides. A client that says it has fallen back gets the newest edition, which
// refuses it.
func (s *Server) choose(h *tls.ClientHelloInfo) (*tls.Config, error) {
	if !slices.Contains(h.CipherSuites, tls.TLS_FALLBACK_SCSV) {
		for i := range s.editions {
			e := &s.editions[i]
			if slices.ContainsFunc(e.versions, func(v uint16) bool { return slices.Contains(h.SupportedVersions, v) }) {
				return e.offer(h), nil
			}
		}
	}
	e := s.editions[0]
	if e.weak == nil {
		return e.Config, nil
	}
	return e.weak, nil // it has a suite for whoever it refuses
}
