package tlsterm

import (
	"crypto/sha1" //nolint:gosec // a name for a certificate, as Octavia's header has it; nothing is trusted for it
	"crypto/tls"
	"encoding/hex"
	"strings"
	"time"

	"lbd/dataplane/route"
)

// Peer is what a handshake told about the client.
func Peer(st *tls.ConnectionState) *route.TLSPeer {
	p := &route.TLSPeer{ServerName: ServerName(st.ServerName)}
	if len(st.PeerCertificates) == 0 {
		return p
	}
	c := st.PeerCertificates[0]
	sum := sha1.Sum(c.Raw) //nolint:gosec // see above
	p.HasCert = true       // and accepted: the handshake fails otherwise
	p.DN, p.CN, p.Issuer = c.Subject.String(), c.Subject.CommonName, c.Issuer.String()
	p.SHA1 = strings.ToUpper(hex.EncodeToString(sum[:]))
	p.NotBefore, p.NotAfter = asn1Time(c.NotBefore), asn1Time(c.NotAfter)
	p.Fields = map[string]string{}
	for _, a := range c.Subject.Names {
		name, known := attributeNames()[a.Type.String()]
		if text, ok := a.Value.(string); ok && known && p.Fields[name] == "" {
			p.Fields[name] = text
		}
	}
	return p
}

// asn1Time is a time as certificates have it.
func asn1Time(t time.Time) string { return t.UTC().Format("060102150405Z") }

// attributeNames are OpenSSL's short names of the usual attributes.
func attributeNames() map[string]string {
	return map[string]string{
		"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
		"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "1.2.840.113549.1.9.1": "emailAddress",
		"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
	}
}
