// Package seal encrypts what must not be on disk in clear: the payloads of
// secrets. A cluster has one seal key, in the identity file of each node; what
// is sealed on one node opens on every other, and nowhere else.
//
//	plaintext ──Seal(id)──► version | nonce | XChaCha20-Poly1305 ──Open(id)──► plaintext
//
// Keys for a purpose are derived from the seal key (HKDF-SHA-256), so that none
// is used twice and a new purpose or version needs no new key in the identity.
package seal
