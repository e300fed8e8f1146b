package octavia

import (
	"errors"
	"math"
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

const nounListener = "Listener"

func listenerBase(l *model.Listener) *model.Base { return &l.Base }

func listenerResource() resource[*model.Listener] {
	type lis = *model.Listener
	of := func(get func(lis) any) func(*seen, lis) any { return func(_ *seen, x lis) any { return get(x) } }
	id := func(x lis) string { return string(x.ID) }
	certificates, clients, tls := listenerCertificateAttrs(), listenerClientAttrs(), listenerTLSAttrs()
	return resource[lis]{
		noun: nounListener, one: "listener", many: "listeners", links: "listeners_links",
		id: id, project: func(x lis) model.ProjectID { return x.Project }, tags: func(x lis) []string { return x.Tags },
		aliases: map[string]string{"load_balancer_id": "loadbalancer_id", "enabled": "admin_state_up"},
		attrs: withBase(true, id, listenerBase, (*seen).Listener,
			attr[lis]{name: "protocol", get: of(func(x lis) any { return string(x.Protocol) })},
			attr[lis]{name: "protocol_port", get: of(func(x lis) any { return int(x.Port) })},
			attr[lis]{name: "connection_limit", get: of(func(x lis) any { return x.ConnectionLimit })},
			certificates[0], certificates[1],
			attr[lis]{name: "default_pool_id", get: of(func(x lis) any { return text(x.DefaultPool) })},
			attr[lis]{name: "l7policies", get: func(s *seen, x lis) any {
				return refs(s.st.PoliciesOf(x.ID), func(p *model.L7Policy) model.L7PolicyID { return p.ID })
			}, use: relation},
			attr[lis]{name: "insert_headers", get: of(insertedHeaders), use: relation},
			attr[lis]{name: "loadbalancers", get: of(func(x lis) any { return []ref{{string(x.LoadBalancer)}} }), use: relation},
			attr[lis]{name: "timeout_client_data", get: of(func(x lis) any { return x.TimeoutClientData })},
			attr[lis]{name: "timeout_member_connect", get: of(func(x lis) any { return x.TimeoutMemberConnect })},
			attr[lis]{name: "timeout_member_data", get: of(func(x lis) any { return x.TimeoutMemberData })},
			attr[lis]{name: "timeout_tcp_inspect", get: of(func(x lis) any { return x.TimeoutTCPInspect })},
			clients[0], clients[1], clients[2],
			attr[lis]{name: "allowed_cidrs", get: of(allowedCIDRs), use: relation},
			tls[0], tls[1], tls[2], tls[3], tls[4], tls[5],
			attr[lis]{name: "loadbalancer_id", get: of(func(x lis) any { return string(x.LoadBalancer) }), use: filter},
		),
	}
}

func insertedHeaders(x *model.Listener) any {
	if x.InsertHeaders == nil {
		return map[string]string{}
	}
	return x.InsertHeaders
}

func allowedCIDRs(x *model.Listener) any {
	if len(x.AllowedCIDRs) == 0 {
		return nil // never an empty list (contract 3.2)
	}
	out := make([]string, 0, len(x.AllowedCIDRs))
	for _, p := range x.AllowedCIDRs {
		out = append(out, p.String())
	}
	return out
}

func (s *seen) listener(id string) (*model.Listener, error) {
	l, ok := s.st.Listener(model.ListenerID(id))
	if !ok {
		return nil, notFound(nounListener, id)
	}
	return l, nil
}

func (p *Part) listListeners(c echo.Context) error {
	return listScoped(p, c, &p.listeners, func(s *seen) []*model.Listener { return s.st.Listeners() })
}

func (p *Part) showListener(c echo.Context) error {
	return show(p, c, &p.listeners, func(s *seen) (*model.Listener, error) {
		l, err := s.listener(c.Param("id"))
		if err != nil {
			return nil, err
		}
		return l, mayRead(c, l.Project)
	})
}

// listenerFields are the attributes that create and update share.
type listenerFields struct {
	named
	limit                                      Opt[int]
	pool                                       Opt[string]
	headers                                    Opt[map[string]string]
	clientData, memberConnect, memberData, tcp Opt[int]
	listenerTLS
}

func readListener(o *object) listenerFields {
	timeout := func(key string) Opt[int] { return o.integer(key, 0, model.MaxTimeout) }
	return listenerFields{
		named: o.described(), limit: o.integer("connection_limit", -1, math.MaxInt32), pool: o.id("default_pool_id"),
		headers:    o.stringMap("insert_headers", 255),
		clientData: timeout("timeout_client_data"), memberConnect: timeout("timeout_member_connect"),
		memberData: timeout("timeout_member_data"), tcp: timeout("timeout_tcp_inspect"),
		listenerTLS: readListenerTLS(o),
	}
}

func (p *Part) updateListener(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "listener_", "listener")
	if _, ok := errors.AsType[noObject](err); ok {
		err = noObject{validation("No listener object supplied.")}
	}
	if err != nil {
		return orGone(c, err, p.mayChangeListener)
	}
	in, cidrs := readListener(o), o.cidrs("allowed_cidrs")
	if err := o.done(); err != nil {
		return err
	}
	old, err := p.mayChangeListener(c)
	if err != nil {
		return err
	}
	datagram := old.Protocol == model.UDP || old.Protocol == model.SCTP
	if datagram && (len(in.headers.V) > 0 || in.certificate.V != "" || len(in.sni.V) > 0) {
		return validation("%s protocol listener does not support TLS or header insertion.", old.Protocol)
	}
	if err := checkHeaders(old.Protocol, in.headers.V, "%s"); err != nil {
		return err
	}
	tls, err := p.patchListenerTLS(c, old, &in.listenerTLS)
	if err != nil {
		return err
	}
	patch := &store.ListenerPatch{
		ID: old.ID, Name: in.name.Patch(""), Description: in.description.Patch(""), AdminStateUp: in.up.Patch(false),
		Tags: patchList(in.tags, nil), ConnectionLimit: in.limit.Patch(-1), DefaultPool: idPatch[model.PoolID](in.pool),
		InsertHeaders:        in.headers.Patch(map[string]string{}),
		TimeoutClientData:    in.clientData.Patch(model.DefaultTimeoutClientData),
		TimeoutMemberConnect: in.memberConnect.Patch(model.DefaultTimeoutMemberConnect),
		TimeoutMemberData:    in.memberData.Patch(model.DefaultTimeoutMemberData),
		TimeoutTCPInspect:    in.tcp.Patch(model.DefaultTimeoutTCPInspect),
		AllowedCIDRs:         patchList(cidrs, nil),
		TLS:                  tls,
	}
	if err := p.apply(c, store.ListenerUpdate, patch, unsettled((*store.State).Listener, listenerBase, old.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.listeners, http.StatusOK, func(s *seen) (*model.Listener, error) { return s.listener(string(old.ID)) })
}

func (p *Part) mayChangeListener(c echo.Context) (l *model.Listener, err error) {
	p.read.Read(func(st *store.State) {
		var ok bool
		if l, ok = st.Listener(model.ListenerID(c.Param("id"))); !ok {
			err = notFound(nounListener, c.Param("id"))
			return
		}
		err = mayWrite(c, l.Project)
	})
	return l, err
}

func (p *Part) deleteListener(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	l, err := p.mayChangeListener(c)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.ListenerDelete, &store.ListenerRef{ID: l.ID}, unsettled((*store.State).Listener, listenerBase, l.ID)); err != nil {
		return err
	}
	return noContent(c)
}
