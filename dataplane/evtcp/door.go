package evtcp

import (
	"net/netip"
	"sync/atomic"

	"lbd/dataplane/live"
	"lbd/dataplane/table"
)

// Door is where connections come in: a listener on a socket, and what each of its
// connections holds while it is open.
type Door struct {
	Local  netip.AddrPort
	Src    *atomic.Pointer[table.Listener] // the newest version
	Group  *live.Group
	Budget *live.Budget
	Cost   int64 // of Budget, per connection
}

// Leave gives back what c held, once, when it has ended.
func (d *Door) Leave(c live.Drainable) {
	d.Group.Remove(c)
	d.Src.Load().Live.Leave()
	d.Budget.Give(d.Cost)
}
