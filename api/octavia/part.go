package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/deps"
	"lbd/store/model"
)

// Part serves the Octavia API. It implements api.Part.
type Part struct {
	write   deps.Writer
	read    deps.Reader
	observe deps.Observer
	cluster deps.Cluster
	keys    deps.Sealer // nil: no TLS reference leads anywhere
	spread  deps.Spread // nil: the leader holds everything

	loadBalancers resource[*model.LoadBalancer]
	listeners     resource[*model.Listener]
	pools         resource[*model.Pool]
	members       resource[*model.Member]
	monitors      resource[*model.HealthMonitor]
	l7policies    resource[*model.L7Policy]
	l7rules       resource[*model.L7Rule]
	amphorae      resource[*amphora]
	quotas        resource[*model.Quota]
}

// New makes the part.
func New(write deps.Writer, read deps.Reader, observe deps.Observer, cluster deps.Cluster) *Part {
	return &Part{
		write: write, read: read, observe: observe, cluster: cluster,
		loadBalancers: loadBalancerResource(), listeners: listenerResource(), pools: poolResource(),
		members: memberResource(), monitors: monitorResource(), amphorae: amphoraResource(), quotas: quotaResource(),
		l7policies: l7PolicyResource(), l7rules: l7RuleResource(),
	}
}

type handler = echo.HandlerFunc

// Mount adds the routes (clients, section 1): every collection with and
// without /lbaas, under both version names, at the root and under
// /load-balancer; and under the network endpoint with /lbaas only, where the
// legacy CLI looks and where the other names are Neutron's.
func (p *Part) Mount(r *api.Router) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} { // as Octavia
		r.Public(method, "/", discovery(r))
		r.Public(method, "/load-balancer", discovery(r))
	}
	for _, mount := range []string{"", "/load-balancer"} {
		for _, version := range []string{"/v2.0", "/v2"} {
			base := mount + version
			for _, path := range []string{base, base + "/lbaas", base + "/octavia"} {
				r.Handle(http.MethodGet, path, wrap(versionName))
			}
			p.mountAmphorae(r, base+"/octavia/amphorae")
			p.mountCollections(r, base)
			p.mountCollections(r, base+"/lbaas")
		}
	}
	for _, version := range []string{"/v2.0", "/v2"} {
		p.mountCollections(r, "/networking"+version+"/lbaas")
	}
}

func (p *Part) mountAmphorae(r *api.Router, path string) {
	r.Handle(http.MethodGet, path, wrap(p.listAmphorae))
	r.Handle(http.MethodGet, path+"/:id", wrap(p.showAmphora))
	r.Handle(http.MethodGet, path+"/:id/stats", wrap(p.amphoraStats))
	r.Handle(http.MethodPut, path+"/:id/failover", wrap(p.failoverAmphora))
	r.Handle(http.MethodPut, path+"/:id/config", wrap(p.configureAmphora))
	r.Handle(http.MethodDelete, path+"/:id", wrap(p.deleteAmphora))
	r.Refuse(http.MethodDelete, path, wrap(missingArgument("id")))
}

func (p *Part) mountCollections(r *api.Router, base string) {
	lbs := base + "/loadbalancers"
	mountVerbs(r, lbs, p.listLoadBalancers, p.createLoadBalancer, p.showLoadBalancer, p.updateLoadBalancer, p.deleteLoadBalancer, nil)
	r.Handle(http.MethodGet, lbs+"/:id/stats", wrap(p.loadBalancerStats))
	r.Handle(http.MethodGet, lbs+"/:id/status", wrap(p.statusTree))
	r.Handle(http.MethodGet, lbs+"/:id/statuses", wrap(p.statusTree))
	r.Handle(http.MethodPut, lbs+"/:id/failover", wrap(p.failoverLoadBalancer))

	mountVerbs(r, base+"/listeners", p.listListeners, p.createListener, p.showListener, p.updateListener, p.deleteListener, nil)
	r.Handle(http.MethodGet, base+"/listeners/:id/stats", wrap(p.listenerStats))

	mountVerbs(r, base+"/pools", p.listPools, p.createPool, p.showPool, p.updatePool, p.deletePool, nil)
	members := base + "/pools/:pool/members"
	mountVerbs(r, members, p.listMembers, p.createMember, p.showMember, p.updateMember, p.deleteMember, p.batchMembers)
	mountVerbs(r, base+"/healthmonitors", p.listMonitors, p.createMonitor, p.showMonitor, p.updateMonitor, p.deleteMonitor, nil)

	mountVerbs(r, base+"/l7policies", p.listL7Policies, p.createL7Policy, p.showL7Policy, p.updateL7Policy, p.deleteL7Policy, nil)
	mountVerbs(r, base+"/l7policies/:policy/rules", p.listL7Rules, p.createL7Rule, p.showL7Rule, p.updateL7Rule, p.deleteL7Rule, nil)

	r.Handle(http.MethodGet, base+"/providers", wrap(listProviders))
	r.Refuse(http.MethodGet, base+"/providers/:name", methodNotAllowed)
	r.Handle(http.MethodGet, base+"/providers/:name/flavor_capabilities", wrap(listCapabilities("flavor_capabilities", flavorCapabilities)))
	r.Handle(http.MethodGet, base+"/providers/:name/availability_zone_capabilities", wrap(listCapabilities("availability_zone_capabilities", zoneCapabilities)))

	r.Handle(http.MethodGet, base+"/quotas", wrap(p.listQuotas))
	r.Refuse(http.MethodPut, base+"/quotas", wrap(missingArgument("project_id")))
	r.Refuse(http.MethodDelete, base+"/quotas", wrap(missingArgument("project_id")))
	r.Handle(http.MethodGet, base+"/quotas/:project", wrap(p.showQuota))
	r.Handle(http.MethodGet, base+"/quotas/:project/default", wrap(p.showDefaultQuota))
	r.HandleBody(http.MethodPut, base+"/quotas/:project", wrap(p.updateQuota))
	r.Handle(http.MethodDelete, base+"/quotas/:project", wrap(p.deleteQuota))

	mountChoice(p, r, base+"/flavors", flavors())
	mountChoice(p, r, base+"/flavorprofiles", flavorProfiles())
	mountChoice(p, r, base+"/availabilityzones", zones())
	mountChoice(p, r, base+"/availabilityzoneprofiles", zoneProfiles())
}

// mountVerbs adds the five verbs of a resource. PUT and DELETE of a collection
// lack the id; where there is a batch update, PUT is that.
func mountVerbs(r *api.Router, path string, list, create, show, update, remove, batch handler) {
	r.Handle(http.MethodGet, path, wrap(list))
	r.HandleBody(http.MethodPost, path, wrap(create))
	r.Handle(http.MethodGet, path+"/:id", wrap(show))
	r.HandleBody(http.MethodPut, path+"/:id", wrap(update))
	r.Handle(http.MethodDelete, path+"/:id", wrap(remove))
	r.Refuse(http.MethodDelete, path, wrap(missingArgument("id")))
	if batch != nil {
		r.HandleBody(http.MethodPut, path, wrap(batch))
		return
	}
	r.Refuse(http.MethodPut, path, wrap(missingArgument("id")))
}

func missingArgument(name string) handler {
	return func(echo.Context) error { return invalid("Missing argument: \"%s\"", name) }
}

func methodNotAllowed(echo.Context) error { return echo.ErrMethodNotAllowed }

// versionName answers the bare version paths, as Octavia does, with a JSON string.
func versionName(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, "v2")
}
