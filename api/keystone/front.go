package keystone

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
)

// Mount implements api.Part: the identity paths of a node whose callers are
// known to an external Keystone. Discovery names that Keystone, logins are passed
// on to it (so that the web UI and clients without discovery work), and all else
// is redirected there.
func (c *Client) Mount(r *api.Router) {
	r.Public("GET", "/identity", c.versions)
	for _, base := range []string{"/identity/v3", "/v3"} {
		r.Public("GET", base, c.version)
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			r.Public(method, base+"/auth/tokens", c.pass)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			r.Public(method, base+"/*", c.redirect(base))
		}
	}
}

func (c *Client) versionBody() map[string]any {
	return map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{map[string]any{"rel": "self", "href": c.base.String() + "/"}},
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func (c *Client) version(e echo.Context) error {
	return e.JSON(http.StatusOK, map[string]any{"version": c.versionBody()})
}

func (c *Client) versions(e echo.Context) error {
	return e.JSON(http.StatusMultipleChoices, map[string]any{"versions": map[string]any{"values": []any{c.versionBody()}}})
}

func (c *Client) redirect(base string) echo.HandlerFunc {
	return func(e echo.Context) error {
		u := *c.base
		u.Path += strings.TrimPrefix(e.Request().URL.Path, base)
		u.RawQuery = e.Request().URL.RawQuery
		return e.Redirect(http.StatusTemporaryRedirect, u.String())
	}
}

// pass hands one call of auth/tokens to Keystone and its answer back.
func (c *Client) pass(e echo.Context) error {
	in := e.Request()
	ctx, cancel := context.WithTimeout(in.Context(), askWithin)
	defer cancel()
	body, err := io.ReadAll(in.Body) // bounded by the server
	if err != nil {
		return fmt.Errorf("read a login: %w", err)
	}
	if err := c.turns.Acquire(ctx, 1); err != nil {
		return c.failed(fmt.Errorf("wait for a turn: %w", err))
	}
	defer c.turns.Release(1)
	u := *c.base
	u.Path += "/auth/tokens"
	u.RawQuery = in.URL.RawQuery
	out, err := http.NewRequestWithContext(ctx, in.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("pass a login on: %w", err)
	}
	for _, h := range []string{"Content-Type", "Accept", "X-Auth-Token", "X-Subject-Token"} {
		if v := in.Header.Get(h); v != "" {
			out.Header.Set(h, v)
		}
	}
	// Who logs in too often from where is Keystone's to judge.
	out.Header.Set("X-Forwarded-For", e.RealIP())
	resp, err := c.http.Do(out)
	if err != nil {
		return c.failed(fmt.Errorf("pass a login on: %w", err))
	}
	defer resp.Body.Close()
	b, err := readAll(resp.Body)
	if err != nil {
		return c.failed(err)
	}
	if in.Method == http.MethodDelete && resp.StatusCode == http.StatusNoContent {
		c.cache.drop(keyOf(in.Header.Get("X-Subject-Token")))
	}
	for _, h := range []string{"X-Subject-Token", "Vary", "WWW-Authenticate", "Retry-After"} {
		if v := resp.Header.Get(h); v != "" {
			e.Response().Header().Set(h, v)
		}
	}
	if len(b) == 0 {
		return e.NoContent(resp.StatusCode)
	}
	return e.Blob(resp.StatusCode, echo.MIMEApplicationJSON, b)
}
