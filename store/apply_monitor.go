package store

import "lbd/store/model"

func (t *tx) monitorCreate(p *model.HealthMonitor) error {
	pool, ok := t.st.pools[p.Pool]
	if !ok {
		return notFound("Pool", p.Pool)
	}
	if err := CheckMonitorType(p.Type, pool.Protocol); err != nil {
		return err
	}
	if err := t.charge(pool.Project, model.QuotaHealthMonitor, 1); err != nil {
		return err
	}
	if _, err := t.poolToFill(p.Pool); err != nil {
		return err
	}
	if err := fresh(t.st.monitors, p.ID); err != nil {
		return err
	}
	if _, ok := t.st.monitorOf[p.Pool]; ok {
		return Errorf(Conflict, "This pool already has a health monitor")
	}

	n := *p
	t.born(&n.Base, pool.Project)
	t.st.putMonitor(&n)
	t.markPool(pool.ID)
	return nil
}

func (t *tx) monitorUpdate(p *MonitorPatch) error {
	old, err := t.monitorToChange(p.ID)
	if err != nil {
		return err
	}

	n := *old
	set(&n.Name, p.Name)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	set(&n.Delay, p.Delay)
	set(&n.Timeout, p.Timeout)
	set(&n.MaxRetries, p.MaxRetries)
	set(&n.MaxRetriesDown, p.MaxRetriesDown)
	set(&n.HTTPMethod, p.HTTPMethod)
	set(&n.URLPath, p.URLPath)
	set(&n.ExpectedCodes, p.ExpectedCodes)
	set(&n.HTTPVersion, p.HTTPVersion)
	set(&n.DomainName, p.DomainName)
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putMonitor(&n)
	t.markPool(n.Pool)
	return nil
}

func (t *tx) monitorDelete(p *MonitorRef) error {
	old, err := t.monitorToChange(p.ID)
	if err != nil {
		return err
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putMonitor(&n)
	t.markPool(n.Pool)
	return nil
}

func (t *tx) monitorToChange(id model.HealthMonitorID) (*model.HealthMonitor, error) {
	m, ok := t.st.monitors[id]
	if !ok {
		return nil, notFound("Health Monitor", id)
	}
	if _, err := t.poolToFill(m.Pool); err != nil {
		return nil, err
	}
	if err := lockInside("Pool", m.Pool, &m.Base); err != nil {
		return nil, err
	}
	return m, nil
}

// CheckMonitorType refuses a monitor that does not go with a pool: it is the matrix of contract 4.3.
func CheckMonitorType(monitor model.MonitorType, pool model.Protocol) error {
	datagram := pool == model.UDP || pool == model.SCTP
	switch monitor {
	case model.MonitorHTTPS, model.MonitorPing, model.MonitorTLSHello:
		if datagram {
			return invalidf("The associated pool protocol is %s, so only a UDP-CONNECT/SCTP/TCP/HTTP health monitor is supported.", pool)
		}
	case model.MonitorUDPConnect, model.MonitorSCTP:
		if !datagram {
			return invalidf("The %s type is only supported for pools of type UDP/SCTP.", monitor)
		}
	}
	return nil
}
