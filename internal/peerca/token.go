package peerca

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A join token is "lbd1." and the base64url of
//
//	32 bytes  SHA-256 of the CA certificate
//	 8 bytes  end of validity, Unix seconds, big endian
//	16 bytes  random
//	32 bytes  HMAC-SHA-256 of all before, with the cluster's join key
//
// Every member can check it without having seen it before.
const (
	tokenPrefix = "lbd1."
	nonceSize   = 16
	tokenBody   = sha256.Size + 8 + nonceSize
	tokenSize   = tokenBody + sha256.Size
)

// Errors of tokens.
var (
	// ErrTokenFormat is returned for what is not a token at all.
	ErrTokenFormat = errors.New("the join token is malformed")
	// ErrTokenExpired is returned for a token that was good once.
	ErrTokenExpired = errors.New("the join token has expired")
	// ErrTokenForeign is returned for a token of another cluster or a forged one.
	ErrTokenForeign = errors.New("the join token is not of this cluster")
)

// Token is the readable part of a join token.
type Token struct {
	CAHash  [sha256.Size]byte
	Expires time.Time // whole seconds, UTC
	nonce   [nonceSize]byte
	mac     [sha256.Size]byte
}

// NewToken makes a token that admits nodes until expires.
func NewToken(caHash [sha256.Size]byte, key []byte, expires time.Time) (string, error) {
	t := Token{CAHash: caHash, Expires: expires}
	if _, err := rand.Read(t.nonce[:]); err != nil {
		return "", fmt.Errorf("make join token: %w", err)
	}
	t.mac = t.sum(key)
	return t.encode(), nil
}

// ParseToken reads a token without judging it.
func ParseToken(s string) (Token, error) {
	enc, ok := strings.CutPrefix(strings.TrimSpace(s), tokenPrefix)
	if !ok || len(enc) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return Token{}, ErrTokenFormat
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(enc)
	if err != nil || len(b) != tokenSize {
		return Token{}, ErrTokenFormat
	}
	secs := binary.BigEndian.Uint64(b[sha256.Size:])
	if secs > 1<<40 { // the year 36812: beyond what time.Time is good for in JSON
		return Token{}, ErrTokenFormat
	}
	t := Token{Expires: time.Unix(int64(secs), 0).UTC()}
	copy(t.CAHash[:], b)
	copy(t.nonce[:], b[sha256.Size+8:])
	copy(t.mac[:], b[tokenBody:])
	return t, nil
}

// CheckToken tells whether a token admits to the cluster of caHash and key at
// now. It compares in constant time; expiry is judged only on genuine tokens.
func CheckToken(s string, caHash [sha256.Size]byte, key []byte, now time.Time) error {
	t, err := ParseToken(s)
	if err != nil {
		return err
	}
	want := t.sum(key)
	if !hmac.Equal(want[:], t.mac[:]) || !hmac.Equal(caHash[:], t.CAHash[:]) {
		return ErrTokenForeign
	}
	if !now.Before(t.Expires) {
		return ErrTokenExpired
	}
	return nil
}

func (t Token) body() []byte {
	b := make([]byte, 0, tokenSize)
	b = append(b, t.CAHash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.Unix()))
	return append(b, t.nonce[:]...)
}

func (t Token) sum(key []byte) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(tokenPrefix))
	h.Write(t.body())
	h.Sum(out[:0])
	return out
}

func (t Token) encode() string {
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(t.body(), t.mac[:]...))
}
