package octavia

import (
	"time"

	"lbd/store/model"
)

// Operating statuses as Octavia's health manager derives them (contract 5.5),
// from the reports at hand.

// graceUnreported is how long after its last change a listener may be missing
// in the reports without being called broken: a report is on its way.
const graceUnreported = 3 * time.Second

func (s *seen) memberStatus(m *model.Member) model.Operating {
	if !m.AdminStateUp {
		return model.Offline
	}
	hm, monitored := s.st.MonitorOf(m.Pool)
	if !monitored || !hm.AdminStateUp {
		return model.NoMonitor
	}
	h, ok := s.health(m.ID)
	switch {
	case !ok || h.Status == model.Offline || h.Status == "":
		return model.Offline
	case h.Status == model.Online && m.Weight == 0:
		return model.Draining
	}
	return h.Status
}

// poolStatus: a pool that no enabled listener uses is not reported by any
// data plane, and so OFFLINE.
func (s *seen) poolStatus(p *model.Pool) model.Operating {
	if !p.AdminStateUp || p.Provisioning == model.PendingCreate || s.best == nil || !s.inUse(p) {
		return model.Offline
	}
	members, broken, working := 0, 0, 0
	for _, m := range s.st.MembersOf(p.ID) {
		if m.Provisioning == model.PendingDelete {
			continue
		}
		members++
		switch s.memberStatus(m) {
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
	case broken > 0 || s.allDisabled(p):
		return model.Failing
	}
	return model.Offline // enabled members, none with a verdict yet
}

func (s *seen) allDisabled(p *model.Pool) bool {
	for _, m := range s.st.MembersOf(p.ID) {
		if m.AdminStateUp {
			return false
		}
	}
	return true
}

// inUse reports whether an enabled listener of an enabled load balancer uses p.
func (s *seen) inUse(p *model.Pool) bool {
	lb, ok := s.st.LoadBalancer(p.LoadBalancer)
	if !ok || !lb.AdminStateUp {
		return false
	}
	for _, l := range s.st.ListenersUsing(p.ID) {
		if l.AdminStateUp {
			return true
		}
	}
	return false
}

func (s *seen) listenerStatus(l *model.Listener) model.Operating {
	lb, ok := s.st.LoadBalancer(l.LoadBalancer)
	if !ok || !lb.AdminStateUp || !l.AdminStateUp || l.Provisioning == model.PendingCreate {
		return model.Offline
	}
	if l.Provisioning == model.Error {
		return model.Failing
	}
	if s.best == nil {
		return model.Offline
	}
	c, reported := s.best.Listeners[l.ID]
	switch {
	case reported && c.Full:
		return model.Degraded
	case reported:
		return model.Online
	case lb.Provisioning == model.Active && l.Provisioning == model.Active && s.now.Sub(l.Updated) > graceUnreported:
		return model.Failing
	}
	return model.Offline
}

// loadBalancerStatus: a broken pool counts for all of it, a full listener or a
// pool with broken members degrades it.
func (s *seen) loadBalancerStatus(lb *model.LoadBalancer) model.Operating {
	switch {
	case !lb.AdminStateUp || lb.Provisioning == model.PendingCreate || s.best == nil:
		return model.Offline
	case lb.Provisioning == model.Error:
		return model.Failing
	}
	status := model.Online
	for _, l := range s.st.ListenersOf(lb.ID) {
		if s.listenerStatus(l) == model.Degraded {
			status = model.Degraded
		}
	}
	for _, p := range s.st.PoolsOf(lb.ID) {
		switch s.poolStatus(p) {
		case model.Failing:
			return model.Failing
		case model.Degraded:
			status = model.Degraded
		}
	}
	return status
}

// monitorStatus: a monitor is ONLINE once it is in force.
func monitorStatus(hm *model.HealthMonitor) model.Operating {
	if !hm.AdminStateUp || hm.Provisioning == model.PendingCreate {
		return model.Offline
	}
	return model.Online
}
