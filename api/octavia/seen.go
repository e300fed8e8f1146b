package octavia

import (
	"time"

	"lbd/store"
	"lbd/store/model"
)

// silentAfter is how old a node's report may be to be believed. Nodes report
// every tenth of a second; an older row says nothing about now.
const silentAfter = 1500 * time.Millisecond

// seen is what the store says together with what the nodes see: the ground of
// every answer. It lives for one request.
type seen struct {
	st   *store.State
	rows []model.Heard // as heard, witnesses included
	// best is the row that verdicts are taken from: the active node's, else
	// this node's, else the youngest. Nil when no data node is heard.
	best *model.Heard
	// now is this node's wall clock, for ages of objects.
	now time.Time
}

// look runs fn with one consistent view. fn must not keep it.
func (p *Part) look(fn func(s *seen)) {
	s := &seen{rows: p.observe.Reports(), now: time.Now()}
	self := p.cluster.Self()
	p.read.Read(func(st *store.State) {
		s.st = st
		for i := range s.rows {
			h := &s.rows[i]
			n, ok := st.Node(h.Node)
			if !ok || n.Kind == model.Witness || h.Age >= silentAfter || h.Applied == 0 {
				continue
			}
			if s.best == nil || better(h, s.best, self) {
				s.best = h
			}
		}
		fn(s)
	})
}

func better(a, b *model.Heard, self model.NodeID) bool {
	aActive, bActive := a.Role.Role == model.RoleActive, b.Role.Role == model.RoleActive
	switch {
	case aActive != bActive:
		return aActive
	case aActive && a.Role.Term != b.Role.Term:
		return a.Role.Term > b.Role.Term
	case (a.Node == self) != (b.Node == self):
		return a.Node == self
	}
	return a.Age < b.Age
}

// row is what is heard of a node; ok is false when it is silent.
func (s *seen) row(id model.NodeID) (*model.Heard, bool) {
	for i := range s.rows {
		if h := &s.rows[i]; h.Node == id && h.Age < silentAfter {
			return h, true
		}
	}
	return nil, false
}

// health is the monitor's verdict on a member.
func (s *seen) health(id model.MemberID) (model.MemberHealth, bool) {
	if s.best == nil {
		return model.MemberHealth{}, false
	}
	h, ok := s.best.Members[id]
	return h, ok
}

// counters sums a listener's counters over all nodes. Those of a silent node
// still count, but for its connections, which are gone with it.
func (s *seen) counters(id model.ListenerID) (sum model.ListenerCounters) {
	for i := range s.rows {
		h := &s.rows[i]
		c, ok := h.Listeners[id]
		if !ok {
			continue
		}
		sum.BytesIn += c.BytesIn
		sum.BytesOut += c.BytesOut
		sum.TotalConnections += c.TotalConnections
		sum.RequestErrors += c.RequestErrors
		if h.Age < silentAfter {
			sum.ActiveConnections += c.ActiveConnections
		}
	}
	return sum
}
