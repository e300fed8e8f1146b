package identity

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"lbd/api"
	"lbd/api/deps"
	"lbd/store/model"
)

// Region is the only region of the catalog.
const Region = "RegionOne"

// Part serves identity and authenticates callers of all other parts.
type Part struct {
	read   deps.Reader
	sign   signer
	check  *checker
	limit  *limiter
	ttl    time.Duration
	noAuth bool
	log    *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	revoked map[string]time.Time // guarded by mu; audit id → when its token expires anyway
}

// minKey is the least length of the token key, in bytes.
const minKey = 32

// defaultTTL is how long a token lives when the configuration does not say.
const defaultTTL = time.Hour

// maxRevoked bounds the list of revoked tokens; past it, the ones that expire
// first are dropped.
const maxRevoked = 10_000

// New makes the part. cfg.TokenKey must have at least minKey bytes; with less,
// tokens are signed with a key that nobody else has: good on this node only,
// never forgeable.
func New(cfg deps.Config, read deps.Reader, log *slog.Logger) *Part {
	ttl := cfg.TokenTTL
	if ttl <= 0 {
		ttl = defaultTTL
	}
	log = log.With("part", "identity")
	key := cfg.TokenKey
	if len(key) < minKey {
		log.Warn("no token key: tokens are good on this node only, until it stops")
		key = make([]byte, minKey)
		_, _ = rand.Read(key) // never fails
	}
	return &Part{
		read: read, sign: signer{key}, check: newChecker(), limit: newLimiter(), ttl: ttl,
		noAuth: cfg.NoAuth, log: log, now: time.Now, revoked: map[string]time.Time{},
	}
}

// Mount implements api.Part. Every route exists under /identity/v3 and /v3.
func (p *Part) Mount(r *api.Router) {
	r.Public("GET", "/identity", p.versions)
	for _, base := range []string{"/identity/v3", "/v3"} {
		r.Public("GET", base, p.version)
		r.Public("POST", base+"/auth/tokens", p.login)
		r.Handle("GET", base+"/auth/tokens", p.showToken)
		r.Handle("HEAD", base+"/auth/tokens", p.showToken)
		r.Handle("DELETE", base+"/auth/tokens", p.revokeToken)
		r.Handle("GET", base+"/auth/projects", p.authProjects)
		r.Handle("GET", base+"/auth/catalog", p.authCatalog)
		p.mountDirectory(r, base)
	}
}

// revoke refuses the token with that audit id from now on, on this node.
func (p *Part) revoke(t token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for id, until := range p.revoked {
		if !until.After(now) {
			delete(p.revoked, id)
		}
	}
	if len(p.revoked) >= maxRevoked {
		first := t.Audit
		at := t.Expires
		for id, until := range p.revoked {
			if until.Before(at) {
				first, at = id, until
			}
		}
		delete(p.revoked, first)
	}
	p.revoked[t.Audit] = t.Expires
}

func (p *Part) isRevoked(t token) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, self := p.revoked[t.Audit]
	_, first := p.revoked[t.First]
	return self || t.First != "" && first
}

// timestamp is Keystone's form of a time.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func domainRef() map[string]string {
	return map[string]string{"id": string(model.DefaultDomain), "name": "Default"}
}
