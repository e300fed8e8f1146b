package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
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
			err = c.JSON(http.StatusInternalServerError, NewFault(http.StatusInternalServerError, textUnknown))
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

// checkMedia judges Accept and Content-Type, and bounds the body's size and depth.
func (s *Server) checkMedia(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if f, _ := s.flags(c); !f.raw && !acceptsJSON(r.Header.Values("Accept")) {
			return c.JSON(http.StatusNotAcceptable, NewRouteFault(http.StatusNotAcceptable, "Only media type application/json is accepted"))
		}
		if r.Body == nil || r.Body == http.NoBody {
			return next(c)
		}
		b, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, s.lim.Body))
		if err != nil {
			if errors.As(err, new(*http.MaxBytesError)) {
				c.Response().Header().Set("Connection", "close")
				return c.JSON(http.StatusRequestEntityTooLarge, NewFault(http.StatusRequestEntityTooLarge,
					fmt.Sprintf("Request is too large. Larger than max_request_body_size (%d).", s.lim.Body)))
			}
			return echo.NewHTTPError(http.StatusBadRequest, "The request body could not be read.")
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		if len(b) == 0 {
			return next(c)
		}
		if ct := r.Header.Get("Content-Type"); ct != "" {
			if mt, _, err := mime.ParseMediaType(ct); err != nil || mt != echo.MIMEApplicationJSON {
				return c.JSON(http.StatusUnsupportedMediaType, NewFault(http.StatusUnsupportedMediaType, "Unknown mimetype: "+ct))
			}
		}
		if tooDeep(b, s.lim.Depth) {
			return c.JSON(http.StatusBadRequest, NewFault(http.StatusBadRequest,
				fmt.Sprintf("Request is not in valid JSON format: nested deeper than %d.", s.lim.Depth)))
		}
		return next(c)
	}
}

// acceptsJSON follows the contract (1.4): absent, empty and unparsable are fine.
func acceptsJSON(accept []string) bool {
	some := false
	for _, line := range accept {
		for a := range strings.SplitSeq(line, ",") {
			mt, params, err := mime.ParseMediaType(a)
			if err != nil {
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
