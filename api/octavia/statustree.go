package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api/operating"
	"lbd/store/model"
)

// statusTree shows a load balancer with what is in use below it (contract 3.1.1).
func (p *Part) statusTree(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	var body doc
	var err error
	p.look(func(s *seen) {
		var lb *model.LoadBalancer
		if lb, err = s.loadBalancer(c.Param("id")); err != nil {
			return
		}
		if err = mayRead(c, lb.Project); err != nil {
			return
		}
		body = s.tree(lb)
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, doc{{"statuses", doc{{"loadbalancer", body}}}})
}

func (s *seen) tree(lb *model.LoadBalancer) doc {
	listeners := []doc{}
	for _, l := range s.st.ListenersOf(lb.ID) {
		listeners = append(listeners, s.listenerTree(l, s.st.PoolsUsedBy(l)))
	}
	return doc{
		{"id", lb.ID},
		{"name", lb.Name},
		{"operating_status", s.LoadBalancer(lb)},
		{"provisioning_status", lb.Provisioning},
		{"listeners", listeners},
	}
}

func (s *seen) listenerTree(l *model.Listener, used []*model.Pool) doc {
	pools := []doc{}
	for _, x := range used {
		pools = append(pools, s.poolTree(x))
	}
	return doc{
		{"id", l.ID},
		{"name", l.Name},
		{"operating_status", s.Listener(l)},
		{"provisioning_status", l.Provisioning},
		{"pools", pools},
	}
}

func (s *seen) poolTree(x *model.Pool) doc {
	var monitor any
	if hm, ok := s.st.MonitorOf(x.ID); ok {
		monitor = doc{
			{"id", hm.ID},
			{"name", hm.Name},
			{"type", hm.Type},
			{"provisioning_status", hm.Provisioning},
			{"operating_status", operating.Monitor(hm)},
		}
	}
	members := []doc{}
	for _, m := range s.st.MembersOf(x.ID) {
		members = append(members, doc{
			{"id", m.ID},
			{"name", m.Name},
			{"operating_status", s.Member(m)},
			{"provisioning_status", m.Provisioning},
			{"address", m.AddressText()},
			{"protocol_port", m.Port},
		})
	}
	return doc{
		{"id", x.ID},
		{"name", x.Name},
		{"provisioning_status", x.Provisioning},
		{"operating_status", s.Pool(x)},
		{"health_monitor", monitor},
		{"members", members},
	}
}
