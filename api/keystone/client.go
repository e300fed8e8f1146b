package keystone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// Config says where the external Keystone is.
type Config struct {
	// URL is Keystone's, with or without "/v3".
	URL string
	// CA is the PEM of the certificates that its TLS certificate is checked with;
	// empty: those of the system.
	CA       []byte
	Log      *slog.Logger
	Registry *prometheus.Registry // nil: no metrics
}

// Client asks an external Keystone.
type Client struct {
	base   *url.URL // ends in /v3
	http   *http.Client
	cache  cache
	flight singleflight.Group
	turns  *semaphore.Weighted
	log    *slog.Logger
	now    func() time.Time
	asked  *prometheus.CounterVec

	saidDown atomic.Int64 // when the log had it last, Unix nanoseconds
}

var _ auth.Authenticator = (*Client)(nil)

// ParseURL checks an address of Keystone and puts it into the form that ends in
// /v3.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not an address like https://keystone.example:5000", s)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if !strings.HasSuffix(u.Path, "/v3") {
		u.Path += "/v3"
	}
	return u, nil
}

// New makes a client; it asks nothing yet. It fails on a wrong address or a CA
// without certificates.
func New(cfg Config) (*Client, error) {
	base, err := ParseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	tc := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(cfg.CA) > 0 {
		tc.RootCAs = x509.NewCertPool()
		if !tc.RootCAs.AppendCertsFromPEM(cfg.CA) {
			return nil, errors.New("there is no certificate in the CA file")
		}
	}
	c := &Client{
		base: base, cache: cache{m: map[cacheKey]cached{}}, turns: semaphore.NewWeighted(questionsAtOnce), now: time.Now,
		log: cfg.Log.With("part", "keystone"), asked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lbd_keystone_requests_total", Help: "Questions to the external Keystone: good, bad, failed.",
		}, []string{"result"}),
		http: &http.Client{
			Transport: &http.Transport{
				TLSClientConfig: tc, MaxConnsPerHost: questionsAtOnce, MaxIdleConnsPerHost: questionsAtOnce, IdleConnTimeout: time.Minute,
				TLSHandshakeTimeout: askWithin, ResponseHeaderTimeout: askWithin, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
			},
			// A redirect would carry tokens to where nobody said.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if cfg.Registry != nil {
		cfg.Registry.MustRegister(c.asked, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lbd_keystone_cache_entries", Help: "Kept answers of the external Keystone.",
		}, func() float64 { return float64(c.cache.size()) }))
	}
	return c, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// unavailable is answered (503) while Keystone gives no usable answer.
func unavailable() error {
	return store.Errorf(store.Unavailable, "The identity service (Keystone) did not answer: the token could not be checked.")
}

// Authenticate implements auth.Authenticator.
func (c *Client) Authenticate(ctx context.Context, token string) (*auth.Caller, error) {
	if token == "" || len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, auth.ErrUnauthenticated
	}
	k := keyOf(token)
	if v, ok := c.cache.get(k, c.now()); ok {
		return v.answer(c.now())
	}
	// The question goes on when this caller leaves: others may wait for it.
	flight := c.flight.DoChan(string(k[:]), func() (any, error) {
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
		defer cancel()
		v, err := c.validate(ask, token)
		if err != nil {
			return nil, err
		}
		c.cache.put(k, v)
		return v, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(cached).answer(c.now())
	}
}

func (v cached) answer(now time.Time) (*auth.Caller, error) {
	if v.caller == nil || !now.Before(v.caller.ExpiresAt) {
		return nil, auth.ErrUnauthenticated
	}
	return v.caller, nil
}

// validate asks Keystone about a token.
func (c *Client) validate(ctx context.Context, token string) (cached, error) {
	status, body, err := c.ask(ctx, token)
	switch {
	case err != nil:
		return cached{}, c.failed(err)
	case status == http.StatusOK:
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		c.asked.WithLabelValues("bad").Inc()
		return cached{until: c.now().Add(badFor)}, nil
	default:
		return cached{}, c.failed(fmt.Errorf("keystone answered %d", status))
	}
	caller, err := readToken(body)
	if err != nil {
		return cached{}, c.failed(err)
	}
	c.asked.WithLabelValues("good").Inc()
	until := c.now().Add(goodFor)
	if caller.ExpiresAt.Before(until) {
		until = caller.ExpiresAt
	}
	return cached{caller, until}, nil
}

func (c *Client) ask(ctx context.Context, token string) (int, []byte, error) {
	if err := c.turns.Acquire(ctx, 1); err != nil {
		return 0, nil, fmt.Errorf("wait for a turn: %w", err)
	}
	defer c.turns.Release(1)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/auth/tokens?nocatalog", nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask keystone: %w", err)
	}
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("X-Subject-Token", token)
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask keystone: %w", err)
	}
	defer resp.Body.Close()
	b, err := readAll(resp.Body)
	return resp.StatusCode, b, err
}

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read keystone's answer: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("read keystone's answer: it is longer than %d bytes", maxAnswer)
	}
	return b, nil
}

// failed counts a question without an answer, and says so now and then.
func (c *Client) failed(err error) error {
	c.asked.WithLabelValues("failed").Inc()
	now, last := c.now().UnixNano(), c.saidDown.Load()
	if now-last >= int64(sayDownEvery) && c.saidDown.CompareAndSwap(last, now) {
		c.log.Error("external keystone gives no answer", "url", c.base.Redacted(), "err", err)
	}
	return unavailable()
}

// ref is a named thing in a token.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// readToken makes a caller of the answer to a validation.
func readToken(b []byte) (*auth.Caller, error) {
	var in struct {
		Token struct {
			ExpiresAt time.Time `json:"expires_at"`
			User      ref       `json:"user"`
			Project   *ref      `json:"project"`
			Domain    *ref      `json:"domain"`
			Roles     []ref     `json:"roles"`
		} `json:"token"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("read keystone's answer: %w", err)
	}
	t := in.Token
	if t.User.ID == "" || t.ExpiresAt.IsZero() {
		return nil, errors.New("read keystone's answer: it names no user or no end")
	}
	c := &auth.Caller{UserID: model.UserID(t.User.ID), UserName: t.User.Name, ExpiresAt: t.ExpiresAt}
	if t.Project != nil {
		c.Project, c.ProjectName = model.ProjectID(t.Project.ID), t.Project.Name
	}
	if t.Domain != nil {
		c.Domain = model.DomainID(t.Domain.ID)
	}
	for _, r := range t.Roles {
		c.Roles = append(c.Roles, r.Name)
	}
	return c, nil
}
