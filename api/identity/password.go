package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// Cost of a password hash: 19 MiB and two passes (about 20 ms), the least that
// OWASP's password storage cheat sheet recommends, so that a login storm bounded
// by hashesAtOnce needs less than 40 MiB. The cost travels in the stored string.
const (
	hashMemory  = 19 << 10 // KiB
	hashPasses  = 2
	hashThreads = 1
	hashLen     = 32
	saltLen     = 16

	// hashesAtOnce bounds memory and CPU of concurrent logins; more wait.
	hashesAtOnce = 2
	// maxPassword bounds what is hashed, in bytes.
	maxPassword = 4096
	// Bounds of what a stored string may ask for.
	maxMemory  = 256 << 10 // KiB
	maxPasses  = 16
	maxThreads = 16
)

// hashPassword makes the PHC string of a password: $argon2id$v=19$m=...$salt$hash.
// The salt comes from random.
func hashPassword(password string, random io.Reader) (string, error) {
	if len(password) > maxPassword {
		return "", fmt.Errorf("the password is longer than %d bytes", maxPassword)
	}
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	return phc(password, salt), nil
}

func phc(password string, salt []byte) string {
	h := argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashThreads, hashLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashThreads, b64(salt), b64(h))
}

// errHashFormat is returned when a stored string is no argon2id hash within bounds.
var errHashFormat = errors.New("stored password hash is not readable")

// parsed is a PHC string taken apart.
type parsed struct {
	memory, passes uint32
	threads        uint8
	salt, hash     []byte
}

func parsePHC(stored string) (h parsed, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errHashFormat
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads); err != nil {
		return h, errHashFormat
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.hash, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case err1 != nil, err2 != nil, len(h.salt) < 8, len(h.salt) > 64, len(h.hash) < 16, len(h.hash) > 64,
		h.memory < 8, h.memory > maxMemory, h.passes < 1, h.passes > maxPasses, h.threads < 1, h.threads > maxThreads:
		return h, errHashFormat
	}
	return h, nil
}

// sha256Prefix marks the hash of a secret that lbd made from random bytes: there
// is nothing to guess, so it needs no slow hash.
const sha256Prefix = "sha256$"

// hashSecret makes the stored string of a secret of random bytes.
func hashSecret(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return sha256Prefix + hex.EncodeToString(h[:])
}

// checker verifies passwords, a few at a time.
type checker struct {
	sem *semaphore.Weighted
	// dummy stands in for the hash of a user that does not exist, so that the
	// answer takes the same time.
	dummy func() string
	// proven has what was right lately.
	proven *proven
	// waiting counts the checks that wait for their turn or run.
	waiting atomic.Int64
}

func newChecker() *checker {
	return &checker{
		proven: newProven(),
		sem:    semaphore.NewWeighted(hashesAtOnce),
		dummy:  sync.OnceValue(func() string { return phc("", make([]byte, saltLen)) }),
	}
}

// check reports whether password belongs to the stored string, "" being that of
// nobody. may is asked when it is this check's turn: attempts that waited
// together must not all get past a limit that they have used up meanwhile.
func (c *checker) check(ctx context.Context, stored, password string, may func() bool) (ok, allowed bool, err error) {
	if strings.HasPrefix(stored, sha256Prefix) {
		if subtle.ConstantTimeCompare([]byte(hashSecret(password)), []byte(stored)) == 1 {
			return true, may(), nil
		}
		stored = "" // a wrong secret takes as long as an unknown credential
	}
	nobody := stored == ""
	if nobody {
		stored = c.dummy()
	}
	h, err := parsePHC(stored)
	if err != nil {
		return false, true, err
	}
	if !nobody && c.proven.has(stored, password) {
		return true, may(), nil
	}
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	if err := c.sem.Acquire(ctx, 1); err != nil {
		return false, true, err
	}
	defer c.sem.Release(1)
	if !may() {
		return false, false, nil
	}
	if len(password) > maxPassword {
		return false, true, nil
	}
	got := argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.hash)))
	ok = subtle.ConstantTimeCompare(got, h.hash) == 1 && !nobody
	if ok {
		c.proven.add(stored, password)
	}
	return ok, true, nil
}

// hash is hashPassword when it is its turn.
func (c *checker) hash(ctx context.Context, password string) (string, error) {
	if err := c.sem.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	defer c.sem.Release(1)
	return hashPassword(password, rand.Reader)
}
