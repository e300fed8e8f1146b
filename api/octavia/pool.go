package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

const nounPool = "Pool"

func poolBase(p *model.Pool) *model.Base { return &p.Base }

func poolResource() resource[*model.Pool] {
	type pl = *model.Pool
	of := func(get func(pl) any) func(*seen, pl) any { return func(_ *seen, x pl) any { return get(x) } }
	id := func(x pl) string { return string(x.ID) }
	tls := poolTLSAttrs()
	return resource[pl]{
		noun: nounPool, one: "pool", many: "pools", links: "pools_links",
		id: id, project: func(x pl) model.ProjectID { return x.Project }, tags: func(x pl) []string { return x.Tags },
		aliases: map[string]string{"load_balancer_id": "loadbalancer_id", "enabled": "admin_state_up"},
		attrs: withBase(true, id, poolBase, (*seen).Pool,
			attr[pl]{name: "protocol", get: of(func(x pl) any { return string(x.Protocol) })},
			attr[pl]{name: "lb_algorithm", get: of(func(x pl) any { return string(x.Algorithm) })},
			attr[pl]{name: "session_persistence", get: of(shownPersistence), use: relation},
			attr[pl]{name: "loadbalancers", get: of(func(x pl) any { return []ref{{string(x.LoadBalancer)}} }), use: relation},
			attr[pl]{name: "listeners", get: func(s *seen, x pl) any {
				return refs(s.st.ListenersUsing(x.ID), func(l *model.Listener) model.ListenerID { return l.ID })
			}, use: relation},
			attr[pl]{name: "members", get: func(s *seen, x pl) any {
				return refs(s.st.MembersOf(x.ID), func(m *model.Member) model.MemberID { return m.ID })
			}, use: relation},
			attr[pl]{name: "healthmonitor_id", get: func(s *seen, x pl) any {
				if hm, ok := s.st.MonitorOf(x.ID); ok {
					return string(hm.ID)
				}
				return absent{} // not null (contract 3.3)
			}},
			tls[0], tls[1], tls[2], tls[3], tls[4], tls[5], tls[6],
			attr[pl]{name: "loadbalancer_id", get: of(func(x pl) any { return string(x.LoadBalancer) }), use: filter},
		),
	}
}

func (s *seen) pool(id string) (*model.Pool, error) {
	x, ok := s.st.Pool(model.PoolID(id))
	if !ok {
		return nil, notFound(nounPool, id)
	}
	return x, nil
}

// checkPool judges a pool that a new listener, or a policy of one, is to use, before
// anything else is said about them. The store does it again when the entry is applied.
func checkPool(st *store.State, lb model.LoadBalancerID, listener model.Protocol, pool model.PoolID) error {
	if listener == model.Prometheus {
		return invalid("Protocol PROMETHEUS listeners cannot have child objects.")
	}
	x, ok := st.Pool(pool)
	if !ok || x.LoadBalancer != lb {
		return notFound(nounPool, pool)
	}
	return store.CheckProtocols(listener, x.Protocol)
}

func (p *Part) listPools(c echo.Context) error {
	return listScoped(p, c, &p.pools, func(s *seen) []*model.Pool { return s.st.Pools() })
}

func (p *Part) showPool(c echo.Context) error {
	return show(p, c, &p.pools, func(s *seen) (*model.Pool, error) {
		x, err := s.pool(c.Param("id"))
		if err != nil {
			return nil, err
		}
		return x, mayRead(c, x.Project)
	})
}

var algorithms = []string{"ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT"}

// refusePool answers for what the data plane does not serve, and for persistence
// that does not go with the protocol. A well-formed request comes here.
func refusePool(protocol model.Protocol, sticky Opt[model.Persistence], datagrams string) error {
	if sticky.Given() {
		if err := checkPersistence(protocol, sticky.V, datagrams); err != nil {
			return err
		}
	}
	switch protocol {
	case model.HTTP, model.HTTPS, model.TCP, model.UDP, model.Proxy, model.ProxyV2:
	default:
		return unsupported("%s protocol pools", protocol)
	}
	return nil
}

func (p *Part) updatePool(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "pool_", "pool")
	if err != nil {
		return orGone(c, err, p.mayChangePool)
	}
	n := o.described()
	algorithm := o.word("lb_algorithm", algorithms...)
	sticky, tls := o.persistence(false), readPoolTLS(o)
	if err := o.done(); err != nil {
		return err
	}
	old, err := p.mayChangePool(c)
	if err != nil {
		return err
	}
	switch {
	case algorithm.Null:
		return notValidOption("None", "lb_algorithm")
	case sticky.Given() && sticky.V.Type == "":
		if old.Persistence == nil {
			return validation("Invalid session_persistence provided.")
		}
		sticky.V.Type = old.Persistence.Type
	}
	if err := refusePool(old.Protocol, sticky, "UDP"); err != nil {
		return err
	}
	secure, err := p.patchPoolTLS(c, old, &tls)
	if err != nil {
		return err
	}
	patch := &store.PoolPatch{
		ID: old.ID, Name: n.name.Patch(""), Description: n.description.Patch(""), AdminStateUp: n.up.Patch(false),
		Tags: patchList(n.tags, nil), Algorithm: (*model.Algorithm)(algorithm.Patch("")),
		TLS: secure,
	}
	switch {
	case sticky.Null:
		patch.Persistence = &store.PersistenceOverride{}
	case sticky.Given():
		patch.Persistence = &store.PersistenceOverride{Value: &sticky.V}
	}
	if err := p.apply(c, store.PoolUpdate, patch, unsettled((*store.State).Pool, poolBase, old.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.pools, http.StatusOK, func(s *seen) (*model.Pool, error) { return s.pool(string(old.ID)) })
}

func (p *Part) mayChangePool(c echo.Context) (x *model.Pool, err error) {
	p.read.Read(func(st *store.State) {
		var ok bool
		if x, ok = st.Pool(model.PoolID(c.Param("id"))); !ok {
			err = notFound(nounPool, c.Param("id"))
			return
		}
		err = mayWrite(c, x.Project)
	})
	return x, err
}

func (p *Part) deletePool(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	x, err := p.mayChangePool(c)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.PoolDelete, &store.PoolRef{ID: x.ID}, unsettled((*store.State).Pool, poolBase, x.ID)); err != nil {
		return err
	}
	return noContent(c)
}
