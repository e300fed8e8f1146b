package octavia

import (
	"fmt"
	"math"
	"strings"

	"lbd/store/model"
)

// headersHTTP may be inserted by HTTP listeners; headersTLS only where the
// client's TLS ends, too.
var (
	headersHTTP = []string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-IP", "X-Client-IP", "X-Real-IP"}
	headersTLS  = []string{
		"X-SSL-Client-Verify", "X-SSL-Client-Has-Cert", "X-SSL-Client-DN", "X-SSL-Client-CN",
		"X-SSL-Issuer", "X-SSL-Client-SHA1", "X-SSL-Client-Not-Before", "X-SSL-Client-Not-After",
	}
)

// checkHeaders is rule 1 of contract 3.2. shown is how the verb's message
// prints the list of bad names.
func checkHeaders(protocol model.Protocol, headers map[string]string, shown string) error {
	if len(headers) == 0 {
		return nil
	}
	if protocol != model.HTTP && protocol != model.TerminatedHTTPS {
		return validation("insert-headers is not a valid option for a %s protocol listener.", protocol)
	}
	var unknown, needTLS []string
	for _, k := range sortedKeys(headers) {
		switch {
		case contains(headersHTTP, k):
		case contains(headersTLS, k):
			needTLS = append(needTLS, k)
		default:
			unknown = append(unknown, shorten(k))
		}
	}
	switch {
	case len(unknown) > 0:
		return notValidOption(shorten(fmt.Sprintf(shown, pythonList(unknown))), "insert_headers")
	case len(needTLS) > 0 && protocol == model.HTTP:
		return invalid("%s is not a valid option for %s protocol listener.", pythonList(needTLS), protocol)
	}
	return nil
}

// listenerTLS are the attributes of TLS listeners, which this data plane does
// not have yet. They are read to be judged.
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

// refuse answers for TLS attributes: with Octavia's 400 where a listener of
// this protocol may not have them, with 501 where it might.
func (t *listenerTLS) refuse(protocol model.Protocol) error {
	terminates := protocol == model.TerminatedHTTPS || protocol == model.Prometheus
	certificates := t.certificate.Or("") != "" || len(t.sni.V) > 0
	clients := t.clientCA.Or("") != "" || t.clientCRL.Or("") != ""
	datagram := protocol == model.UDP || protocol == model.SCTP
	switch {
	case datagram && (certificates || clients):
		return validation("%s protocol listener does not support TLS.", protocol)
	case !terminates && (certificates || clients):
		return validation("Certificate container references are not allowed on %s protocol listeners.", protocol)
	case clients && !certificates:
		return validation("An SNI or default certificate container reference must be provided with a client CA container reference.")
	case protocol == model.TerminatedHTTPS && !certificates:
		return validation("An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.")
	case t.clientAuth.Or("NONE") != "NONE" && t.clientCA.Or("") == "":
		return validation("Client authentication setting %s requires a client CA container reference.", t.clientAuth.V)
	case t.clientCRL.Or("") != "" && t.clientCA.Or("") == "":
		return validation("A client authentication CA reference is required to specify a client authentication revocation list.")
	}
	if err := checkCiphers(t.ciphers.Or("")); err != nil {
		return err
	}
	switch {
	case (t.hstsSubdomains.Or(false) || t.hstsPreload.Or(false)) && !t.hstsMaxAge.Given():
		return validation("HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well.")
	case t.hstsMaxAge.Given() && protocol != model.TerminatedHTTPS:
		return validation("The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.")
	case terminates:
		return nil // the protocol itself is refused
	case t.ciphers.Or("") != "":
		return unsupported("tls_ciphers")
	case len(t.tlsVersions.V) > 0:
		return unsupported("tls_versions")
	case len(t.alpn.V) > 0:
		return unsupported("alpn_protocols")
	}
	return nil
}

func checkCiphers(s string) error {
	const others = "-+!:@=_."
	if strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(others, r)
	}) {
		return validation("Invalid characters in cipher string. Only alphanumeric, -, +, !, :, @, =, _, and . are allowed.")
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
