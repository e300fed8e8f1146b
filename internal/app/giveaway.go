package app

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"lbd/internal/role"
	"lbd/raft"
	"lbd/store/model"
	"lbd/vrrp"
)

const (
	// evacuateWithin bounds how long a node that ends waits for others to take its
	// share over.
	evacuateWithin = 3 * time.Second
	// letGoWithin bounds the holder's confirmation of what a giveaway lets go.
	letGoWithin = time.Second
)

// spreads reports whether this node holds by the table of Spread.
func (r *roles) spreads() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spread
}

// decideShare needs r.mu.
func (r *roles) decideShare(in role.Input, t *raft.SpreadTable, st raft.State) role.Output {
	hold, taken := r.share.next(r.all, st.ID, t, st.Rights, in.Now)
	out := role.Share(in, len(hold.has) > 0)
	if !hold.equal(r.holds) {
		r.log.Info("share", "loadbalancers", len(hold.has), "letting_go", len(taken), "version", t.Version)
	}
	r.holds, r.part = hold, r.addressesOf(hold)
	if len(taken) > 0 && out.Hold && !r.giving {
		r.giving = true
		vips := r.addressesOf(&lbSet{has: setOf(taken)})
		r.givers.Go(func() { r.giveAway(taken, vips) })
	}
	return out
}

func setOf(lbs []model.LoadBalancerID) map[model.LoadBalancerID]bool {
	m := make(map[model.LoadBalancerID]bool, len(lbs))
	for _, lb := range lbs {
		m[lb] = true
	}
	return m
}

// addressesOf needs r.mu.
func (r *roles) addressesOf(set *lbSet) (vips []vrrp.VIP) {
	for _, v := range r.held {
		if set.has[r.of[v.Addr]] {
			vips = append(vips, v)
		}
	}
	return vips
}

// giveAway lets go of load balancers that the table gives to others, as a planned
// move of all VIPs does (decision 0025): those who are connected end, who comes
// meanwhile is sent on. There is one at a time.
func (r *roles) giveAway(lbs []model.LoadBalancerID, vips []vrrp.VIP) {
	ctx, cancel := context.WithTimeout(context.Background(), letGoWithin+newOwnerWithin)
	defer cancel()
	f := &farewell{r: r}
	var err error
	if f.late, err = vrrp.CatchLatecomers(vips, r.log); err != nil {
		r.log.Warn("who connects while load balancers move will have to try again", "err", err)
	}
	if r.engine != nil {
		r.engine.Quiesce(ctx, func(a netip.Addr) bool {
			return slices.ContainsFunc(vips, func(v vrrp.VIP) bool { return v.Addr == a })
		})
	}
	r.mu.Lock()
	r.share.release(lbs)
	r.mu.Unlock()
	signal(r.wake)
	gone := setOf(lbs)
	if until(ctx, func() bool { return !r.stillHeld(func(lb model.LoadBalancerID) bool { return gone[lb] }) }) {
		signal(r.wake) // to say so
		f.wait()
	}
	f.end()
	r.mu.Lock()
	r.giving = false
	r.mu.Unlock()
	signal(r.wake)
}

// stillHeld tells whether the VIP holder may still hold any of which.
func (r *roles) stillHeld(which func(model.LoadBalancerID) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holder != nil {
		r.share.confirmed(r.holder.Report().Seq)
	}
	return r.share.mayBeHeld(which)
}

// obey tells the voters up to which version the table is obeyed.
func (r *roles) obey() {
	t := r.node.Spread()
	if t.Version <= r.obeyed {
		return // each word of it has the voters asked at once
	}
	rights := r.node.State().Rights
	r.mu.Lock()
	if r.holder != nil {
		r.share.confirmed(r.holder.Report().Seq)
	}
	// While the next process begins, what this one has obeyed is as it was told.
	if r.sharing == nil && r.share.obeys(r.node.Self(), t, rights) && r.node.Obey(t.Version) {
		r.obeyed = t.Version
	}
	r.mu.Unlock()
}

// evacuate is what goes before the end of a node with a share: it says that it
// leaves, and waits until the leader has given its share to others and it is let go. Not
// where another process goes on with the share, or nothing can be said any more.
func (r *roles) evacuate() {
	r.mu.Lock()
	spread := r.spread && r.sharing == nil
	r.leaving = spread
	r.mu.Unlock()
	if !spread {
		return
	}
	r.obs.nudge()
	ctx, cancel := context.WithTimeout(context.Background(), evacuateWithin)
	defer cancel()
	any := func(model.LoadBalancerID) bool { return true }
	if !until(ctx, func() bool { return !r.stillHeld(any) && !r.gives() || !r.otherReady() }) {
		r.log.Warn("this node's share was not taken over", "within", evacuateWithin)
	}
}

// gives reports whether a giveaway is under way: who came meanwhile is to be sent on.
func (r *roles) gives() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.giving
}

// otherReady reports whether another node could take a share.
func (r *roles) otherReady() bool {
	return slices.ContainsFunc(r.obs.board.Reports(), func(h model.Heard) bool {
		return h.Node != r.self && h.Age < peerReadyWithin && h.Role.Ready && h.Role.Interface != ""
	})
}
