package keystone

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"time"

	"lbd/api/auth"
)

type cacheKey [sha256.Size]byte

// cached is an answer: a caller, or nil for a token that is not good.
type cached struct {
	caller *auth.Caller
	until  time.Time
}

// cache keeps answers by hash of the token, so that it holds no token.
type cache struct {
	mu sync.Mutex
	m  map[cacheKey]cached // guarded by mu
}

func keyOf(token string) cacheKey { return sha256.Sum256([]byte(token)) }

func (c *cache) get(k cacheKey, now time.Time) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.m[k]
	return v, ok && now.Before(v.until)
}

func (c *cache) put(k cacheKey, v cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxCached {
		c.makeRoom()
	}
	c.m[k] = v
}

// makeRoom needs c.mu. A tenth goes at once, what ends first: mostly bad tokens,
// so that a flood of them does not push the good ones out.
func (c *cache) makeRoom() {
	keys := slices.SortedFunc(maps.Keys(c.m), func(a, b cacheKey) int { return c.m[a].until.Compare(c.m[b].until) })
	for _, k := range keys[:len(keys)/10] {
		delete(c.m, k)
	}
}

func (c *cache) drop(k cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, k)
}

func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}
