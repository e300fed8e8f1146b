package rewrite

import "lbd/dataplane/route"

// tlsField gives the value of an insert_headers name about the client's
// certificate (contract 3.2); nil for another name.
func tlsField(name string) func(*route.TLSPeer) string {
	switch name {
	case "X-SSL-Client-Verify":
		return func(p *route.TLSPeer) string {
			if p.VerifyResult == 0 {
				return "0"
			}
			return "1"
		}
	case "X-SSL-Client-Has-Cert":
		return func(p *route.TLSPeer) string {
			if p.HasCert {
				return "1"
			}
			return "0"
		}
	case "X-SSL-Client-DN":
		return func(p *route.TLSPeer) string { return p.DN }
	case "X-SSL-Client-CN":
		return func(p *route.TLSPeer) string { return p.CN }
	case "X-SSL-Issuer":
		return func(p *route.TLSPeer) string { return p.Issuer }
	case "X-SSL-Client-SHA1":
		return func(p *route.TLSPeer) string { return p.SHA1 }
	case "X-SSL-Client-Not-Before":
		return func(p *route.TLSPeer) string { return p.NotBefore }
	case "X-SSL-Client-Not-After":
		return func(p *route.TLSPeer) string { return p.NotAfter }
	}
	return nil
}

// appendClean appends what a certificate says, which may be anything, without
// what could end the field.
func appendClean(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == 0x7f {
			c = '?'
		}
		dst = append(dst, c)
	}
	return dst
}
