package certs

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"sync"

	"golang.org/x/crypto/scrypt"
)

// What a key may ask for, about half a second at most.
const (
	maxIterations   = 1_000_000 // of PBKDF2
	maxScryptWork   = 1 << 20   // N r p; OpenSSL writes 1 << 17
	maxScryptMemory = 64 << 20  // bytes: 128 N r
)

var (
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

// pbkdf2Params is PBKDF2-params with a given salt (RFC 8018 A.2).
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// scryptParams is scrypt-params (RFC 7914 section 7).
type scryptParams struct {
	Salt      []byte
	N, R, P   int
	KeyLength int `asn1:"optional"`
}

// derive makes the key of size bytes that how says of passphrase.
func derive(how pkix.AlgorithmIdentifier, passphrase []byte, size int) ([]byte, error) {
	switch {
	case how.Algorithm.Equal(oidPBKDF2):
		var p pbkdf2Params
		if _, err := asn1.Unmarshal(how.Parameters.FullBytes, &p); err != nil {
			return nil, errUnreadable
		}
		return p.key(passphrase, size)
	case how.Algorithm.Equal(oidScrypt):
		var p scryptParams
		if _, err := asn1.Unmarshal(how.Parameters.FullBytes, &p); err != nil {
			return nil, errUnreadable
		}
		return p.key(passphrase, size)
	}
	return nil, fmt.Errorf("private keys encrypted with a key derived by %s are not supported", how.Algorithm)
}

func (p *pbkdf2Params) key(passphrase []byte, size int) ([]byte, error) {
	newHash := prf(p.PRF.Algorithm)
	switch {
	case p.Iterations < 1 || p.KeyLength != 0 && p.KeyLength != size:
		return nil, errUnreadable
	case p.Iterations > maxIterations:
		return nil, fmt.Errorf("the private key asks for %d iterations, at most %d are made", p.Iterations, maxIterations)
	case newHash == nil:
		return nil, fmt.Errorf("private keys encrypted with a key derived by %s are not supported", p.PRF.Algorithm)
	}
	key, err := pbkdf2.Key(newHash, string(passphrase), p.Salt, p.Iterations, size)
	if err != nil {
		return nil, fmt.Errorf("derive the key: %w", err)
	}
	return key, nil
}

// oneScrypt: however many ask at once, the memory is used once.
var oneScrypt sync.Mutex

func (p *scryptParams) key(passphrase []byte, size int) ([]byte, error) {
	if p.N < 2 || p.N&(p.N-1) != 0 || p.R < 1 || p.P < 1 || p.KeyLength != 0 && p.KeyLength != size {
		return nil, errUnreadable
	}
	// Divided, because products may overflow.
	if p.N > maxScryptMemory/128/p.R || p.P > maxScryptWork/p.N/p.R {
		return nil, fmt.Errorf("the private key asks for scrypt with N %d, r %d and p %d: too much memory or work", p.N, p.R, p.P)
	}
	oneScrypt.Lock()
	defer oneScrypt.Unlock()
	key, err := scrypt.Key(passphrase, p.Salt, p.N, p.R, p.P, size)
	if err != nil {
		return nil, fmt.Errorf("derive the key: %w", err)
	}
	return key, nil
}

// prf is the hash of PBKDF2's HMAC; SHA-1 when none is named.
func prf(oid asn1.ObjectIdentifier) func() hash.Hash {
	switch oid.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}
