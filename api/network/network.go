package network

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

// Part serves networking.
type Part struct {
	read  deps.Reader
	write deps.Writer
	now   func() time.Time
}

// New makes the part.
func New(write deps.Writer, read deps.Reader) *Part {
	return &Part{read: read, write: write, now: time.Now}
}

// Bases are the prefixes under which everything is served: the catalog's, and
// the bare root.
var bases = []string{"/networking/v2.0", "/v2.0"}

// lookups is served with what clients without a catalog look up there: they
// know the load balancing endpoint only.
const lookups = "/load-balancer/v2.0"

// Mount implements api.Part.
func (p *Part) Mount(r *api.Router) {
	r.Public("GET", "/networking", p.versions)
	r.Public("GET", "/networking/v2.0", p.resources)
	for _, base := range bases {
		p.mountBasics(r, base)
		routerResource().mount(r, p, base)
		handleBody(r, "PUT", base+"/routers/:id/add_router_interface", p.attach)
		handleBody(r, "PUT", base+"/routers/:id/remove_router_interface", p.detach)
		floatingIPResource().mount(r, p, base)
		p.mountRest(r, base)
	}
	p.mountBasics(r, lookups)
}

func (p *Part) mountBasics(r *api.Router, base string) {
	networkResource().mount(r, p, base)
	subnetResource().mount(r, p, base)
	portResource().mount(r, p, base)
	securityGroupResource().mount(r, p, base)
	securityGroupRuleResource().mount(r, p, base)
}

// handle mounts h so that its refusals come in Neutron's form.
func handle(r *api.Router, method, path string, h echo.HandlerFunc) {
	r.Handle(method, path, func(c echo.Context) error { return answerFault(c, h(c)) })
}

// handleBody is handle for a route that reads a body.
func handleBody(r *api.Router, method, path string, h echo.HandlerFunc) {
	r.HandleBody(method, path, func(c echo.Context) error { return answerFault(c, h(c)) })
}

// refuse is handle for a route that says no.
func refuse(r *api.Router, method, path string, h echo.HandlerFunc) {
	r.Refuse(method, path, func(c echo.Context) error { return answerFault(c, h(c)) })
}

// versions is what clients ask for once before the first call.
func (p *Part) versions(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"versions": []any{versionView(api.BaseURL(c))}})
}

func versionView(base string) map[string]any {
	return map[string]any{
		"id": "v2.0", "status": "CURRENT",
		"links": []any{map[string]any{"rel": "self", "href": base + "/networking/v2.0/"}},
	}
}

// resources is what there is below /networking/v2.0.
func (p *Part) resources(c echo.Context) error {
	list := []any{}
	for _, names := range [][2]string{
		{"network", "networks"},
		{"subnet", "subnets"},
		{"port", "ports"},
		{"router", "routers"},
		{"floatingip", "floatingips"},
		{"security_group", "security-groups"},
		{"quota", "quotas"},
		{"extension", "extensions"},
	} {
		list = append(list, namedView(api.BaseURL(c), names))
	}
	return c.JSON(http.StatusOK, map[string]any{"resources": list})
}

func namedView(base string, names [2]string) map[string]any {
	return map[string]any{
		"name": names[0], "collection": names[1],
		"links": []any{map[string]any{"rel": "self", "href": base + "/networking/v2.0/" + names[1]}},
	}
}

func caller(c echo.Context) *auth.Caller { return auth.From(c.Request().Context()) }

// apply proposes a command in the caller's name.
func (p *Part) apply(c echo.Context, kind store.CommandKind, payload any) error {
	_, err := p.write.Apply(c.Request().Context(), store.Command{
		Kind: kind, At: p.now().UTC(), Actor: string(caller(c).UserID), RequestID: api.RequestID(c), Payload: payload,
	})
	return err
}

// newIdentity is the identity of a port to make: apply does the rest.
func newIdentity() model.Port {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return model.Port{
		ID:  model.PortID(uuid.NewString()),
		MAC: fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", b[0], b[1], b[2]),
	}
}

// timestamp is Neutron's form of a time.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// recordView has the keys that every object answers with.
func recordView(id string, r *model.Record) map[string]any {
	return map[string]any{
		"id": id, "name": r.Name, "description": r.Description, "tenant_id": r.Project, "project_id": r.Project,
		"tags": orEmpty(r.Tags), "created_at": timestamp(r.Created), "updated_at": timestamp(r.Updated), "revision_number": r.Revision,
	}
}

// orNil is null for an empty id.
func orNil[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func status(up bool) string {
	if up {
		return "ACTIVE"
	}
	return "DOWN"
}
