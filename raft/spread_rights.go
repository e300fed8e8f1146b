package raft

import (
	"time"

	"lbd/store/model"
)

// Rights are what a node's VIP holder may hold, and until when.
type Rights struct {
	Until  time.Time // with a monotonic reading; zero: nothing
	Holder uint64    // the VIP holder they are good for
	// All addresses, or else those of the load balancers that the table gives this
	// node since a version up to Cleared.
	All     bool
	Cleared uint64
}

// May tells whether the rights cover a load balancer with a place in the table.
func (r Rights) May(self model.NodeID, p model.SpreadPlace) bool {
	return r.All || !r.Until.IsZero() && p.Node == self && p.Since <= r.Cleared
}

// rights joins the two leases. lead is the end of the leader's own, zero where there
// is none and as long as the log has versions of the table that are not applied.
func rights(t model.Spread, lead time.Time, l SpreadLease) Rights {
	switch {
	case t.Version == 0, !t.On && !lead.IsZero() && l.Cleared >= t.Version:
		return Rights{Until: lead, Holder: l.Holder, All: true}
	case !t.On && lead.IsZero():
		return Rights{Holder: l.Holder}
	}
	return Rights{Until: l.Until, Holder: l.Holder, Cleared: l.Cleared}
}
