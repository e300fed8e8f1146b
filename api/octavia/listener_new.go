package octavia

import (
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// newListener is a request for a listener, by itself or as part of a tree.
type newListener struct {
	listenerFields
	protocol model.Protocol
	port     uint16
	cidrs    Opt[[]netip.Prefix]
}

func readNewListener(o *object) newListener {
	protocol := need(o, "protocol", o.word("protocol", "HTTP", "HTTPS", "TCP", "TERMINATED_HTTPS", "UDP", "SCTP", "PROMETHEUS"))
	port := need(o, "protocol_port", o.integer("protocol_port", 1, 65535))
	return newListener{readListener(o), model.Protocol(protocol), uint16(port), o.cidrs("allowed_cidrs")}
}

// newListener judges a well-formed request and makes the listener, with an id
// of its own and without what links it to other objects.
func (p *Part) newListener(c echo.Context, project model.ProjectID, in *newListener) (model.Listener, error) {
	l := model.Listener{
		Base: model.Base{
			Project: project, Name: in.name.Or(""), Description: in.description.Or(""), AdminStateUp: in.adminUp(), Tags: in.tags.V,
		},
		ID: model.ListenerID(newID()), Protocol: in.protocol, Port: in.port,
		ConnectionLimit: in.limit.Or(-1), InsertHeaders: in.headers.V,
		TimeoutClientData:    in.clientData.Or(model.DefaultTimeoutClientData),
		TimeoutMemberConnect: in.memberConnect.Or(model.DefaultTimeoutMemberConnect),
		TimeoutMemberData:    in.memberData.Or(model.DefaultTimeoutMemberData),
		TimeoutTCPInspect:    in.tcp.Or(model.DefaultTimeoutTCPInspect),
		AllowedCIDRs:         in.cidrs.V,
	}
	if err := checkHeaders(l.Protocol, in.headers.V, "dict_keys(%s)"); err != nil {
		return l, err
	}
	var err error
	if l.TLS, err = p.newListenerTLS(c, project, l.Protocol, &in.listenerTLS); err != nil {
		return l, err
	}
	switch l.Protocol {
	case model.HTTP, model.HTTPS, model.TCP, model.TerminatedHTTPS, model.Prometheus, model.UDP:
		return l, nil
	default:
		return l, unsupported("%s protocol listeners", l.Protocol)
	}
}

func (p *Part) createListener(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "listener_", "listener")
	if err != nil {
		return err
	}
	lb := o.parent("loadbalancer_id")
	in := readNewListener(o)
	o.ignored()
	nested := len(o.objects("l7policies").V) > 0 || o.present("default_pool")
	if !lb.Given() && !in.pool.Given() { // the legacy CLI may name the pool alone
		need(o, "loadbalancer_id", lb)
	}
	if err := o.done(); err != nil {
		return err
	}
	parent, project, err := p.mayAddListener(c, model.LoadBalancerID(lb.V), in.protocol, model.PoolID(in.pool.V))
	if err != nil {
		return err
	}
	if nested {
		return validation("default_pool and l7policies can be given with a load balancer only, when all is created in one call.")
	}
	l, err := p.newListener(c, project, &in)
	if err != nil {
		return err
	}
	l.LoadBalancer, l.DefaultPool = parent, model.PoolID(in.pool.V)
	if err := p.apply(c, store.ListenerCreate, &l, unsettled((*store.State).Listener, listenerBase, l.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.listeners, http.StatusCreated, func(s *seen) (*model.Listener, error) { return s.listener(string(l.ID)) })
}

// mayAddListener finds the load balancer (through the default pool, where only
// that is named) and checks the caller's right to change it.
func (p *Part) mayAddListener(c echo.Context, id model.LoadBalancerID, protocol model.Protocol, pool model.PoolID) (_ model.LoadBalancerID, project model.ProjectID, err error) {
	p.read.Read(func(st *store.State) {
		if id == "" {
			x, ok := st.Pool(pool)
			if !ok {
				err = notFound(nounPool, pool)
				return
			}
			id = x.LoadBalancer
		}
		lb, ok := st.LoadBalancer(id)
		if !ok {
			err = notFound(nounLoadBalancer, id)
			return
		}
		project = lb.Project
		if err = mayWrite(c, project); err != nil {
			return
		}
		if err = mayHaveMore(c, st, project, model.QuotaListener); err == nil && pool != "" {
			err = checkPool(st, lb.ID, protocol, pool)
		}
	})
	return id, project, err
}
