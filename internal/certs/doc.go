// Package certs turns what the key manager keeps into what TLS needs: chains
// with their keys from PKCS #12 bundles or PEM, authorities, revocation lists.
// The API uses it to judge a reference, the data plane to load it: what one
// accepts the other serves. It does no I/O and keeps no state.
package certs
