package peerca

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// keySize of every symmetric key, bytes.
const keySize = 32

// Secrets are the keys all nodes of a cluster share. They live in the identity
// file of each node and travel only in the answer to a join.
type Secrets struct {
	// CAKey signs node certificates; PEM, PKCS#8.
	CAKey []byte `json:"ca_key"`
	// JoinKey authenticates join tokens.
	JoinKey []byte `json:"join_key"`
	// TokenKey signs the API's tokens.
	TokenKey []byte `json:"token_key"`
	// SealKey seals secrets in the store.
	SealKey []byte `json:"seal_key"`
}

// NewSecrets makes fresh symmetric keys; the CA key is the caller's.
func NewSecrets(caKey []byte) (Secrets, error) {
	s := Secrets{CAKey: caKey}
	for _, k := range []*[]byte{&s.JoinKey, &s.TokenKey, &s.SealKey} {
		*k = make([]byte, keySize)
		if _, err := rand.Read(*k); err != nil {
			return Secrets{}, fmt.Errorf("make cluster keys: %w", err)
		}
	}
	return s, nil
}

// Encode for the identity file and the join answer.
func (s Secrets) Encode() ([]byte, error) { return json.Marshal(s) }

// DecodeSecrets reads what Encode made and checks that nothing is missing.
func DecodeSecrets(b []byte) (Secrets, error) {
	var s Secrets
	if err := json.Unmarshal(b, &s); err != nil {
		return Secrets{}, fmt.Errorf("decode cluster keys: %w", err)
	}
	if len(s.CAKey) == 0 || len(s.JoinKey) != keySize || len(s.TokenKey) != keySize || len(s.SealKey) != keySize {
		return Secrets{}, fmt.Errorf("decode cluster keys: a key is missing or has the wrong size")
	}
	return s, nil
}

// String keeps the keys out of logs.
func (Secrets) String() string { return "[cluster keys]" }

// GoString keeps the keys out of %#v.
func (Secrets) GoString() string { return "[cluster keys]" }
