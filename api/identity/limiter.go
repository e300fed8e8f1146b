package identity

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxKeys bounds each table of the limiter, about 150 bytes an entry. When
	// one is full its oldest entries go: that favours a guesser with very many
	// addresses over refusing everybody.
	maxKeys = 10_000
	// knownFor is how long an address that a user logged in from stays known.
	knownFor = 24 * time.Hour
)

// budget is how many logins may fail at once, and how fast that fills up again.
type budget struct {
	burst int
	every time.Duration
}

// limiter slows down guessing, by user, by source address and by both. Only
// failures count: a busy client with the right password is never slowed. Nor can
// a stranger lock a user out: once the user's own budget is used up, the
// addresses that the user has logged in from still may try.
type limiter struct {
	now   func() time.Time
	mu    sync.Mutex
	keys  map[string]*bucket   // guarded by mu
	known map[string]time.Time // guarded by mu; pairs that logged in, and when
}

type bucket struct {
	tokens *rate.Limiter
	used   time.Time
}

func newLimiter() *limiter {
	return &limiter{now: time.Now, keys: map[string]*bucket{}, known: map[string]time.Time{}}
}

// attempt is who tries, and from where.
type attempt struct{ user, source string }

// from makes an attempt. A host has a whole /64 of IPv6 to choose from.
func from(user, source string) attempt {
	if a, err := netip.ParseAddr(source); err == nil && a.Unmap().Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			source = p.String()
		}
	}
	return attempt{user, source}
}

func (a attempt) pair() string { return a.source + " " + a.user }

// budgets by key: a person mistypes a few times from one place; one place may
// have a few people; guesses for one user from everywhere add up.
func (a attempt) budgets() map[string]budget {
	return map[string]budget{
		"pair " + a.pair():   {10, 6 * time.Second},
		"source " + a.source: {40, 2 * time.Second},
		"user " + a.user:     {60, 2 * time.Second},
	}
}

// allowed reports whether a may try.
func (l *limiter) allowed(a attempt) bool { return l.wait(a) == 0 }

// wait is how long a has to wait until it may try; zero: it may.
func (l *limiter) wait(a attempt) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for k := range a.budgets() {
		b, ok := l.keys[k]
		if !ok || b.tokens.TokensAt(now) >= 1 {
			continue
		}
		if at, known := l.known[a.pair()]; k == "user "+a.user && known && now.Sub(at) < knownFor {
			continue
		}
		missing := 1 - b.tokens.TokensAt(now)
		longest = max(longest, time.Duration(missing/float64(b.tokens.Limit())*float64(time.Second)), 1)
	}
	return longest
}

// size is how many entries the tables have.
func (l *limiter) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys) + len(l.known)
}

// failed counts a failure.
func (l *limiter) failed(a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for k, most := range a.budgets() {
		b, ok := l.keys[k]
		if !ok {
			if len(l.keys) >= maxKeys {
				l.makeRoom(now)
			}
			b = &bucket{tokens: rate.NewLimiter(rate.Every(most.every), most.burst)}
			l.keys[k] = b
		}
		b.used = now
		b.tokens.AllowN(now, 1)
	}
}

// succeeded remembers where a user logs in from.
func (l *limiter) succeeded(a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.known[a.pair()]; !ok && len(l.known) >= maxKeys {
		dropOldest(l.known, func(at time.Time) time.Time { return at })
	}
	l.known[a.pair()] = l.now()
}

// makeRoom needs l.mu. Buckets that are full again go for nothing.
func (l *limiter) makeRoom(now time.Time) {
	for k, b := range l.keys {
		if b.tokens.TokensAt(now) >= float64(b.tokens.Burst()) {
			delete(l.keys, k)
		}
	}
	if len(l.keys) > maxKeys-maxKeys/evictShare {
		dropOldest(l.keys, func(b *bucket) time.Time { return b.used })
	}
}

// evictShare of a full table goes at once, so that the search for the oldest
// entries is paid for by many insertions.
const evictShare = 10

// dropOldest drops the oldest of m's entries, one in evictShare.
func dropOldest[K comparable, V any](m map[K]V, at func(V) time.Time) {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int { return at(m[a]).Compare(at(m[b])) })
	for _, k := range keys[:len(keys)/evictShare] {
		delete(m, k)
	}
}
