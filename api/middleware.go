package api

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store/model"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// recoverPanics turns a panic of a handler into 500, counted and logged once.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // a value to panic with, as net/http documents
				panic(p)
			}
			s.metrics.panics.Inc()
			s.d.Log.Error("handler panicked", "path", c.Path(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = refusal{http.StatusInternalServerError, textUnknown}
		}()
		return next(c)
	}
}

func (s *Server) flags(c echo.Context) (routeFlags, bool) {
	f, ok := s.router.routes[routeKey{c.Request().Method, c.Path()}]
	return f, ok
}

// authenticate puts the caller into the request's context. Only routes mounted
// as public go without; a path that does not exist needs a token as well, so
// that nobody can map the API from outside.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if f, ok := s.flags(c); ok && f.public {
			return next(c)
		}
		caller, err := s.caller(c)
		if err != nil {
			if errors.Is(err, auth.ErrUnauthenticated) {
				s.metrics.refused.WithLabelValues("token").Inc()
			}
			return err
		}
		r := c.Request()
		c.SetRequest(r.WithContext(auth.With(r.Context(), caller)))
		return next(c)
	}
}

func (s *Server) caller(c echo.Context) (*auth.Caller, error) {
	caller, err := s.asks(c)
	if err != nil || !caller.Unmetered {
		return caller, err
	}
	// Without authentication a client may say which project it is of (contract 8.3).
	h := c.Request().Header
	if project := cmp.Or(h.Get("X-Project-Id"), h.Get("X-Tenant-Id")); project != "" && len(project) <= maxProjectID {
		as := *caller
		as.Project, as.ProjectName = model.ProjectID(project), ""
		return &as, nil
	}
	return caller, nil
}

// maxProjectID bounds the id of a project, in bytes.
const maxProjectID = 36

// asks is the caller by what authenticates it.
func (s *Server) asks(c echo.Context) (*auth.Caller, error) {
	r := c.Request()
	if isLocal(r) && s.d.Local != nil {
		return s.d.Local()
	}
	token := r.Header.Get("X-Auth-Token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && token == "" {
		token = bearer
	}
	if user, password, ok := r.BasicAuth(); ok && token == "" && s.d.Basic != nil {
		return s.d.Basic(r.Context(), user, password, c.RealIP())
	}
	return s.d.Auth.Authenticate(r.Context(), token)
}

// answerOptions answers OPTIONS on any path that exists (contract 1.4).
func (s *Server) answerOptions(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method == http.MethodOptions && c.Get(echo.ContextKeyHeaderAllow) != nil {
			return c.NoContent(http.StatusOK)
		}
		return next(c)
	}
}

// checkMedia judges Accept and Content-Type, and bounds the body's size and depth.
func (s *Server) checkMedia(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		f, known := s.flags(c)
		if known && !f.raw && !acceptsJSON(r.Header.Values("Accept")) {
			return echo.NewHTTPError(http.StatusNotAcceptable, "Only media type application/json is accepted")
		}
		// Go drops the part of a query that it cannot read: a filter would be none.
		if _, err := url.ParseQuery(r.URL.RawQuery); known && err != nil {
			return refusal{http.StatusBadRequest, "The query string cannot be read: " + err.Error()}
		}
		if r.Body == nil || r.Body == http.NoBody {
			return next(c)
		}
		most := s.lim.Body
		if f.public {
			most = min(most, publicBody)
		}
		b, err := readBody(c, most)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		if len(b) == 0 || known && f.raw {
			return next(c)
		}
		if ct := r.Header.Get("Content-Type"); ct != "" {
			mt, _, err := mime.ParseMediaType(ct)
			if errors.Is(err, mime.ErrInvalidMediaParameter) { // Octavia does not look at parameters
				err = nil
			}
			if err == nil && mt == echo.MIMEApplicationForm { // Octavia takes fields of a form for arguments
				name, _, _ := strings.Cut(string(b), "=")
				return refusal{http.StatusBadRequest, fmt.Sprintf("Unknown argument: \"%.100s\"", name)}
			}
			if err != nil || mt != echo.MIMEApplicationJSON {
				name, _, _ := strings.Cut(ct, ";")
				return refusal{http.StatusUnsupportedMediaType, "Unknown mimetype: " + strings.TrimSpace(name)}
			}
		}
		if tooDeep(b, s.lim.Depth) {
			return refusal{http.StatusBadRequest, fmt.Sprintf("Request is not in valid JSON format: nested deeper than %d.", s.lim.Depth)}
		}
		return next(c)
	}
}

// publicBody bounds the body, in bytes, of requests that need no token.
const publicBody = 64 << 10

// readBody reads a body of at most most bytes. A client that sends more, or
// that is slower than the limits allow, loses its connection.
func readBody(c echo.Context, most int64) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, most))
	if err == nil {
		return b, nil
	}
	c.Response().Header().Set("Connection", "close")
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("Request is too large. Larger than max_request_body_size (%d).", most)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal{http.StatusRequestTimeout, "The request body did not come in time."}
	}
	return nil, refusal{http.StatusBadRequest, "The request body could not be read."}
}

// acceptsJSON follows the contract (1.4): absent, empty and unparsable are fine.
func acceptsJSON(accept []string) bool {
	some := false
	for _, line := range accept {
		for a := range strings.SplitSeq(line, ",") {
			mt, params, err := mime.ParseMediaType(a)
			if err != nil || !strings.Contains(mt, "/") {
				if strings.TrimSpace(a) != "" {
					return true
				}
				continue
			}
			some = true
			if q, err := strconv.ParseFloat(params["q"], 64); err == nil && q == 0 {
				continue
			}
			switch mt {
			case "*/*", "application/*", "application/json":
				return true
			}
		}
	}
	return !some
}
