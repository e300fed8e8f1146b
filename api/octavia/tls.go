package octavia

import (
	"strings"

	"lbd/internal/certs"
)

// What listeners and pools have in common of TLS (contract 3.2, 3.3).

// defaultCiphers is Octavia's list for those who give none.
const defaultCiphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:" +
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"

func defaultVersions() []string { return []string{"TLSv1.2", "TLSv1.3"} }

func defaultALPN() []string { return []string{"h2", "http/1.1", "http/1.0"} }

func checkCiphers(s string) error {
	const others = "-+!:@=_."
	if strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(others, r)
	}) {
		return validation("Invalid characters in cipher string. Only alphanumeric, -, +, !, :, @, =, _, and . are allowed.")
	}
	return nil
}

var tlsVersions = []string{"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

// checkVersions judges the versions and ciphers of something that speaks TLS.
func checkVersions(versions []string, ciphers string) error {
	if err := checkVersionNames(versions); err != nil {
		return err
	}
	switch {
	case contains(versions, "SSLv3"):
		return unsupported("tls_versions SSLv3")
	case !contains(versions, "TLSv1.3") && len(certs.Ciphers(ciphers)) == 0:
		return unsupported("tls_ciphers without a cipher that is known here: %s", shorten(ciphers))
	}
	return nil
}

func checkVersionNames(versions []string) error {
	if len(versions) == 0 {
		return validation("Empty TLS version list. Either specify at least one TLS version or remove this parameter to use the default.")
	}
	var bad []string
	for _, v := range versions {
		if !contains(tlsVersions, v) {
			bad = append(bad, shorten(v))
		}
	}
	if len(bad) > 0 {
		return validation("Invalid TLS versions: %s", shorten(strings.Join(bad, ", ")))
	}
	return nil
}

// checkTLSLists judges the lists of an update, whether TLS ends here or not: only at
// creation do they go unread where it does not.
func checkTLSLists(versions, alpn Opt[[]string]) error {
	if versions.Given() {
		if err := checkVersionNames(versions.V); err != nil {
			return err
		}
	}
	if alpn.Given() {
		return checkALPN(alpn.V)
	}
	return nil
}

// checkALPN judges the protocols of a listener or pool that speaks TLS. With h2 alone a
// client that does not offer it is still served in HTTP/1.1, as by HAProxy.
func checkALPN(protocols []string) error {
	if len(protocols) == 0 {
		return validation("Empty ALPN protocol list. Either specify at least one ALPN protocol or remove this parameter to use the default.")
	}
	return nil
}

// alpn takes a list of protocol ids.
func (o *object) alpn(key string) Opt[[]string] {
	return list(o, key, func(raw []byte) (string, string) {
		s, reason := parseWord(raw, []string{"h2", "http/1.1", "http/1.0"})
		if reason != "" {
			return "", "Value should be a valid ALPN protocol ID"
		}
		return s, ""
	})
}
