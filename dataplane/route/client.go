package route

import "net/netip"

// Client is what rules may know of the connection a request came on. It is made
// once per connection and shared by its requests.
type Client struct {
	Remote, Local netip.AddrPort
	TLS           *TLSPeer // nil without TLS
}

// TLSPeer is what a TLS handshake told about the client.
type TLSPeer struct {
	ServerName string // SNI, lower case, "" when none was sent
	// HasCert: the client showed a certificate. VerifyResult is 0 when it was
	// accepted, else the number that X.509 verification ended with (those of
	// OpenSSL's verify(1), which Octavia's rules compare with).
	HasCert      bool
	VerifyResult int
	// Of the client's certificate, "" without one. DN and Issuer are in RFC 2253
	// form, SHA1 in upper-case hex, the times as YYMMDDhhmmss[Z].
	DN, CN, Issuer, SHA1, NotBefore, NotAfter string
	// Fields are the subject's attributes by short name: CN, O, OU, C, ST, L, ...
	Fields map[string]string
}
