package store

import (
	"strings"

	"lbd/store/model"
)

// ListenerTLSPatch changes TLS attributes of a listener; nil leaves alone.
type ListenerTLSPatch struct {
	Certificate    *string      `json:"certificate,omitempty"`
	SNI            *[]string    `json:"sni,omitempty"`
	ClientAuth     *string      `json:"client_auth,omitempty"`
	ClientCA       *string      `json:"client_ca,omitempty"`
	ClientCRL      *string      `json:"client_crl,omitempty"`
	Ciphers        *string      `json:"ciphers,omitempty"`
	Versions       *[]string    `json:"versions,omitempty"`
	ALPN           *[]string    `json:"alpn,omitempty"`
	HSTSMaxAge     *IntOverride `json:"hsts_max_age,omitempty"`
	HSTSSubdomains *bool        `json:"hsts_subdomains,omitempty"`
	HSTSPreload    *bool        `json:"hsts_preload,omitempty"`
}

// IntOverride replaces a number; a nil Value removes it.
type IntOverride struct {
	Value *int `json:"value"`
}

// on is old with the patch on it; neither is changed.
func (p *ListenerTLSPatch) on(old *model.ListenerTLS) *model.ListenerTLS {
	var n model.ListenerTLS
	if old != nil {
		n = *old
	}
	p.Apply(&n)
	return &n
}

// Apply changes n.
func (p *ListenerTLSPatch) Apply(n *model.ListenerTLS) {
	set(&n.Certificate, p.Certificate)
	set(&n.SNI, p.SNI)
	set(&n.ClientAuth, p.ClientAuth)
	set(&n.ClientCA, p.ClientCA)
	set(&n.ClientCRL, p.ClientCRL)
	set(&n.Ciphers, p.Ciphers)
	set(&n.Versions, p.Versions)
	set(&n.ALPN, p.ALPN)
	if p.HSTSMaxAge != nil {
		n.HSTSMaxAge = p.HSTSMaxAge.Value
	}
	set(&n.HSTSSubdomains, p.HSTSSubdomains)
	set(&n.HSTSPreload, p.HSTSPreload)
}

// PoolTLSPatch changes TLS attributes of a pool; nil leaves alone.
type PoolTLSPatch struct {
	Enabled     *bool     `json:"enabled,omitempty"`
	Certificate *string   `json:"certificate,omitempty"`
	CA          *string   `json:"ca,omitempty"`
	CRL         *string   `json:"crl,omitempty"`
	Ciphers     *string   `json:"ciphers,omitempty"`
	Versions    *[]string `json:"versions,omitempty"`
	ALPN        *[]string `json:"alpn,omitempty"`
}

func (p *PoolTLSPatch) on(old *model.PoolTLS) *model.PoolTLS {
	var n model.PoolTLS
	if old != nil {
		n = *old
	}
	p.Apply(&n)
	return &n
}

// Apply changes n.
func (p *PoolTLSPatch) Apply(n *model.PoolTLS) {
	set(&n.Enabled, p.Enabled)
	set(&n.Certificate, p.Certificate)
	set(&n.CA, p.CA)
	set(&n.CRL, p.CRL)
	set(&n.Ciphers, p.Ciphers)
	set(&n.Versions, p.Versions)
	set(&n.ALPN, p.ALPN)
}

// checkListenerTLS checks what must hold whatever else was applied since the API
// looked: references lead somewhere, and attributes that need each other are
// there together.
func (t *tx) checkListenerTLS(protocol model.Protocol, n *model.ListenerTLS) error {
	certificates := len(n.ServerKeys()) > 0
	if protocol == model.TerminatedHTTPS && !certificates {
		return invalidf("An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.")
	}
	if n == nil {
		return nil
	}
	switch {
	case n.ClientCA != "" && !certificates:
		return invalidf("An SNI or default certificate container reference must be provided with a client CA container reference.")
	case n.ClientAuth != "" && n.ClientAuth != "NONE" && n.ClientCA == "":
		return invalidf("Client authentication setting %s requires a client CA container reference.", n.ClientAuth)
	case n.ClientCRL != "" && n.ClientCA == "":
		return invalidf("A client authentication CA reference is required to specify a client authentication revocation list.")
	}
	return t.checkRefs(n.Refs())
}

func (t *tx) checkPoolTLS(n *model.PoolTLS) error {
	if n == nil {
		return nil
	}
	if n.CRL != "" && n.CA == "" {
		return invalidf("A CA reference is required to specify a certificate revocation list.")
	}
	return t.checkRefs(n.Refs())
}

// checkRefs wants every ref to lead to a payload.
func (t *tx) checkRefs(refs []string) error {
	var missing []string
	for _, r := range refs {
		if !t.st.hasPayload(r) {
			missing = append(missing, "'"+r+"'")
		}
	}
	if len(missing) > 0 {
		return invalidf("Could not retrieve certificate: [%s]", strings.Join(missing, ", "))
	}
	return nil
}

func (st *State) hasPayload(ref string) bool {
	id, ok := model.KeyID(ref)
	if !ok {
		return false
	}
	if s, ok := st.secrets[model.SecretID(id)]; ok {
		return len(s.Sealed) > 0
	}
	c, ok := st.containers[model.ContainerID(id)]
	if !ok || len(c.Secrets) == 0 {
		return false
	}
	for _, r := range c.Secrets {
		if len(st.secrets[r.Secret].Sealed) == 0 {
			return false
		}
	}
	return true
}

func (st *State) useKeys(user ref, refs []string) {
	for _, r := range refs {
		if id, ok := model.KeyID(r); ok {
			st.keyUsers.add(id, user)
		}
	}
}

func (st *State) freeKeys(user ref, refs []string) {
	for _, r := range refs {
		if id, ok := model.KeyID(r); ok {
			st.keyUsers.remove(id, user)
		}
	}
}

// KeyMaterial are the secrets and containers that refs lead to, by id, each once.
func (st *State) KeyMaterial(refs []string) (secrets []*model.Secret, containers []*model.Container) {
	wanted, boxes := map[model.SecretID]bool{}, map[model.ContainerID]bool{}
	for _, r := range refs {
		id, ok := model.KeyID(r)
		if !ok {
			continue
		}
		wanted[model.SecretID(id)] = true
		if c, ok := st.containers[model.ContainerID(id)]; ok {
			boxes[c.ID] = true
			for _, r := range c.Secrets {
				wanted[r.Secret] = true
			}
		}
	}
	for _, id := range sortedKeys(boxes) {
		containers = append(containers, st.containers[id])
	}
	for _, id := range sortedKeys(wanted) {
		if s, ok := st.secrets[id]; ok {
			secrets = append(secrets, s)
		}
	}
	return secrets, containers
}
