// Package tlsterm holds what TLS needs: certificates by name, versions and
// ciphers, client authentication, tickets, and the same towards members. It
// makes tls.Configs; moving bytes is netio's part.
//
//	model.Listener + sealed secrets ──Store.Server──► Server ──Config──► handshake
//	model.Pool     + sealed secrets ──Store.Client──► Client ──Config──► handshake
//
// Unsealed keys exist here, in memory, and nowhere else. A Server is immutable
// but for its ticket keys; a changed certificate makes a new one, for handshakes
// that begin after the swap, while connections go on with what they agreed on.
// What cannot be loaded does not end what goes on: certificates and authorities of
// before stay in use, nothing weaker does, and the listener or pool says why.
package tlsterm
