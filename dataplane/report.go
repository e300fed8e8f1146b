package dataplane

import (
	"lbd/store/model"
)

// Report is what the data plane serves and sees.
type Report struct {
	// Applied is the index of the configuration in service: its sockets are open
	// or named in Failures.
	Applied  uint64
	Failures []model.Failure
	// Members are those with a monitor in force or a connection: of the others there
	// is nothing to say but NO_MONITOR.
	Members   map[model.MemberID]model.MemberHealth
	Listeners map[model.ListenerID]model.ListenerCounters
	// Ready is set from the first applied configuration on.
	Ready bool
}

// Summary is Report without the maps: it costs nothing.
func (e *Engine) Summary() Report {
	st := e.state.Load()
	if st == nil {
		return Report{}
	}
	return Report{Applied: st.applied, Failures: st.failures[:len(st.failures):len(st.failures)], Ready: true}
}

// Report reads the present state: one map entry per listener and per member worth
// one, no lock that the traffic uses. The maps are the caller's.
func (e *Engine) Report() Report {
	st := e.state.Load()
	if st == nil {
		return Report{}
	}
	r := Report{
		Applied:   st.applied,
		Failures:  st.failures[:len(st.failures):len(st.failures)],
		Members:   make(map[model.MemberID]model.MemberHealth),
		Listeners: make(map[model.ListenerID]model.ListenerCounters, len(st.table.Services)),
		Ready:     true,
	}
	for _, sv := range st.table.Services {
		for _, p := range sv.Pools {
			for i := range p.Members {
				m := &p.Members[i]
				if m.Monitored || m.Live.Active() != 0 {
					r.Members[m.ID()] = m.Live.Health()
				}
			}
		}
		for _, l := range sv.Listeners {
			r.Listeners[l.ID] = l.Live.Counters()
		}
	}
	return r
}
