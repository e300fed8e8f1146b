package octavia

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/store/model"
)

// createdTree answers the creation of a load balancer with its full graph:
// children as whole objects in place of references (contract 3.1.2).
func (p *Part) createdTree(c echo.Context, id model.LoadBalancerID) error {
	var err error
	var body doc
	p.look(func(s *seen) {
		var lb *model.LoadBalancer
		if lb, err = s.loadBalancer(string(id)); err == nil {
			body = doc{{p.loadBalancers.one, p.graph(s, lb)}}
		}
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, body)
}

func (p *Part) graph(s *seen, lb *model.LoadBalancer) doc {
	listeners, pools := []doc{}, []doc{}
	for _, l := range s.st.ListenersOf(lb.ID) {
		listeners = append(listeners, p.listeners.shown(s, l, nil).without("loadbalancers").with("l7policies", p.policyGraphs(s, l)))
	}
	for _, x := range s.st.PoolsOf(lb.ID) {
		pools = append(pools, p.poolGraph(s, x))
	}
	return p.loadBalancers.shown(s, lb, nil).with("listeners", listeners).with("pools", pools)
}

func (p *Part) policyGraphs(s *seen, l *model.Listener) []doc {
	policies := []doc{}
	for _, x := range s.st.PoliciesOf(l.ID) {
		rules := []doc{}
		for _, r := range s.st.RulesOf(x.ID) {
			rules = append(rules, p.l7rules.shown(s, r, nil))
		}
		policies = append(policies, p.l7policies.shown(s, x, nil).with("rules", rules))
	}
	return policies
}

func (p *Part) poolGraph(s *seen, x *model.Pool) doc {
	var monitor any
	if hm, ok := s.st.MonitorOf(x.ID); ok {
		monitor = p.monitors.shown(s, hm, nil).without("pools")
	}
	members := []doc{}
	for _, m := range s.st.MembersOf(x.ID) {
		members = append(members, p.members.shown(s, m, nil))
	}
	return p.pools.shown(s, x, nil).without("loadbalancers").without("healthmonitor_id").
		with("members", members).with("healthmonitor", monitor)
}

// without is d with a key less.
func (d doc) without(key string) doc {
	return slices.DeleteFunc(slices.Clone(d), func(e entry) bool { return e.key == key })
}

// with is d with another value at key, which is added before the last key (the
// owner) where it is not there.
func (d doc) with(key string, value any) doc {
	d = slices.Clone(d)
	if i := slices.IndexFunc(d, func(e entry) bool { return e.key == key }); i >= 0 {
		d[i].value = value
		return d
	}
	return slices.Insert(d, len(d)-1, entry{key, value})
}
