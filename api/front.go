package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/store"
)

// headerRequestID is on every answer; the OpenStack clients print it with errors.
const headerRequestID = "X-Openstack-Request-Id"

// RequestID is the id of the request being answered.
func RequestID(c echo.Context) string { return c.Response().Header().Get(headerRequestID) }

// front does what comes before routing, in this order: request id, security
// headers, the rule about plain HTTP, path forms, the time limit.
func (s *Server) front() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set(headerRequestID, "req-"+uuid.NewString())
		h.Set("X-Content-Type-Options", "nosniff")
		if m, ok := r.Context().Value(connKey{}).(*muxConn); ok {
			if t := m.secure.Load(); t != nil {
				state := t.ConnectionState()
				r.TLS = &state
			} else if !s.cfg.Plain && !fromLoopback(r.RemoteAddr) {
				refuseEarly(w, r, http.StatusForbidden, "Plain HTTP is taken from this machine only. Use https, or start lbd with --api-plain.")
				return
			}
		}
		normalise(r.URL)
		if s.d.Reader != nil {
			h.Set("X-Lbd-Index", itoa(s.d.Reader.Index()))
		}
		s.metrics.requests.WithLabelValues(method(r.Method)).Inc()
		if strings.HasSuffix(r.URL.Path, "/events") { // streams have no end of their own
			s.deadlines(w, time.Time{})
			s.echo.ServeHTTP(w, r)
			return
		}
		s.deadlines(w, time.Now().Add(s.lim.Time+writeWithin))
		ctx, cancel := context.WithTimeout(r.Context(), s.lim.Time)
		defer cancel()
		r = r.WithContext(ctx)
		if !s.consistent(w, r) {
			return
		}
		s.echo.ServeHTTP(w, r)
	})
}

// writeWithin is how long a client may take to read its answer, on top of the
// time that the request may take.
const writeWithin = 10 * time.Second

// deadlines sets until when the answer has to be written, and takes the read
// deadline away from requests that have no end. Outside of a real connection,
// in tests, there is none to set.
func (s *Server) deadlines(w http.ResponseWriter, write time.Time) {
	rc := http.NewResponseController(w)
	err := rc.SetWriteDeadline(write)
	if write.IsZero() {
		err = errors.Join(err, rc.SetReadDeadline(time.Time{}))
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.d.Log.Debug("set deadline", "err", err)
	}
}

// consistent answers ?consistent=true only with what the leader has confirmed.
func (s *Server) consistent(w http.ResponseWriter, r *http.Request) bool {
	q, err := url.ParseQuery(r.URL.RawQuery) // what it cannot read is refused later
	if err != nil || !q.Has("consistent") {
		return true
	}
	wanted := strings.EqualFold(q.Get("consistent"), "true")
	q.Del("consistent")
	r.URL.RawQuery = q.Encode()
	if !wanted || s.d.Cluster == nil {
		return true
	}
	if err := s.d.Cluster.Barrier(r.Context()); err != nil {
		text := "The leader cannot be confirmed now: " + err.Error()
		if store.KindOf(err) != "" {
			text = err.Error()
		}
		refuseEarly(w, r, http.StatusServiceUnavailable, text)
		return false
	}
	w.Header().Set("X-Lbd-Index", itoa(s.d.Reader.Index()))
	return true
}

// refuseEarly answers before there is an echo.Context.
func refuseEarly(w http.ResponseWriter, r *http.Request, status int, text string) {
	writeJSON(w, status, inForm(r.URL.Path, status, text, NewFault(status, text)))
}

// normalise takes off a trailing slash and a ".json" suffix: both are path forms
// that clients of some age use (contract 1.1). Parameters in a path come decoded.
func normalise(u *url.URL) {
	p := u.Path
	if strings.HasPrefix(p, "/ui/") {
		return
	}
	p = strings.TrimSuffix(p, "/")
	p = strings.TrimSuffix(p, ".json")
	if p == "" {
		p = "/"
	}
	u.Path, u.RawPath = p, ""
}

func fromLoopback(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// method bounds the label's values.
func method(m string) string {
	switch m {
	case "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH":
		return m
	}
	return "other"
}
