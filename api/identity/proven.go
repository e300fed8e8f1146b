package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxProven bounds the remembered passwords, about 100 bytes each.
	maxProven = 1000
	// provenFor is how long a password that was right is remembered.
	provenFor = 5 * time.Minute
)

// proven remembers which passwords were right lately, so that a client that
// sends one with every request, or many that log in at once, do not cost a slow
// hash each. It keeps MACs under a key that only this process has, over stored
// hash and password: a new password makes the old one unknown at once, and a
// wrong one is never remembered.
type proven struct {
	key [32]byte
	now func() time.Time

	mu sync.Mutex
	at map[[sha256.Size]byte]time.Time // guarded by mu
}

func newProven() *proven {
	p := &proven{now: time.Now, at: map[[sha256.Size]byte]time.Time{}}
	_, _ = rand.Read(p.key[:]) // never fails (crypto/rand)
	return p
}

func (p *proven) mac(stored, password string) (sum [sha256.Size]byte) {
	m := hmac.New(sha256.New, p.key[:])
	m.Write([]byte(stored))
	m.Write([]byte{0}) // not in a stored hash
	m.Write([]byte(password))
	m.Sum(sum[:0])
	return sum
}

func (p *proven) has(stored, password string) bool {
	k := p.mac(stored, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[k]
	return ok && p.now().Sub(at) < provenFor
}

func (p *proven) add(stored, password string) {
	k := p.mac(stored, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) >= maxProven {
		dropOldest(p.at, func(at time.Time) time.Time { return at })
	}
	p.at[k] = p.now()
}
