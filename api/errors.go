package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
)

// StatusOf is the one table from kinds of refusal to HTTP status codes; 500
// for a kind it does not know.
func StatusOf(k store.Kind) int {
	switch k {
	case store.NotFound:
		return http.StatusNotFound
	case store.Invalid:
		return http.StatusBadRequest
	case store.Conflict:
		return http.StatusConflict
	case store.Quota, store.Forbidden:
		return http.StatusForbidden
	case store.Unavailable:
		return http.StatusServiceUnavailable
	case store.Unsupported:
		return http.StatusNotImplemented
	default:
		return http.StatusInternalServerError
	}
}

// Fault is Octavia's error body (contract 6.1, form 1).
type Fault struct {
	Code   string  `json:"faultcode"` // Client or Server
	String string  `json:"faultstring"`
	Debug  *string `json:"debuginfo"` // always null
}

// NewFault is the body for a status and a text.
func NewFault(status int, text string) Fault {
	f := Fault{Code: "Client", String: text}
	if status >= 500 {
		f.Code = "Server"
	}
	return f
}

// refusal is an answer of the server's own, in Octavia's form.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

// RouteFault is the body of errors found before a handler (form 2).
type RouteFault struct {
	Code        int    `json:"code"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// NewRouteFault is the body for a status and a text.
func NewRouteFault(status int, text string) RouteFault {
	return RouteFault{status, http.StatusText(status), text}
}

const (
	textUnauthorized = "The request you have made requires authentication."
	textUnknown      = "Something unknown went wrong"
)

// handleError writes what no part has answered itself: routing errors, limits,
// and errors that nobody expected. The last are logged here, once.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		s.d.Log.Warn("answer broken off", "path", c.Path(), "err", err)
		return
	}
	status, body := s.render(err, c)
	if err := c.JSON(status, body); err != nil {
		s.d.Log.Debug("answer not written", "path", c.Path(), "err", err)
	}
}

func (s *Server) render(err error, c echo.Context) (int, any) {
	fault := func(status int, text string) (int, any) {
		return status, inForm(c.Request().URL.Path, status, text, NewFault(status, text))
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		text, _ := he.Message.(string)
		if text == http.StatusText(he.Code) {
			text = ""
		}
		return he.Code, inForm(c.Request().URL.Path, he.Code, text, NewRouteFault(he.Code, text))
	}
	if se, ok := errors.AsType[*store.Error](err); ok {
		return fault(StatusOf(se.Kind), se.Message)
	}
	if r, ok := errors.AsType[refusal](err); ok {
		return fault(r.status, r.text)
	}
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		c.Response().Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", BaseURL(c)+"/identity"))
		return http.StatusUnauthorized, NewKeystoneFault(http.StatusUnauthorized, textUnauthorized)
	case errors.Is(err, context.DeadlineExceeded):
		return fault(http.StatusServiceUnavailable, "The request was not finished in time.")
	case errors.Is(err, context.Canceled):
		return fault(http.StatusServiceUnavailable, "The request was cancelled.")
	}
	s.d.Log.Error("request failed", "path", c.Path(), "request", RequestID(c), "err", err)
	return fault(http.StatusInternalServerError, textUnknown)
}

// BaseURL is scheme and host as the client addressed this node, without a
// trailing slash: links and the catalog are built from it.
func BaseURL(c echo.Context) string {
	scheme := "http"
	if c.Request().TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.Request().Host
}
