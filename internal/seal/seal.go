package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// keySize of the seal key and of every derived key, bytes.
const keySize = 32

// versionOne is the first byte of a box: XChaCha20-Poly1305 with a random
// 24-byte nonce, under the key derived for purposeSecrets.
const versionOne = 1

// Purposes of derived keys. Never reuse or change one.
const (
	purposeSecrets = "lbd secret payload v1"
)

// ErrSealed is returned when a box cannot be opened: damaged, moved to another
// object, or sealed by another cluster.
var ErrSealed = errors.New("sealed with another key or damaged")

// Sealer seals and opens under one cluster key. Safe for concurrent use.
type Sealer struct {
	root []byte
	one  cipher.AEAD
}

// New takes the cluster's seal key (32 bytes).
func New(key []byte) (*Sealer, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("seal key of %d bytes, want %d", len(key), keySize)
	}
	s := &Sealer{root: append([]byte(nil), key...)}
	k, err := s.Derive(purposeSecrets)
	if err != nil {
		return nil, err
	}
	if s.one, err = chacha20poly1305.NewX(k); err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return s, nil
}

// Derive makes the key for a purpose, 32 bytes, the same on every node.
func (s *Sealer) Derive(purpose string) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, s.root, nil, purpose, keySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return k, nil
}

// Seal encrypts plain for the object with that id. Two calls never give the
// same box.
func (s *Sealer) Seal(id string, plain []byte) ([]byte, error) {
	box := make([]byte, 1+s.one.NonceSize(), 1+s.one.NonceSize()+len(plain)+s.one.Overhead())
	box[0] = versionOne
	nonce := box[1:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return s.one.Seal(box, nonce, plain, []byte(id)), nil
}

// Open decrypts what Seal made for the same id.
func (s *Sealer) Open(id string, box []byte) ([]byte, error) {
	if len(box) < 1+s.one.NonceSize()+s.one.Overhead() || box[0] != versionOne {
		return nil, ErrSealed
	}
	nonce := box[1 : 1+s.one.NonceSize()]
	plain, err := s.one.Open(nil, nonce, box[1+s.one.NonceSize():], []byte(id))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// String keeps the key out of logs.
func (*Sealer) String() string { return "[seal key]" }

// GoString keeps the key out of %#v.
func (*Sealer) GoString() string { return "[seal key]" }
