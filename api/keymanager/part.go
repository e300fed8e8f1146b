package keymanager

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/api/openapi"
	"lbd/store"
)

// Part serves the key manager.
type Part struct {
	read  deps.Reader
	write deps.Writer
	seal  deps.Sealer
	now   func() time.Time
}

// New makes the part.
func New(write deps.Writer, read deps.Reader, seal deps.Sealer) *Part {
	return &Part{read: read, write: write, seal: seal, now: time.Now}
}

// prefix is the catalog's; refs are built with it.
const prefix = "/key-manager/v1"

// bases are the prefixes under which everything is served.
var bases = [...]string{prefix, "/v1"}

// Mount implements api.Part.
func (p *Part) Mount(r *api.Router) {
	r.Public("GET", "/key-manager", p.versions)
	r.Public("GET", prefix, p.version)
	for _, base := range bases {
		p.mountSecrets(r, base)
		p.mountContainers(r, base)
		p.mountOrders(r, base)
	}
}

// handle mounts h so that its refusals come in Barbican's form. operation is
// what a refusal for lack of rights names.
func handle(r *api.Router, method, path, operation string, h echo.HandlerFunc) {
	r.Handle(method, path, func(c echo.Context) error { return answerFault(c, operation, h(c)) })
}

// handleBody is handle for a route with a body; read takes all that it may have.
func handleBody(r *api.Router, method, path, operation string, read func(*body), h echo.HandlerFunc) {
	r.HandleBody(method, path, func(c echo.Context) error {
		if s := openapi.From(c.Request().Context()); s != nil {
			b := sketched()
			read(b)
			s.Root = b.sketch
			return openapi.ErrSketched
		}
		return answerFault(c, operation, h(c))
	})
}

// handleRefused is handle for what says no.
func handleRefused(r *api.Router, method, path, operation string, h echo.HandlerFunc) {
	r.Refuse(method, path, func(c echo.Context) error { return answerFault(c, operation, h(c)) })
}

// handleRaw is handle for payloads.
func handleRaw(r *api.Router, method, path, operation string, h echo.HandlerFunc) {
	r.Raw(method, path, func(c echo.Context) error { return answerFault(c, operation, h(c)) })
}

func versionEntry(c echo.Context) map[string]any {
	return map[string]any{
		"id": "v1", "status": "CURRENT", "version": "1.1", "min_version": "1.0", "max_version": "1.1",
		"links": []any{
			map[string]any{"rel": "self", "href": api.BaseURL(c) + prefix + "/"},
			map[string]any{"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
		},
	}
}

// asksFor reports whether the client speaks microversion 1.minor or later.
func asksFor(c echo.Context, minor int) bool {
	for _, h := range c.Request().Header.Values("OpenStack-API-Version") {
		for part := range strings.SplitSeq(h, ",") {
			v, ok := strings.CutPrefix(strings.TrimSpace(part), "key-manager ")
			if !ok {
				continue
			}
			if v == "latest" {
				return true
			}
			n, err := strconv.Atoi(strings.TrimPrefix(v, "1."))
			return err == nil && n >= minor
		}
	}
	return false
}

// versions is what clients ask for before the first call.
func (p *Part) versions(c echo.Context) error {
	return c.JSON(http.StatusMultipleChoices, map[string]any{"versions": []any{versionEntry(c)}})
}

func (p *Part) version(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"version": versionEntry(c)})
}

func caller(c echo.Context) *auth.Caller { return auth.From(c.Request().Context()) }

// apply proposes a command in the caller's name.
func (p *Part) apply(c echo.Context, kind store.CommandKind, payload any) error {
	_, err := p.write.Apply(c.Request().Context(), store.Command{
		Kind: kind, At: p.now().UTC(), Actor: string(caller(c).UserID), RequestID: api.RequestID(c), Payload: payload,
	})
	return err
}

// timestamp is Barbican's form of a time, UTC without saying so.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

func orNil[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}
