package octavia

import (
	"math"
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

const nounMonitor = "Health Monitor"

func monitorBase(hm *model.HealthMonitor) *model.Base { return &hm.Base }

func monitorResource() resource[*model.HealthMonitor] {
	type mon = *model.HealthMonitor
	of := func(get func(mon) any) func(*seen, mon) any { return func(_ *seen, x mon) any { return get(x) } }
	id := func(x mon) string { return string(x.ID) }
	status := func(_ *seen, x mon) model.Operating { return operating.Monitor(x) }
	return resource[mon]{
		noun: nounMonitor, one: "healthmonitor", many: "healthmonitors", links: "healthmonitors_links",
		id: id, project: func(x mon) model.ProjectID { return x.Project }, tags: func(x mon) []string { return x.Tags },
		aliases: map[string]string{"enabled": "admin_state_up"},
		attrs: withBase(false, id, monitorBase, status,
			attr[mon]{name: "type", get: of(func(x mon) any { return string(x.Type) })},
			attr[mon]{name: "delay", get: of(func(x mon) any { return x.Delay })},
			attr[mon]{name: "timeout", get: of(func(x mon) any { return x.Timeout })},
			attr[mon]{name: "max_retries", get: of(func(x mon) any { return x.MaxRetries })},
			attr[mon]{name: "max_retries_down", get: of(func(x mon) any { return x.MaxRetriesDown })},
			attr[mon]{name: "http_method", get: of(func(x mon) any { return text(x.HTTPMethod) })},
			attr[mon]{name: "url_path", get: of(func(x mon) any { return text(x.URLPath) })},
			attr[mon]{name: "expected_codes", get: of(func(x mon) any { return text(x.ExpectedCodes) })},
			attr[mon]{name: "http_version", get: of(shownVersion)},
			attr[mon]{name: "domain_name", get: of(func(x mon) any { return text(x.DomainName) })},
			attr[mon]{name: "pools", get: of(func(x mon) any { return []ref{{string(x.Pool)}} }), use: relation},
			attr[mon]{name: "pool_id", get: of(func(x mon) any { return string(x.Pool) }), use: filter},
		),
	}
}

func (s *seen) monitor(id string) (*model.HealthMonitor, error) {
	hm, ok := s.st.HealthMonitor(model.HealthMonitorID(id))
	if !ok {
		return nil, notFound(nounMonitor, id)
	}
	return hm, nil
}

func (p *Part) listMonitors(c echo.Context) error {
	return listScoped(p, c, &p.monitors, func(s *seen) []*model.HealthMonitor { return s.st.HealthMonitors() })
}

func (p *Part) showMonitor(c echo.Context) error {
	return show(p, c, &p.monitors, func(s *seen) (*model.HealthMonitor, error) {
		hm, err := s.monitor(c.Param("id"))
		if err != nil {
			return nil, err
		}
		return hm, mayRead(c, hm.Project)
	})
}

// monitorFields are the attributes that create and update share.
type monitorFields struct {
	named
	delay, timeout, rise, fall Opt[int]
	httpFields
}

func readMonitor(o *object) monitorFields {
	return monitorFields{
		named: o.named(), delay: o.integer("delay", 0, math.MaxInt32), timeout: o.integer("timeout", 0, math.MaxInt32),
		rise: o.integer("max_retries", 1, 10), fall: o.integer("max_retries_down", 1, 10), httpFields: readHTTPFields(o),
	}
}

func (p *Part) updateMonitor(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "health_monitor_", "healthmonitor")
	if err != nil {
		return orGone(c, err, p.mayChangeMonitor)
	}
	in := readMonitor(o)
	if err := o.done(); err != nil {
		return err
	}
	old, err := p.mayChangeMonitor(c)
	if err != nil {
		return err
	}
	switch {
	case in.delay.Null:
		return notValidOption("None", "delay")
	case in.timeout.Null:
		return notValidOption("None", "timeout")
	case in.rise.Null:
		return notValidOption("None", "max_retries")
	}
	if err := in.check(old.Type, old); err != nil {
		return err
	}
	patch := &store.MonitorPatch{
		ID: old.ID, Name: in.name.Patch(""), AdminStateUp: in.up.Patch(false), Tags: patchList(in.tags, nil),
		Delay: in.delay.Patch(0), Timeout: in.timeout.Patch(0), MaxRetries: in.rise.Patch(1), MaxRetriesDown: in.fall.Patch(defaultFall),
		HTTPMethod: in.method.Patch(defaultMethod), URLPath: in.path.Patch(defaultPath), ExpectedCodes: in.codes.Patch(defaultCodes),
		HTTPVersion: in.version.Patch(""), DomainName: in.domain.Patch(""),
	}
	if err := p.apply(c, store.MonitorUpdate, patch, unsettled((*store.State).HealthMonitor, monitorBase, old.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.monitors, http.StatusOK, func(s *seen) (*model.HealthMonitor, error) { return s.monitor(string(old.ID)) })
}

func (p *Part) mayChangeMonitor(c echo.Context) (hm *model.HealthMonitor, err error) {
	p.read.Read(func(st *store.State) {
		var ok bool
		if hm, ok = st.HealthMonitor(model.HealthMonitorID(c.Param("id"))); !ok {
			err = notFound(nounMonitor, c.Param("id"))
			return
		}
		err = mayWrite(c, hm.Project)
	})
	return hm, err
}

func (p *Part) deleteMonitor(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	hm, err := p.mayChangeMonitor(c)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.MonitorDelete, &store.MonitorRef{ID: hm.ID}, unsettled((*store.State).HealthMonitor, monitorBase, hm.ID)); err != nil {
		return err
	}
	return noContent(c)
}
