package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"lbd/internal/certs"
	"lbd/store/model"
)

// Server is how a listener ends TLS.
type Server struct {
	editions []edition // the first that fits is used, or else refuses
	purposes string    // of its ticket keys
	keys     Keys
	period   atomic.Int64 // whose ticket keys are set

	// HSTS is a whole header line with its end, nil for none.
	HSTS []byte
	// Counters outlive the Server.
	Counters *Counters
	gate     *Gate

	pairs []*tls.Certificate
	trust *trust // who signs for clients; nil: nobody is asked
	stale error  // why some of it is from before; nil: none is
}

// Keys opens secrets and derives keys.
type Keys interface {
	certs.Opener
	Derive(purpose string) ([]byte, error)
}

// ticketPurpose must not change: nodes of different versions share tickets.
const ticketPurpose = "lbd tls session tickets v1"

// versions by the API's names.
func versionIDs(names []string) ([]uint16, error) {
	known := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	var out []uint16
	for _, n := range names {
		if id, ok := known[n]; ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("none of the TLS versions %v is served", names)
	}
	slices.Sort(out)
	return out, nil
}

// protocols that are offered of those asked for; served names them.
func protocols(asked []string, served ...string) ([]string, error) {
	var out []string
	for _, p := range asked {
		if slices.Contains(served, p) {
			out = append(out, p)
		}
	}
	if len(out) == 0 && len(asked) > 0 {
		return nil, fmt.Errorf("none of the protocols %v is served", asked)
	}
	return out, nil
}

// newServer makes what l asks for. Where certificates or authorities cannot be
// loaded, those of before (nil: there is none) are used, and stale says so.
func newServer(l *model.Listener, t *model.ListenerTLS, find find, keys Keys, before *Server) (*Server, error) {
	versions, err := versionIDs(t.Versions)
	if err != nil {
		return nil, err
	}
	alpn, err := protocols(t.ALPN, "h2", "http/1.1", "http/1.0")
	if err != nil {
		return nil, err
	}
	s := &Server{keys: keys, HSTS: hsts(t)}
	if err := s.identify(t, find, before); err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		GetCertificate: newNames(s.pairs).choose, NextProtos: alpn, CipherSuites: certs.Ciphers(t.Ciphers),
		MinVersion: versions[0], MaxVersion: versions[len(versions)-1], DynamicRecordSizingDisabled: true,
	}
	if t.Ciphers == "" {
		cfg.CipherSuites = nil
	}
	admitted := authorities{t.ClientCA, t.ClientCRL}
	if err := s.authenticate(cfg, t, find, before); err != nil {
		return nil, err
	}
	if s.trust != nil {
		admitted = s.trust.from
	}
	// Who may resume: tickets are good where the same clients are let in.
	s.purposes = ticketPurpose + "\n" + string(l.ID) + "\n" + t.ClientAuth + "\n" + admitted.ca + "\n" + admitted.crl + "\n"
	s.editions = editions(cfg, versions)
	for i := range s.editions {
		s.editions[i].splitBySuite()
	}
	return s, s.rotate(time.Now())
}

// identify loads the certificates.
func (s *Server) identify(t *model.ListenerTLS, find find, before *Server) (err error) {
	for _, ref := range t.ServerKeys() {
		var c *tls.Certificate
		if c, err = pair(ref, find, s.keys); err != nil {
			break
		}
		s.pairs = append(s.pairs, c)
	}
	if err == nil && len(s.pairs) == 0 {
		return errors.New("there is no certificate")
	}
	now := time.Now()
	if err == nil && before != nil && expired(now, before.pairs...) == nil {
		err = expired(now, s.pairs...)
	}
	if err != nil && before != nil {
		s.pairs, s.stale = before.pairs, err
		return nil
	}
	return err
}

// authenticate sets what is asked of clients. Authorities from before stand in only
// for others: a listener that asked nobody and now should is not served open.
func (s *Server) authenticate(cfg *tls.Config, t *model.ListenerTLS, find find, before *Server) error {
	switch t.ClientAuth {
	case "OPTIONAL":
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	case "MANDATORY":
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil
	}
	tr, err := loadTrust(authorities{t.ClientCA, t.ClientCRL}, find, s.keys)
	if err == nil && tr == nil {
		err = errors.New("there is no CA")
	}
	if err != nil {
		err = fmt.Errorf("client authentication: %w", err)
		if before == nil || before.trust == nil {
			return err
		}
		tr, s.stale = before.trust, also(s.stale, err)
	}
	s.trust = tr
	cfg.ClientCAs = tr.pool
	cfg.VerifyConnection = func(st tls.ConnectionState) error { // on resumption, too
		return notRevoked(tr.revoked, st.VerifiedChains)
	}
	return nil
}

// notRevoked wants one chain without a revoked certificate. Without a chain there
// is nothing to judge.
func notRevoked(r *certs.Revocations, chains [][]*x509.Certificate) (err error) {
	if r == nil {
		return nil
	}
	for _, chain := range chains {
		if err = r.Check(chain, time.Now()); err == nil {
			return nil
		}
	}
	return err
}

func hsts(t *model.ListenerTLS) []byte {
	if t.HSTSMaxAge == nil {
		return nil
	}
	b := strconv.AppendInt([]byte("Strict-Transport-Security: max-age="), int64(*t.HSTSMaxAge), 10)
	if t.HSTSSubdomains {
		b = append(b, "; includeSubDomains"...)
	}
	if t.HSTSPreload {
		b = append(b, "; preload"...)
	}
	return append(b, ";\r\n"...) // as HAProxy's template of Octavia writes it
}

// Config is what the next handshake goes by.
func (s *Server) Config() *tls.Config {
	if now := time.Now(); s.period.Load() != periodOf(now) {
		if s.rotate(now) != nil {
			s.Counters.fail(reasonInternal)
		}
	}
	if len(s.editions) == 1 && s.editions[0].weak == nil {
		return s.editions[0].Config
	}
	first := &tls.Config{GetConfigForClient: s.choose}
	for i := range s.editions {
		if e := &s.editions[i]; e.weak != nil { // one at most: that of TLS 1.2
			first.CipherSuites, first.MinVersion, first.MaxVersion = e.CipherSuites, e.MinVersion, e.MaxVersion
		}
	}
	return first
}

func periodOf(t time.Time) int64 { return t.Unix() / int64(ticketPeriod/time.Second) }

// rotate sets the ticket keys of now. Two handshakes may do it at once: both set
// the same.
func (s *Server) rotate(now time.Time) error {
	p := periodOf(now)
	var keys [][32]byte
	for _, n := range []int64{p, p + 1, p - 1, p - 2} { // the first encrypts
		k, err := s.keys.Derive(s.purposes + strconv.FormatInt(n, 10))
		if err != nil {
			return fmt.Errorf("ticket keys: %w", err)
		}
		keys = append(keys, [32]byte(k))
	}
	for _, e := range s.editions {
		e.SetSessionTicketKeys(keys)
		if e.weak != nil {
			e.weak.SetSessionTicketKeys(keys)
		}
	}
	s.period.Store(p)
	return nil
}
