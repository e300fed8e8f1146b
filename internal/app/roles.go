package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lbd/dataplane"
	"lbd/internal/handover"
	"lbd/internal/role"
	"lbd/raft"
	"lbd/store/model"
	"lbd/vrrp"
)

const (
	// rolesTick bounds how late the loop sees what nobody told it, such as a
	// lease that ran out.
	rolesTick = 50 * time.Millisecond
	// handOverAgain is the pause after a transfer of leadership that failed.
	handOverAgain = 2 * time.Second
	// releaseTimeout bounds the holder's confirmation of a release. The gate
	// shuts with the lease in any case.
	releaseTimeout = time.Second
	// newOwnerWithin bounds the wait for the announcement of a new owner, after which
	// nobody is sent on to it any more.
	newOwnerWithin = time.Second
	// peerReadyWithin is how fresh a standby's "ready" must be to hand over to it.
	peerReadyWithin = time.Second
)

// roles binds Raft leadership to the VIPs: it asks role.Decide on every change
// and tells the holder the outcome.
type roles struct {
	self    model.NodeID
	kind    func() model.NodeKind
	node    *raft.Node
	holder  *vrrp.Holder // nil on a witness and with --no-vip
	src     *source
	ready   func() bool // data plane
	obs     *observer
	iface   string
	log     *slog.Logger
	vrrp    *vrrp.VRRP // of the flags; nil: no adverts
	heals   heals      // of the goroutine in run
	obeyed  uint64     // likewise; the newest version of Spread's table that the voters were told of
	linksUp func([]vrrp.VIP) bool
	// arbiterDown: the arbiter that once answered does not any more.
	arbiterDown func() bool
	// engine is the data plane, nil on a witness.
	engine *dataplane.Engine

	mu        sync.Mutex
	stopping  bool                                // guarded by mu
	moving    bool                                // guarded by mu; a switchover is under way
	releasing bool                                // guarded by mu; the VIPs are let go for it
	last      role.Output                         // guarded by mu
	since     time.Time                           // guarded by mu; when last.Role came about
	term      uint64                              // guarded by mu
	leased    uint64                              // guarded by mu; the holder that last.Deadline is for
	held      []vrrp.VIP                          // guarded by mu; replaced, never changed
	found     bool                                // guarded by mu; held was looked up
	failures  []model.Failure                     // guarded by mu; VIPs without a link
	of        map[netip.Addr]model.LoadBalancerID // guarded by mu; whose each of held is
	all       *lbSet                              // guarded by mu; those that have any
	share     *share                              // guarded by mu
	spread    bool                                // guarded by mu; last is by a lease for a share
	table     uint64                              // guarded by mu; the version of Spread's table that last rests on
	holds     *lbSet                              // guarded by mu; what last.Hold is for
	part      []vrrp.VIP                          // guarded by mu; their addresses
	seat      bool                                // guarded by mu; the arbiter seat votes
	giving    bool                                // guarded by mu; a giveaway is under way
	leaving   bool                                // guarded by mu; the node's share is to go to others
	sole      bool                                // guarded by mu; nobody else can lead, though Raft has ended; see bequest
	care      *raft.Caretaker                     // guarded by mu; earns the lease after Raft has ended; see bequest
	sharing   *raft.SpreadCaretaker               // guarded by mu; likewise, for a share
	heirs     handover.Serving                    // guarded by mu; the lease of the next process, once it has one
	wake      chan struct{}
	givers    sync.WaitGroup // of giveaways
}

// run keeps the holder told until ctx ends, then releases and hands over.
func (r *roles) run(ctx context.Context) error {
	changed := r.obs.subscribe()
	defer r.obs.unsubscribe(changed)
	tick := time.NewTicker(rolesTick)
	defer tick.Stop()
	stop := ctx.Done()
	quiet := make(chan *farewell, 1)
	defer r.givers.Wait()
	var finder sync.WaitGroup
	defer finder.Wait()
	fctx, enough := context.WithCancel(context.WithoutCancel(ctx))
	defer enough()
	_ = r.findVIPs() // find does it again at once, and tells of errors
	finder.Go(func() { r.find(fctx) })
	for {
		select {
		case <-stop:
			stop = nil // the lease is renewed until everybody has said goodbye
			go func() {
				r.evacuate()
				quiet <- r.farewell(context.WithoutCancel(ctx))
			}()
		case f := <-quiet:
			return r.leave(f)
		case <-r.node.Changed():
		case <-changed:
		case <-r.wake:
		case <-tick.C:
		}
		out := r.step()
		if out.HandOver && stop != nil {
			_ = r.handOver(ctx, "") // logged; tried again while the reason stands
		}
	}
}

// step decides and orders, once.
func (r *roles) step() role.Output {
	out := r.decide()
	r.order(out)
	r.obey()
	return out
}

func (r *roles) decide() role.Output {
	t := r.node.Spread() // before the rights: a newer table takes what they still cover
	st, kind := r.node.State(), r.kind()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.sole && r.care == nil && r.sharing == nil { // Raft is there to say
		r.seat = st.Seat
	}
	if r.sole {
		st.IsLeader, st.Term, st.Rights = true, r.term, raft.Rights{Until: time.Now().Add(bequestLease), Holder: r.leased, All: true}
	}
	if r.care != nil {
		until, holder := r.care.Lease()
		st.IsLeader, st.Term, st.Rights = true, r.care.Term(), raft.Rights{Until: until, Holder: holder, All: true}
		if r.heirs.Until != 0 {
			st.Term, st.Rights.Until = r.heirs.Term, time.Now().Add(time.Duration(r.heirs.Until-vrrp.Monotonic()))
		}
	}
	if r.sharing != nil {
		st.IsLeader, st.Term = false, r.term
		if r.heirs.Until != 0 {
			st.Term, st.Rights.Until = max(r.term, r.heirs.Term), time.Now().Add(time.Duration(r.heirs.Until-vrrp.Monotonic()))
		}
	}
	in := role.Input{
		Witness: kind == model.Witness, Spare: kind == model.Spare,
		Leader: st.IsLeader, Term: st.Term, LeaseUntil: st.Rights.Until, Now: time.Now(),
		DataPlaneReady: r.ready(), LinkUp: r.linksUp(r.held), ArbiterDown: r.arbiterDown(), HolderUp: r.holder == nil || r.holder.Up() && r.holder.ID() == st.Rights.Holder,
		Stopping: r.stopping, Releasing: r.releasing,
	}
	var out role.Output
	spread := kind == model.DataNode && !st.Rights.All && (t.On || st.IsLeader)
	if spread {
		out = r.decideShare(in, t, st)
	} else {
		in.PeerCanServe = st.IsLeader && r.peerCanServe() && r.node.CanTransfer() == nil
		out = role.Decide(in)
		r.holds, r.part = r.all, r.held
	}
	if out.Role != r.last.Role || out.Hold && st.Term != r.term && !spread {
		r.since = in.Now
		r.log.Info("role", "role", out.Role, "term", st.Term, "why", out.Why)
		defer r.obs.nudge()
	}
	r.last, r.term, r.leased, r.spread, r.table = out, st.Term, st.Rights.Holder, spread, t.Version
	return out
}

// peerCanServe reports whether another data node was ready a moment ago.
func (r *roles) peerCanServe() bool {
	return slices.ContainsFunc(r.obs.board.Reports(), func(h model.Heard) bool {
		return h.Node != r.self && h.Age < peerReadyWithin && h.Role.Ready && h.Role.Role == model.RoleStandby
	})
}

func (r *roles) order(out role.Output) {
	if r.holder == nil {
		return
	}
	announce := r.heals.look(r.self, r.obs.board.Reports())
	r.mu.Lock()
	defer r.mu.Unlock()
	o := vrrp.Order{VIPs: r.part, VRRP: r.adverts(), Announce: announce}
	if out.Hold {
		o.Term, o.Deadline, o.Holder = r.term, vrrp.DeadlineAt(out.Deadline), r.leased
	}
	r.share.ordered(r.holder.Order(o), r.holds, out.Deadline, r.leased)
}

// handOver releases the VIPs and gives leadership to a node, or to the best
// standby when to is empty.
func (r *roles) handOver(ctx context.Context, to model.NodeID) error {
	if r.holder != nil {
		rctx, cancel := context.WithTimeout(ctx, releaseTimeout)
		err := r.holder.Release(rctx)
		cancel()
		if err != nil {
			return fmt.Errorf("release the VIPs: %w", err)
		}
	}
	if err := r.node.Transfer(ctx, to); err != nil {
		r.log.Warn("hand over leadership", "err", err)
		sleep(ctx, handOverAgain)
		return err
	}
	return nil
}

// switchover is handOver asked for by an operator; only the leader can.
func (r *roles) switchover(ctx context.Context, to model.NodeID) error {
	r.mu.Lock()
	if r.moving {
		r.mu.Unlock()
		return errors.New("a switchover is under way already")
	}
	if r.spread { // who holds what is the table's to say
		r.mu.Unlock()
		return r.node.Transfer(ctx, to)
	}
	r.moving = true
	r.mu.Unlock()
	f := r.farewell(ctx)
	r.mu.Lock()
	r.releasing = true
	r.mu.Unlock()
	err := r.handOver(ctx, to)
	if err == nil {
		f.wait()
	}
	f.end()
	r.mu.Lock()
	r.moving, r.releasing = false, false
	r.mu.Unlock()
	signal(r.wake)
	return err
}

// leave is the order of going: gate shut and addresses off, then leadership.
// The data plane drains and Raft stops after it.
func (r *roles) leave(f *farewell) error {
	defer f.end()
	defer r.abandon()
	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	r.obs.nudge()
	if !r.node.State().IsLeader {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if r.holder != nil {
		if err := r.holder.Release(ctx); err != nil {
			return fmt.Errorf("release the VIPs: %w", err)
		}
	}
	if err := r.node.Transfer(ctx, ""); err != nil {
		r.log.Info("leadership was not handed over", "err", err) // alone, or nobody is ready
		return nil
	}
	f.wait()
	return nil
}

// abandon tells the data plane that the VIPs have gone: their connections have nothing
// to drain for.
func (r *roles) abandon() {
	if r.holder == nil || r.engine == nil {
		return
	}
	vips, _ := r.currentVIPs()
	addrs := make([]netip.Addr, 0, len(vips))
	for _, v := range vips {
		addrs = append(addrs, v.Addr)
	}
	r.engine.Abandon(addrs)
}

// report is what this node says about its role: the holder's view of the
// kernel decides, not the order that was given.
func (r *roles) report(now time.Time) model.RoleReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := model.RoleReport{
		Role: model.RoleName(r.last.Role), Since: r.since, Ready: r.last.Ready, Why: r.last.Why,
		Interface: r.iface, Problems: slices.Clone(r.failures), Share: r.spread, Table: r.table, Leaving: r.leaving,
	}
	if r.holder != nil {
		rep.Holder = r.holder.ID()
	}
	if r.leaving {
		rep.Ready = false
	}
	if !r.last.Hold {
		return rep
	}
	rep.Term, rep.LeaseLeft = r.term, max(0, r.last.Deadline.Sub(now))
	if rep.LeaseLeft == 0 {
		rep.Role, rep.Why = model.RoleStandby, "the lease has run out: no quorum answers"
		return rep
	}
	if r.holder == nil {
		return rep
	}
	h := r.holder.Report()
	for _, p := range h.Problems {
		rep.Problems = append(rep.Problems, model.Failure{Object: p.Addr.String(), Reason: p.Reason})
	}
	rep.VIPs = h.Holding
	for _, v := range h.Virtual {
		rep.VirtualMACs = append(rep.VirtualMACs, model.VirtualMAC{Link: v.Link, Family: familyName(v.IPv6), MAC: v.MAC})
	}
	for _, v := range h.Routers {
		rep.VRRP = append(rep.VRRP, model.VirtualRouter{Link: v.Link, Family: familyName(v.IPv6), VRID: v.VRID, Sending: v.Sending})
	}
	return rep
}
