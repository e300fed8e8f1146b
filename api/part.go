package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Part is one face of the API: octavia, identity, network, admin. New mounts
// every part once, before the server runs.
type Part interface {
	Mount(r *Router)
}

// Router takes the routes of the parts. Paths are in echo's form
// ("/v3/users/:id"), without trailing slash and without ".json": the server
// removes both before routing.
type Router struct {
	e      *echo.Echo
	routes map[routeKey]routeFlags
	roots  []func(echo.Context) any
}

// AtRoot adds a version of a service of its own to the list of GET /, where clients
// look that were given the bare address of a node (clients, section 2).
func (r *Router) AtRoot(version func(echo.Context) any) { r.roots = append(r.roots, version) }

// Roots are the versions that AtRoot added, in the words of this request's client.
func (r *Router) Roots(c echo.Context) []any {
	var out []any
	for _, version := range r.roots {
		out = append(out, version(c))
	}
	return out
}

type routeKey struct{ method, path string }

type routeFlags struct {
	public   bool             // no token asked
	raw      bool             // not a JSON API: neither the Accept header nor the body is judged
	refused  bool             // is there to say no
	sketched echo.HandlerFunc // stops at its body when that is only to be described; nil: none
}

// Handle adds a route that needs a token; auth.From(ctx) is the caller.
func (r *Router) Handle(method, path string, h echo.HandlerFunc) {
	r.add(method, path, h, routeFlags{})
}

// HandleBody is Handle for a route whose body can be described: with an openapi.Sketch
// in its context h does nothing but note what it reads.
func (r *Router) HandleBody(method, path string, h echo.HandlerFunc) {
	r.add(method, path, h, routeFlags{sketched: h})
}

// PublicBody is HandleBody for a route that needs no token.
func (r *Router) PublicBody(method, path string, h echo.HandlerFunc) {
	r.add(method, path, h, routeFlags{public: true, sketched: h})
}

// Refuse is Handle for a route of the service's that is there to say no, whatever is
// asked: its description has no good answer.
func (r *Router) Refuse(method, path string, h echo.HandlerFunc) {
	r.add(method, path, h, routeFlags{refused: true})
}

// Public adds a route that needs no token: discovery, login, joining.
func (r *Router) Public(method, path string, h echo.HandlerFunc) {
	r.add(method, path, h, routeFlags{public: true})
}

// PublicRaw is Public for answers that are no JSON: health, web UI files.
func (r *Router) PublicRaw(method, path string, h http.Handler) {
	r.add(method, path, echo.WrapHandler(h), routeFlags{public: true, raw: true})
}

// Raw is Handle for what is no JSON, such as event streams and payloads of
// secrets: the handler judges media types itself.
func (r *Router) Raw(method, path string, h echo.HandlerFunc) {
	r.add(method, path, h, routeFlags{raw: true})
}

func (r *Router) add(method, path string, h echo.HandlerFunc, f routeFlags) {
	r.routes[routeKey{method, path}] = f
	r.e.Add(method, path, h)
}

// Route names one mounted route.
type Route struct {
	Method, Path         string
	Public, Raw, Refused bool
}
