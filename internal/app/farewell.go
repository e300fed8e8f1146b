package app

import (
	"context"
	"net/netip"

	"lbd/vrrp"
)

// farewell is what goes before a planned move of the VIPs, so that it fails no
// request: the data plane takes no new connections, those that are there end, and
// who comes meanwhile is sent on to the new owner.
type farewell struct {
	r    *roles
	late *vrrp.Latecomers // nil: there are none to care for
}

// farewell returns when the VIPs may go. It does nothing where this node does not
// hold them, or nobody could take them.
func (r *roles) farewell(ctx context.Context) *farewell {
	f := &farewell{r: r}
	vips, _ := r.currentVIPs()
	if r.spreads() || r.holder == nil || r.engine == nil || len(r.holder.Report().Holding) == 0 || !r.peerCanServe() || r.node.CanTransfer() != nil {
		return f
	}
	var err error
	if f.late, err = vrrp.CatchLatecomers(vips, r.log); err != nil {
		r.log.Warn("who connects while the VIPs move will have to try again", "err", err)
	}
	moves := make(map[netip.Addr]bool, len(vips))
	for _, v := range vips {
		moves[v.Addr] = true
	}
	r.engine.Quiesce(ctx, func(a netip.Addr) bool { return moves[a] })
	return f
}

// wait returns when the new owner has been heard and told of all who came.
func (f *farewell) wait() {
	if f.late == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), newOwnerWithin)
	defer cancel()
	f.late.Wait(ctx)
}

// end is the end of it, whether the VIPs have moved or not.
func (f *farewell) end() {
	if f.late != nil {
		f.late.Close()
	}
	if f.r.engine != nil {
		f.r.engine.Resume(context.Background())
	}
}
