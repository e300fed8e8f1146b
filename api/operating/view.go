package operating

import (
	"time"

	"lbd/store"
	"lbd/store/model"
)

// SilentAfter is how old a node's report may be to be believed. Nodes report
// every tenth of a second; an older row says nothing about now.
const SilentAfter = 1500 * time.Millisecond

// RoleSilentAfter is the same for a role: six reports missed. What a node that is
// silent for longer does about the VIPs is unknown.
const RoleSilentAfter = 600 * time.Millisecond

// View is what the store says together with what the nodes see. It lives as
// long as the store's read lock is held.
type View struct {
	State *store.State
	rows  []model.Heard // as heard, witnesses included
	// best is the row that verdicts are taken from: the active node's, else
	// this node's, else the youngest. Nil when no data node is heard.
	best *model.Heard
	now  time.Time         // for ages of objects
	why  map[string]string // by id of an object: what a live node has against it
}

// New makes the view of the node self.
func New(st *store.State, rows []model.Heard, self model.NodeID, now time.Time) *View {
	v := &View{State: st, rows: rows, now: now, why: map[string]string{}}
	for i := range v.rows {
		h := &v.rows[i]
		n, ok := st.Node(h.Node)
		if !ok || h.Age >= SilentAfter {
			continue
		}
		for _, f := range h.Failures {
			if v.why[f.Object] == "" {
				v.why[f.Object] = n.Name + ": " + f.Reason
			}
		}
		if n.Kind == model.Witness || h.Applied == 0 {
			continue
		}
		if v.best == nil || better(h, v.best, self) {
			v.best = h
		}
	}
	return v
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

// Row is what a node says of its role; ok is false when it is silent.
func (v *View) Row(id model.NodeID) (*model.Heard, bool) {
	for i := range v.rows {
		if h := &v.rows[i]; h.Node == id && h.Age < RoleSilentAfter {
			return h, true
		}
	}
	return nil, false
}

// Health is the monitor's verdict on a member.
func (v *View) Health(id model.MemberID) (model.MemberHealth, bool) {
	if v.best == nil {
		return model.MemberHealth{}, false
	}
	h, ok := v.best.Members[id]
	return h, ok
}

// Connections are the server-side connections that all live nodes have to a member.
func (v *View) Connections(id model.MemberID) (n int64) {
	for i := range v.rows {
		if h := &v.rows[i]; h.Age < SilentAfter {
			n += h.Members[id].ActiveConnections
		}
	}
	return n
}

// Counters sums a listener's counters over all nodes. Those of a silent node
// still count, but for its connections, which are gone with it.
func (v *View) Counters(id model.ListenerID) (sum model.ListenerCounters) {
	for i := range v.rows {
		h := &v.rows[i]
		c, ok := h.Listeners[id]
		if !ok {
			continue
		}
		sum.BytesIn += c.BytesIn
		sum.BytesOut += c.BytesOut
		sum.TotalConnections += c.TotalConnections
		sum.RequestErrors += c.RequestErrors
		sum.Requests += c.Requests
		if h.Age < SilentAfter {
			sum.ActiveConnections += c.ActiveConnections
			sum.Full = sum.Full || c.Full
		}
	}
	return sum
}

// Why says what keeps an object from service: the reason that the store has for
// its ERROR, or what a live node reports; "" when nothing does.
func (v *View) Why(id string, b *model.Base) string {
	if b.Provisioning == model.Error && b.Reason != "" {
		return b.Reason
	}
	return v.why[id]
}
