package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// newPool is a request for a pool, by itself or as part of a tree.
type newPool struct {
	named
	protocol, algorithm Opt[string]
	sticky              Opt[model.Persistence]
	tls                 poolTLS
}

func readNewPool(o *object) newPool {
	return newPool{
		named:    o.described(),
		protocol: o.word("protocol", "HTTP", "HTTPS", "TCP", "PROXY", "PROXYV2", "UDP", "SCTP"), algorithm: o.word("lb_algorithm", algorithms...),
		sticky: o.persistence(true), tls: readPoolTLS(o),
	}
}

// newPool judges a well-formed request and makes the pool, with an id of its own.
func (p *Part) newPool(c echo.Context, project model.ProjectID, in *newPool) (model.Pool, error) {
	x := model.Pool{
		Base: model.Base{
			Project: project, Name: in.name.Or(""), Description: in.description.Or(""), AdminStateUp: in.adminUp(), Tags: in.tags.V,
		},
		ID: model.PoolID(newID()), Protocol: model.Protocol(in.protocol.V), Algorithm: model.Algorithm(in.algorithm.V),
	}
	if in.sticky.Given() {
		x.Persistence = &in.sticky.V
	}
	if err := refusePool(x.Protocol, in.sticky, "UDP and SCTP"); err != nil {
		return x, err
	}
	var err error
	x.TLS, err = p.newPoolTLS(c, project, x.Protocol, &in.tls)
	return x, err
}

func (p *Part) createPool(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "pool_", "pool")
	if err != nil {
		return err
	}
	lb, listener := o.id("loadbalancer_id"), o.id("listener_id")
	in := readNewPool(o)
	need(o, "protocol", in.protocol)
	need(o, "lb_algorithm", in.algorithm)
	o.ignored()
	nested := len(o.objects("members").V) > 0 || o.present("healthmonitor")
	if err := o.done(); err != nil {
		return err
	}
	project, err := p.mayAddPool(c, model.LoadBalancerID(lb.V), model.ListenerID(listener.V))
	if err != nil {
		return err
	}
	if nested {
		return validation("members and healthmonitor can be given with a load balancer only, when all is created in one call.")
	}
	if err := refusePool(model.Protocol(in.protocol.V), in.sticky, "UDP and SCTP"); err != nil {
		return err
	}
	p.read.Read(func(st *store.State) { err = mayHaveMore(c, st, project, model.QuotaPool) })
	if err != nil {
		return err
	}
	x, err := p.newPool(c, project, &in)
	if err != nil {
		return err
	}
	x.LoadBalancer = model.LoadBalancerID(lb.V)
	payload := &store.PoolCreatePayload{Pool: x, Listener: model.ListenerID(listener.V)}
	if err := p.apply(c, store.PoolCreate, payload, unsettled((*store.State).Pool, poolBase, x.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.pools, http.StatusCreated, func(s *seen) (*model.Pool, error) { return s.pool(string(x.ID)) })
}

// mayAddPool finds the load balancer and checks the caller's right to change it.
func (p *Part) mayAddPool(c echo.Context, id model.LoadBalancerID, listener model.ListenerID) (project model.ProjectID, err error) {
	if id == "" && listener == "" {
		return "", validation("Must provide at least one of: loadbalancer_id, listener_id")
	}
	p.read.Read(func(st *store.State) {
		if id == "" {
			l, ok := st.Listener(listener)
			if !ok {
				err = notFound(nounListener, listener)
				return
			}
			id = l.LoadBalancer
		}
		lb, ok := st.LoadBalancer(id)
		if !ok {
			err = notFound(nounLoadBalancer, id)
			return
		}
		project, err = lb.Project, mayWrite(c, lb.Project)
	})
	return project, err
}
