package peerca

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrWrongCA is returned by a handshake with a member of another cluster.
var ErrWrongCA = errors.New("its CA is not the one the join token names")

// ErrNotMember is returned by a handshake with something that is no lbd node.
var ErrNotMember = errors.New("it does not show a cluster certificate")

// PinTLS is a client configuration that accepts any node whose chain ends in
// the CA with the given hash, and nothing else. When hash is nil the CA of the
// first connection is taken and then kept; seen is called with its hash on every
// connection. The name the client dialled is not checked: the CA is the identity.
func PinTLS(hash *[sha256.Size]byte, seen func([sha256.Size]byte)) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The chain is verified below, against the pinned CA instead of a name.
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			ca, err := pick(cs.PeerCertificates, hash)
			if err != nil {
				return err
			}
			if _, err := ca.VerifyPeer(cs.PeerCertificates, x509.ExtKeyUsageServerAuth, time.Now()); err != nil {
				return err
			}
			if seen != nil {
				seen(ca.Hash())
			}
			return nil
		},
	}
}

// pick finds the pinned CA in a chain, or its last CA when nothing is pinned.
func pick(chain []*x509.Certificate, hash *[sha256.Size]byte) (*CA, error) {
	found := false
	for i := len(chain) - 1; i > 0; i-- {
		if !chain[i].IsCA {
			continue
		}
		found = true
		ca := &CA{cert: chain[i]}
		have := ca.Hash()
		if hash == nil || hmac.Equal(have[:], hash[:]) {
			return ca, nil
		}
	}
	if found {
		return nil, ErrWrongCA
	}
	return nil, ErrNotMember
}

// Code is the six-digit code by which an admin recognises a waiting node: both
// sides compute it from the CA they see and the key of the node, so that someone
// in the middle, who must show another CA or another key, shows another code. It
// is slow on purpose (about 50 ms): six digits must not be found by trying keys.
func Code(caHash [sha256.Size]byte, pub *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	b, err := pbkdf2.Key(sha256.New, string(der), caHash[:], codeRounds, 8)
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(b)%1_000_000), nil
}
