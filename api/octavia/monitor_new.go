package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// newMonitor is a request for a health monitor, by itself or as part of a tree.
type newMonitor struct {
	monitorFields
	kind model.MonitorType
}

func readNewMonitor(o *object) newMonitor {
	kind := need(o, "type", o.word("type", "HTTP", "HTTPS", "PING", "TCP", "TLS-HELLO", "UDP-CONNECT", "SCTP"))
	in := newMonitor{readMonitor(o), model.MonitorType(kind)}
	need(o, "delay", in.delay)
	need(o, "timeout", in.timeout)
	need(o, "max_retries", in.rise)
	return in
}

// monitor judges a well-formed request and makes the monitor, with an id of its
// own and without its pool.
func (in *newMonitor) monitor(pool model.Protocol) (model.HealthMonitor, error) {
	hm := model.HealthMonitor{
		Base: model.Base{Name: in.name.Or(""), AdminStateUp: in.adminUp(), Tags: in.tags.V},
		ID:   model.HealthMonitorID(newID()), Type: in.kind,
		Delay: in.delay.V, Timeout: in.timeout.V, MaxRetries: in.rise.V, MaxRetriesDown: in.fall.Or(defaultFall),
		HTTPVersion: in.version.V, DomainName: in.domain.V,
	}
	if err := in.check(in.kind, nil); err != nil {
		return hm, err
	}
	if speaksHTTP(in.kind) {
		hm.HTTPMethod, hm.URLPath, hm.ExpectedCodes = in.method.Or(defaultMethod), in.path.Or(defaultPath), in.codes.Or(defaultCodes)
	}
	// On other pools the type itself is what is wrong.
	if in.kind == model.MonitorUDPConnect && (pool == model.UDP || pool == model.SCTP) && hm.Delay < minUDPDelay {
		return hm, validation("The request delay value %d should be larger than %d for UDP-CONNECT health monitor type.", hm.Delay, minUDPDelay)
	}
	if in.kind == model.MonitorSCTP && pool == model.UDP {
		return hm, unsupported("SCTP health monitors")
	}
	return hm, nil
}

func (p *Part) createMonitor(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "health_monitor_", "healthmonitor")
	if err != nil {
		return err
	}
	in := readNewMonitor(o)
	pool := model.PoolID(need(o, "pool_id", o.parent("pool_id")))
	o.ignored()
	if err := o.done(); err != nil {
		return err
	}
	var protocol model.Protocol
	p.read.Read(func(st *store.State) {
		x, ok := st.Pool(pool)
		if !ok {
			err = notFound(nounPool, pool)
			return
		}
		protocol = x.Protocol
		if err = mayWrite(c, x.Project); err != nil {
			return
		}
		if err = store.CheckMonitorType(in.kind, protocol); err == nil {
			err = mayHaveMore(c, st, x.Project, model.QuotaHealthMonitor)
		}
	})
	if err != nil {
		return err
	}
	hm, err := in.monitor(protocol)
	if err != nil {
		return err
	}
	hm.Pool = pool
	if err := p.apply(c, store.MonitorCreate, &hm, unsettled((*store.State).HealthMonitor, monitorBase, hm.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.monitors, http.StatusCreated, func(s *seen) (*model.HealthMonitor, error) { return s.monitor(string(hm.ID)) })
}
