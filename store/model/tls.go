package model

import "strings"

// ListenerTLS are the TLS attributes of a listener, as the API shows them. Refs
// are kept as they were sent; the uuid at their end is what counts.
type ListenerTLS struct {
	Certificate string   `json:"certificate,omitempty"` // default_tls_container_ref
	SNI         []string `json:"sni,omitempty"`
	// ClientAuth is NONE (or ""), OPTIONAL or MANDATORY.
	ClientAuth string `json:"client_auth,omitempty"`
	ClientCA   string `json:"client_ca,omitempty"`
	ClientCRL  string `json:"client_crl,omitempty"`

	Ciphers  string   `json:"ciphers,omitempty"`  // OpenSSL's cipher list
	Versions []string `json:"versions,omitempty"` // SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3
	ALPN     []string `json:"alpn,omitempty"`     // h2, http/1.1, http/1.0

	// HSTSMaxAge in seconds; nil sends no Strict-Transport-Security.
	HSTSMaxAge     *int `json:"hsts_max_age,omitempty"`
	HSTSSubdomains bool `json:"hsts_subdomains,omitempty"`
	HSTSPreload    bool `json:"hsts_preload,omitempty"`
}

// ServerKeys are the refs to certificates with keys: the default, then SNI.
func (t *ListenerTLS) ServerKeys() []string {
	if t == nil {
		return nil
	}
	out := make([]string, 0, 1+len(t.SNI))
	if t.Certificate != "" {
		out = append(out, t.Certificate)
	}
	return append(out, t.SNI...)
}

// Refs are all refs to the key manager; none of a nil t.
func (t *ListenerTLS) Refs() []string {
	if t == nil {
		return nil
	}
	return append(t.ServerKeys(), some(t.ClientCA, t.ClientCRL)...)
}

// PoolTLS are the attributes of TLS from a pool to its members.
type PoolTLS struct {
	Enabled     bool     `json:"enabled,omitempty"`
	Certificate string   `json:"certificate,omitempty"` // shown to members
	CA          string   `json:"ca,omitempty"`          // members are verified with it; "" verifies none
	CRL         string   `json:"crl,omitempty"`
	Ciphers     string   `json:"ciphers,omitempty"`
	Versions    []string `json:"versions,omitempty"`
	ALPN        []string `json:"alpn,omitempty"`
}

// Refs are all refs to the key manager; none of a nil t.
func (t *PoolTLS) Refs() []string {
	if t == nil {
		return nil
	}
	return some(t.Certificate, t.CA, t.CRL)
}

func some(refs ...string) (out []string) {
	for _, r := range refs {
		if r != "" {
			out = append(out, r)
		}
	}
	return out
}

// KeyID is the id of a secret or container that a ref ends with. Host and path
// before it do not matter: a ref may have been made through another address.
func KeyID(ref string) (string, bool) {
	ref = strings.TrimSuffix(ref, "/")
	if i := strings.LastIndexByte(ref, '/'); i >= 0 {
		ref = ref[i+1:]
	}
	if len(ref) != 36 {
		return "", false
	}
	for i := range len(ref) {
		c := ref[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return "", false
		}
	}
	return strings.ToLower(ref), true
}
