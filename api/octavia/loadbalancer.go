package octavia

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

const nounLoadBalancer = "Load Balancer"

// providers are the names this one provider answers to. The first is the default.
var providers = []struct{ name, description string }{
	{model.DefaultProvider, "The lbd driver."},
	{"amphora", "Another name of the lbd driver for clients that ask for it."},
	{"octavia", "Another name of the lbd driver for clients that ask for it."},
}

func isProvider(name string) bool {
	return slices.ContainsFunc(providers, func(p struct{ name, description string }) bool { return p.name == name })
}

func loadBalancerBase(lb *model.LoadBalancer) *model.Base { return &lb.Base }

func loadBalancerResource() resource[*model.LoadBalancer] {
	type lb = *model.LoadBalancer
	of := func(get func(lb) any) func(*seen, lb) any { return func(_ *seen, x lb) any { return get(x) } }
	id := func(x lb) string { return string(x.ID) }
	return resource[lb]{
		noun: nounLoadBalancer, one: "loadbalancer", many: "loadbalancers", links: "loadbalancers_links",
		id: id, project: func(x lb) model.ProjectID { return x.Project }, tags: func(x lb) []string { return x.Tags },
		aliases: map[string]string{"enabled": "admin_state_up"},
		attrs: withBase(true, id, loadBalancerBase, (*seen).LoadBalancer,
			attr[lb]{name: "vip_address", get: of(func(x lb) any { return text(x.VIP.String()) })},
			attr[lb]{name: "vip_port_id", get: of(func(x lb) any { return text(x.VIP.Port) })},
			attr[lb]{name: "vip_subnet_id", get: of(func(x lb) any { return text(x.VIP.Subnet) })},
			attr[lb]{name: "vip_network_id", get: of(func(x lb) any { return text(x.VIP.Network) })},
			attr[lb]{name: "vip_sg_ids", get: ownGroups},
			attr[lb]{name: "additional_vips", get: of(additionalVIPs), use: relation},
			attr[lb]{name: "listeners", get: func(s *seen, x lb) any {
				return refs(s.st.ListenersOf(x.ID), func(l *model.Listener) model.ListenerID { return l.ID })
			}, use: relation},
			attr[lb]{name: "pools", get: func(s *seen, x lb) any {
				return refs(s.st.PoolsOf(x.ID), func(p *model.Pool) model.PoolID { return p.ID })
			}, use: relation},
			attr[lb]{name: "provider", get: of(func(x lb) any { return x.Provider })},
			attr[lb]{name: "flavor_id", get: of(func(x lb) any { return text(x.Flavor) })},
			attr[lb]{name: "vip_qos_policy_id", get: of(func(x lb) any { return text(x.QoSPolicy) })},
			attr[lb]{name: "availability_zone", get: of(func(x lb) any { return text(x.AvailabilityZone) })},
			attr[lb]{name: "vip_vnic_type", get: of(func(lb) any { return "normal" })},
			attr[lb]{name: "topology", get: func(s *seen, x lb) any { return s.st.Topology(x) }, use: filter},
			attr[lb]{name: "server_group_id", get: of(func(lb) any { return nil }), use: filter},
		),
	}
}

func additionalVIPs(x *model.LoadBalancer) any {
	out := []doc{}
	for _, v := range x.AdditionalVIPs {
		out = append(out, doc{{"subnet_id", text(v.Subnet)}, {"ip_address", text(v.String())}, {"port_id", text(v.Port)}})
	}
	return out
}

// ownGroups are the security groups of the VIP port, when they were given as
// the load balancer's.
func ownGroups(s *seen, x *model.LoadBalancer) any {
	out := []string{}
	if port, ok := s.st.Port(x.VIP.Port); ok && x.OwnGroups {
		for _, g := range port.SecurityGroups {
			out = append(out, string(g))
		}
	}
	return out
}

// groupIDs are the security groups of a request, each once, if all are there for
// the project: somebody else's exist for an admin only (decision 0030).
func (p *Part) groupIDs(c echo.Context, project model.ProjectID, given []string) ([]model.SecurityGroupID, error) {
	out := make([]model.SecurityGroupID, 0, len(given))
	var err error
	p.read.Read(func(st *store.State) {
		for _, s := range given {
			id := model.SecurityGroupID(s)
			g, ok := st.SecurityGroup(id)
			if !ok || g.Project != project && !caller(c).IsAdmin() {
				err = invalid("Security Group %s not found.", id)
				return
			}
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	})
	return out, err
}

func (s *seen) loadBalancer(id string) (*model.LoadBalancer, error) {
	lb, ok := s.st.LoadBalancer(model.LoadBalancerID(id))
	if !ok {
		return nil, notFound(nounLoadBalancer, id)
	}
	return lb, nil
}

func (p *Part) listLoadBalancers(c echo.Context) error {
	return listScoped(p, c, &p.loadBalancers, func(s *seen) []*model.LoadBalancer { return s.st.LoadBalancers() })
}

func (p *Part) showLoadBalancer(c echo.Context) error {
	return show(p, c, &p.loadBalancers, func(s *seen) (*model.LoadBalancer, error) {
		lb, err := s.loadBalancer(c.Param("id"))
		if err != nil {
			return nil, err
		}
		return lb, mayRead(c, lb.Project)
	})
}

func (p *Part) updateLoadBalancer(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "load_balancer", "loadbalancer")
	if err != nil {
		return orGone(c, err, func(c echo.Context) (model.ProjectID, error) {
			_, project, err := p.mayChangeLoadBalancer(c)
			return project, err
		})
	}
	n := o.described()
	qos, groups := o.id("vip_qos_policy_id"), list(o, "vip_sg_ids", parseID)
	if err := o.done(); err != nil {
		return err
	}
	id, project, err := p.mayChangeLoadBalancer(c)
	if err != nil {
		return err
	}
	if qos.Given() {
		return invalid("qos_policy %s not found.", qos.V)
	}
	patch := &store.LoadBalancerPatch{
		ID: id, Name: n.name.Patch(""), Description: n.description.Patch(""), AdminStateUp: n.up.Patch(false),
		Tags: patchList(n.tags, nil), QoSPolicy: qos.Patch(""),
	}
	if groups.Set {
		own, err := p.groupIDs(c, project, groups.V)
		if err != nil {
			return err
		}
		patch.Groups = &own
	}
	if err := p.apply(c, store.LoadBalancerUpdate, patch, unsettled((*store.State).LoadBalancer, loadBalancerBase, id)); err != nil {
		return err
	}
	return changed(p, c, &p.loadBalancers, http.StatusOK, func(s *seen) (*model.LoadBalancer, error) { return s.loadBalancer(string(id)) })
}

// mayChangeLoadBalancer is the id in the path, when it exists and the caller may.
func (p *Part) mayChangeLoadBalancer(c echo.Context) (id model.LoadBalancerID, project model.ProjectID, err error) {
	id = model.LoadBalancerID(c.Param("id"))
	p.read.Read(func(st *store.State) {
		lb, ok := st.LoadBalancer(id)
		if !ok {
			err = notFound(nounLoadBalancer, id)
			return
		}
		project, err = lb.Project, mayWrite(c, lb.Project)
	})
	return id, project, err
}

func (p *Part) deleteLoadBalancer(c echo.Context) error {
	if err := noQuery(c, "cascade"); err != nil {
		return err
	}
	id, _, err := p.mayChangeLoadBalancer(c)
	if err != nil {
		return err
	}
	cascade, _ := parseBool(c.QueryParam("cascade"))
	payload := &store.LoadBalancerDeletePayload{ID: id, Cascade: cascade}
	if err := p.apply(c, store.LoadBalancerDelete, payload, unsettled((*store.State).LoadBalancer, loadBalancerBase, id)); err != nil {
		return err
	}
	return noContent(c)
}

// failoverLoadBalancer makes the load balancer PENDING_UPDATE and moves it to another
// node: with all others, for one node holds all, unless load balancers are distributed
// over the nodes. It answers when the order is given, not when all is done.
func (p *Part) failoverLoadBalancer(c echo.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	id := model.LoadBalancerID(c.Param("id"))
	var err error
	alone := false
	p.read.Read(func(st *store.State) {
		alone = dataNodes(st) == 1
		lb, ok := st.LoadBalancer(id)
		switch {
		case !ok:
			err = notFound(nounLoadBalancer, id)
		case !caller(c).IsAdmin():
			err = mustAdmin(c)
		case lb.Provisioning == model.PendingDelete:
			err = store.Errorf(store.Conflict, "Invalid state %s of loadbalancer resource %s", lb.Provisioning, id)
		}
	})
	if err != nil {
		return err
	}
	if err := p.propose(c, store.LoadBalancerRenew, &store.LoadBalancerRef{ID: id}); err != nil {
		return err
	}
	if alone { // as of a SINGLE one in Octavia, which is made anew in its place
		return c.NoContent(http.StatusAccepted)
	}
	return p.moveAway(c, id)
}

// WithSpread lets failover move a single load balancer. It returns p.
func (p *Part) WithSpread(s deps.Spread) *Part {
	p.spread = s
	return p
}

// moveAway moves a load balancer, and with it what its node holds for the same reason.
func (p *Part) moveAway(c echo.Context, id model.LoadBalancerID) error {
	ctx := c.Request().Context()
	spread := false
	p.read.Read(func(st *store.State) { spread = st.Spread().On })
	var err error
	if spread && p.spread != nil {
		err = p.spread.MoveAway(ctx, string(caller(c).UserID), id)
	} else {
		err = p.cluster.Switchover(ctx, "")
	}
	if err != nil {
		if store.KindOf(err) != "" {
			return err
		}
		return store.Errorf(store.Unavailable, "Provider 'lbd' reports error: %s", err)
	}
	return c.NoContent(http.StatusAccepted)
}
