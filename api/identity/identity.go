package identity

import (
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/api"
	"lbd/api/deps"
)

// Region is the only region of the catalog.
const Region = "RegionOne"

// Part serves identity and authenticates callers of all other parts.
type Part struct {
	read   deps.Reader
	write  deps.Writer
	sign   signer
	check  *checker
	limit  *limiter
	ttl    time.Duration
	noAuth bool
	log    *slog.Logger
	now    func() time.Time

	metrics *metrics
}

// minKey is the least length of the token key, in bytes.
const minKey = 32

// defaultTTL is how long a token lives when the configuration does not say.
const defaultTTL = time.Hour

// New makes the part. cfg.TokenKey must have at least minKey bytes; with less,
// tokens are signed with a key that nobody else has: good on this node only,
// never forgeable. reg may be nil.
func New(cfg deps.Config, read deps.Reader, write deps.Writer, reg *prometheus.Registry, log *slog.Logger) *Part {
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
	p := &Part{
		read: read, write: write, sign: signer{key}, check: newChecker(), limit: newLimiter(), ttl: ttl,
		noAuth: cfg.NoAuth, log: log, now: time.Now,
	}
	p.metrics = newMetrics(p, reg)
	return p
}

// Mount implements api.Part. Every route exists under /identity/v3 and /v3.
func (p *Part) Mount(r *api.Router) {
	r.Public("GET", "/identity", p.versions)
	for _, base := range []string{"/identity/v3", "/v3"} {
		r.Public("GET", base, p.version)
		r.PublicBody("POST", base+"/auth/tokens", p.login)
		r.Handle("GET", base+"/auth/tokens", p.showToken)
		r.Handle("HEAD", base+"/auth/tokens", p.showToken)
		r.Handle("DELETE", base+"/auth/tokens", p.revokeToken)
		r.Handle("GET", base+"/auth/projects", p.authProjects)
		r.Handle("GET", base+"/auth/domains", p.authDomains)
		r.Handle("GET", base+"/auth/system", p.authSystem)
		r.Handle("GET", base+"/auth/catalog", p.authCatalog)
		r.PublicBody("POST", base+"/users/:id/password", p.changePassword)
		p.mountDirectory(r, base)
	}
}

// timestamp is Keystone's form of a time.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
