package identity

import (
	"crypto/rand"
	"log/slog"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
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
	if !p.noAuth { // who need not log in would take the highest version here for networking's
		r.AtRoot(func(c echo.Context) any { return versionBody(c) })
	}
	m := mount{to: r.Public, bodied: r.PublicBody}
	m.add("GET", "/identity", p.versions)
	for _, base := range []string{"/identity/v3", "/v3"} {
		m = mount{to: r.Public, bodied: r.PublicBody}
		m.add("GET", base, p.version)
		m.add("POST", base+"/auth/tokens", p.login)
		m.add("POST", base+"/users/:id/password", p.changePassword)
		m = mount{to: r.Handle, bodied: r.HandleBody, refused: r.Refuse}
		m.add("GET", base+"/auth/tokens", p.showToken)
		m.add("DELETE", base+"/auth/tokens", p.revokeToken)
		m.add("GET", base+"/auth/projects", p.authProjects)
		m.add("GET", base+"/auth/domains", p.authDomains)
		m.add("GET", base+"/auth/system", p.authSystem)
		m.add("GET", base+"/auth/catalog", p.authCatalog)
		p.mountDirectory(m, base)
		p.mountAbsent(m, base)
	}
}

// mount adds routes the way Keystone has them: HEAD is answered wherever GET is,
// and every answer says that it depends on who asks.
type mount struct {
	to      func(method, path string, h echo.HandlerFunc)
	bodied  func(method, path string, h echo.HandlerFunc) // of which the body is described
	refused func(method, path string, h echo.HandlerFunc) // that say no
}

func (m mount) add(method, path string, h echo.HandlerFunc) {
	to := m.to
	if method == "POST" || method == "PATCH" || method == "PUT" && strings.HasSuffix(path, "/tags") {
		to = m.bodied
	}
	both(to, method, path, h)
}

// refuse adds a route that says no.
func (m mount) refuse(method, path string, h echo.HandlerFunc) { both(m.refused, method, path, h) }

func both(to func(method, path string, h echo.HandlerFunc), method, path string, h echo.HandlerFunc) {
	varying := func(c echo.Context) error {
		c.Response().Header().Set("Vary", "X-Auth-Token")
		return h(c)
	}
	to(method, path, varying)
	if method == "GET" {
		to("HEAD", path, varying)
	}
}

// timestamp is Keystone's form of a time.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
