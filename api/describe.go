package api

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/api/openapi"
)

// unwritten throws an answer away.
type unwritten struct{ h http.Header }

func (w unwritten) Header() http.Header         { return w.h }
func (w unwritten) Write(p []byte) (int, error) { return len(p), nil }
func (unwritten) WriteHeader(int)               {}

// Answering is a Part that knows what its routes answer.
type Answering interface {
	// Answer is the schema of the body that a route answers, nil when it says nothing.
	Answer(method, path string) *openapi.Schema
}

// describePath is where the description of the whole API is (OpenAPI 3.1):
// /v1/openapi.json, as the server removes ".json" before routing.
const describePath = "/v1/openapi"

// mountDescription adds the description of all that is mounted, made when it is first
// asked for.
func (s *Server) mountDescription(parts []Part) {
	made := sync.OnceValue(func() *openapi.Document { return s.describe(parts) })
	s.router.Public(http.MethodGet, describePath, func(c echo.Context) error { return c.JSON(http.StatusOK, made()) })
}

func (s *Server) describe(parts []Part) *openapi.Document {
	var routes []openapi.Route
	for k, f := range s.router.routes {
		r := openapi.Route{Method: k.method, Path: k.path, Public: f.public, Raw: f.raw, Refused: f.refused}
		if !f.raw && !f.refused {
			if f.sketched != nil {
				r.In = s.sketch(k, f.sketched)
			}
			for _, p := range parts {
				if a, ok := p.(Answering); ok && r.Out == nil {
					r.Out = a.Answer(k.method, k.path)
				}
			}
		}
		routes = append(routes, r)
	}
	return openapi.Build(openapi.Info{
		Title: "lbd", Version: "1",
		Description: "Octavia v2, Keystone v3, Neutron v2.0 and Barbican v1 as far as load balancing needs them, and lbd's own API of the cluster (/v1).",
	}, routes, partOf)
}

// sketch is what a handler reads of a body, nil when it refuses before.
func (s *Server) sketch(k routeKey, h echo.HandlerFunc) *openapi.Schema {
	sk := &openapi.Sketch{}
	ctx := openapi.With(auth.With(context.Background(), &auth.Caller{Roles: []string{auth.RoleAdmin}}), sk)
	req, err := http.NewRequestWithContext(ctx, k.method, "/", http.NoBody)
	if err != nil {
		return nil
	}
	_ = h(s.echo.NewContext(req, unwritten{http.Header{}})) // openapi.ErrSketched
	return sk.Root
}

// partOf names the service a path belongs to.
func partOf(path string) string {
	if strings.HasPrefix(path, "/networking/v2.0/lbaas") || strings.HasPrefix(path, "/networking/v2/") {
		return "load-balancer" // where the legacy CLI looks for it
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "identity", "networking", "key-manager", "load-balancer", "v1":
		return map[string]string{"v1": "cluster"}[first] + strings.TrimPrefix(first, "v1")
	case "v2.0", "v2":
		return "load-balancer"
	case "v3":
		return "identity"
	}
	return "node"
}
