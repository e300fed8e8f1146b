package table

import "lbd/store/model"

// scheme is what clients of an HTTP listener speak.
func (l *Listener) scheme() string {
	if l.TLS != nil {
		return "https"
	}
	return "http"
}

// secure gives p its TLS. A pool that should speak TLS and cannot gets no member:
// nothing goes out in clear that was meant to be encrypted. Its probes are those
// from first on; they speak as the traffic does.
func (c *making) secure(p *Pool, m *model.Pool, svc *model.Service, first int) *Pool {
	t, err := c.s.ClientTLS(m, svc)
	if err != nil {
		c.fail(string(m.ID), "%s", err)
	}
	if err == nil || t != nil { // t is as it was before, where it had to be
		p.TLS = t
		if t != nil {
			for i := range c.sv.Targets[first:] {
				c.sv.Targets[first+i].Spec.Secure = t.Config("")
			}
		}
		return p
	}
	none := &Pool{ID: p.ID, Protocol: p.Protocol, algorithm: p.algorithm, Members: p.Members, Left: p.Left}
	if err := none.finish(nil); err != nil {
		c.fail(string(m.ID), "%s", err)
	}
	return none
}
