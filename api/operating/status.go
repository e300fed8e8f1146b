package operating

import (
	"time"

	"lbd/store/model"
)

// graceUnreported is how long after its last change a listener may be missing
// in the reports without being called broken: a report is on its way.
const graceUnreported = 3 * time.Second

// Member is the operating status of a member.
func (v *View) Member(m *model.Member) model.Operating {
	if !m.AdminStateUp {
		return model.Offline
	}
	hm, monitored := v.State.MonitorOf(m.Pool)
	if !monitored || !hm.AdminStateUp {
		return model.NoMonitor
	}
	h, ok := v.Health(m.ID)
	switch {
	case !ok || h.Status == model.Offline || h.Status == "":
		return model.Offline
	case h.Status == model.Online && m.Weight == 0:
		return model.Draining
	}
	return h.Status
}

// Pool is the operating status of a pool. One that no enabled listener uses is
// not reported by any data plane, and so OFFLINE.
func (v *View) Pool(p *model.Pool) model.Operating {
	if !p.AdminStateUp || p.Provisioning == model.PendingCreate || v.best == nil || !v.inUse(p) {
		return model.Offline
	}
	members, broken, working := 0, 0, 0
	for _, m := range v.State.MembersOf(p.ID) {
		if m.Provisioning == model.PendingDelete {
			continue
		}
		members++
		switch v.Member(m) {
		case model.Failing:
			broken++
		case model.Online, model.NoMonitor, model.Draining:
			working++
		}
	}
	switch {
	case members == 0 || working > 0 && broken == 0:
		return model.Online
	case working > 0:
		return model.Degraded
	case broken > 0 || v.allDisabled(p):
		return model.Failing
	}
	return model.Offline // enabled members, none with a verdict yet
}

func (v *View) allDisabled(p *model.Pool) bool {
	for _, m := range v.State.MembersOf(p.ID) {
		if m.AdminStateUp {
			return false
		}
	}
	return true
}

// inUse reports whether an enabled listener of an enabled load balancer uses p.
func (v *View) inUse(p *model.Pool) bool {
	lb, ok := v.State.LoadBalancer(p.LoadBalancer)
	if !ok || !lb.AdminStateUp {
		return false
	}
	for _, l := range v.State.ListenersUsing(p.ID) {
		if l.AdminStateUp {
			return true
		}
	}
	return false
}

// Listener is the operating status of a listener.
func (v *View) Listener(l *model.Listener) model.Operating {
	lb, ok := v.State.LoadBalancer(l.LoadBalancer)
	if !ok || !lb.AdminStateUp || !l.AdminStateUp || l.Provisioning == model.PendingCreate {
		return model.Offline
	}
	if l.Provisioning == model.Error {
		return model.Failing
	}
	if v.best == nil {
		return model.Offline
	}
	c, reported := v.best.Listeners[l.ID]
	switch {
	case reported && c.Full:
		return model.Degraded
	case reported:
		return model.Online
	case lb.Provisioning == model.Active && l.Provisioning == model.Active && v.now.Sub(l.Updated) > graceUnreported:
		return model.Failing
	}
	return model.Offline
}

// LoadBalancer is the operating status of a load balancer: a broken pool counts
// for all of it, a full listener or a pool with broken members degrades it.
func (v *View) LoadBalancer(lb *model.LoadBalancer) model.Operating {
	switch {
	case !lb.AdminStateUp || lb.Provisioning == model.PendingCreate || v.best == nil:
		return model.Offline
	case lb.Provisioning == model.Error:
		return model.Failing
	}
	status := model.Online
	for _, l := range v.State.ListenersOf(lb.ID) {
		if v.Listener(l) == model.Degraded {
			status = model.Degraded
		}
	}
	for _, p := range v.State.PoolsOf(lb.ID) {
		switch v.Pool(p) {
		case model.Failing:
			return model.Failing
		case model.Degraded:
			status = model.Degraded
		}
	}
	return status
}

// Monitor is the operating status of a health monitor: ONLINE once in force.
func Monitor(hm *model.HealthMonitor) model.Operating { return Configured(&hm.Base) }

// Configured is the operating status of what only configures others (monitors,
// L7 policies and rules): ONLINE once in force, unless it is switched off.
func Configured(b *model.Base) model.Operating {
	if !b.AdminStateUp || b.Provisioning == model.PendingCreate {
		return model.Offline
	}
	return model.Online
}
