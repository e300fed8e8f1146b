package certs

import (
	"crypto/tls"
	"slices"
	"strings"
)

// suite is a cipher suite of TLS up to 1.2 with OpenSSL's name and the keywords
// that select it in a cipher list.
type suite struct {
	id       uint16
	name     string
	keywords []string
}

// suites are those that crypto/tls has, in its order of preference. The DHE
// suites and those of static DH, PSK, SRP, CAMELLIA and CCM do not exist here.
func suites() []suite {
	gcm, cbc := []string{"AESGCM", "AEAD"}, []string{"CBC"}
	k := func(lists ...[]string) []string { return slices.Concat(lists...) }
	ecdsa, rsa, plain := []string{"ECDHE", "EECDH", "kECDHE", "ECDSA", "aECDSA"}, []string{"ECDHE", "EECDH", "kECDHE", "aRSA"}, []string{"RSA", "kRSA", "aRSA"}
	a128, a256 := []string{"AES", "AES128", "HIGH"}, []string{"AES", "AES256", "HIGH"}
	chacha := []string{"CHACHA20", "AEAD", "HIGH"}
	sha, sha256, sha384 := []string{"SHA", "SHA1"}, []string{"SHA256"}, []string{"SHA384"}
	return []suite{
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", k(ecdsa, a128, gcm, sha256)},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", k(rsa, a128, gcm, sha256)},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", k(ecdsa, a256, gcm, sha384)},
		{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", k(rsa, a256, gcm, sha384)},
		{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", k(ecdsa, chacha, sha256)},
		{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", k(rsa, chacha, sha256)},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", k(ecdsa, a128, cbc, sha)},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", k(rsa, a128, cbc, sha)},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", k(ecdsa, a256, cbc, sha)},
		{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", k(rsa, a256, cbc, sha)},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", k(ecdsa, a128, cbc, sha256)},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", k(rsa, a128, cbc, sha256)},
		{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", k(plain, a128, gcm, sha256)},
		{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", k(plain, a256, gcm, sha384)},
		{tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", k(plain, a128, cbc, sha)},
		{tls.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", k(plain, a256, cbc, sha)},
		{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", k(plain, a128, cbc, sha256)},
	}
}

// Ciphers reads an OpenSSL cipher list ("ECDHE+AESGCM:!SHA1") and returns the
// suites of TLS up to 1.2 that it selects and crypto/tls has; never nil. What it
// does not know selects nothing, as in OpenSSL. The suites of TLS 1.3 are not
// subject to such a list, and the order of preference is crypto/tls's own.
func Ciphers(list string) []uint16 {
	all := suites()
	var chosen, banned []uint16
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		op := word[0]
		if op == '!' || op == '-' || op == '+' {
			word = word[1:]
		}
		if strings.HasPrefix(word, "@") {
			continue // a strategy, not a suite
		}
		for _, s := range all {
			if !s.matches(word) {
				continue
			}
			switch op {
			case '!':
				banned = append(banned, s.id)
			case '-':
				chosen = slices.DeleteFunc(chosen, func(id uint16) bool { return id == s.id })
			case '+': // moves to the end: the order is not ours
			default:
				chosen = append(chosen, s.id)
			}
		}
	}
	out := []uint16{}
	for _, s := range all {
		if slices.Contains(chosen, s.id) && !slices.Contains(banned, s.id) {
			out = append(out, s.id)
		}
	}
	return out
}

// matches: a name, a keyword, or keywords joined by "+", all of which must apply.
func (s suite) matches(word string) bool {
	if word == s.name || word == "ALL" || word == "DEFAULT" {
		return true
	}
	for k := range strings.SplitSeq(word, "+") {
		if !slices.Contains(s.keywords, k) {
			return false
		}
	}
	return true
}
