package app

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"lbd/raft"
	"lbd/vrrp"
)

// arbiter is raft.Arbiter over ARP: does the data network answer this node, and
// does nobody answer for our VIPs? It is also raft.Registers.
type arbiter struct {
	watch *vrrp.Arbiter // nil: there is none
	probe vrrp.Prober
	parts atomic.Pointer[arbiterParts] // nil until the parts it asks are made
}

// arbiterParts is what the arbiter asks of the other parts.
type arbiterParts struct {
	// vips is what this node would hold if it were active, sorted; known is false
	// until it was looked up.
	vips func() (vips []vrrp.VIP, known bool)
	// seen is how long ago a VIP was last seen to be answered.
	seen func() time.Duration
	// detect is the detection time in force.
	detect func() time.Duration
}

var (
	_ raft.Arbiter   = (*arbiter)(nil)
	_ raft.Registers = (*arbiter)(nil)
)

func newArbiter(addrs []netip.Addr, links *vrrp.LinkWatch, log *slog.Logger) *arbiter {
	log = log.With("part", "arbiter")
	a := &arbiter{probe: vrrp.Prober{}}
	watch, err := vrrp.NewArbiter(vrrp.ArbiterConfig{
		Addrs: addrs, Log: log, Registers: true, Patience: a.patience, LinkUp: func(link string) bool { return links.Up(link) },
	})
	if err != nil {
		log.Warn("no arbiter: without a witness a lone survivor of two nodes will not take over", "err", err)
		return a
	}
	a.watch = watch
	return a
}

// patience with the data link of an active node: as long as a standby's with a
// node that is silent, less what handing over takes.
func (a *arbiter) patience() time.Duration {
	p := a.parts.Load()
	if p == nil {
		return longestPatience
	}
	return min(max(p.detect()*2/3, leastPatience), longestPatience)
}

// Bounds of arbiter.patience.
const (
	leastPatience   = 40 * time.Millisecond
	longestPatience = 240 * time.Millisecond
)

// changed is signalled when down or Answers changed; nil: never. One reader.
func (a *arbiter) changed() <-chan struct{} {
	if a.watch == nil {
		return nil
	}
	return a.watch.Changed()
}

func (a *arbiter) run(ctx context.Context) error {
	if a.watch == nil {
		<-ctx.Done()
		return nil
	}
	return a.watch.Run(ctx)
}

// Answers implements raft.Arbiter.
func (a *arbiter) Answers() bool {
	return a.watch != nil && a.watch.Answers()
}

// down: it answered once and does not any more. A gateway that never answers ARP
// says nothing about this node's leg, and a busy moment is no reason to hand over.
func (a *arbiter) down() bool { return a != nil && a.watch != nil && a.watch.Gone() }

// VIPSilent implements raft.Arbiter.
func (a *arbiter) VIPSilent(ctx context.Context, since time.Duration) bool {
	p := a.parts.Load()
	if p == nil || since > 0 && (a.watch.AnswersFor() < since || p.seen() < since) {
		return false
	}
	vips, known := p.vips()
	return known && a.probe.Silent(ctx, vips)
}

// State implements raft.Registers: the first VIP on the arbiters' network, if they
// answer echo requests.
func (a *arbiter) State() (raft.RegistersState, netip.Addr) {
	if a.watch == nil {
		return raft.RegistersNone, netip.Addr{}
	}
	p := a.parts.Load()
	if p == nil {
		return raft.RegistersUnknown, netip.Addr{}
	}
	vips, known := p.vips()
	if !known {
		return raft.RegistersUnknown, netip.Addr{}
	}
	for _, v := range vips {
		if !a.watch.OnLink(v) {
			continue
		}
		switch a.watch.Echo() {
		case vrrp.EchoAnswers:
			return raft.RegistersReady, v.Addr
		case vrrp.EchoNone:
			return raft.RegistersNone, v.Addr
		}
		return raft.RegistersUnknown, v.Addr
	}
	return raft.RegistersNone, netip.Addr{}
}

// Count implements raft.Registers.
func (a *arbiter) Count() int {
	if a.watch == nil {
		return 0
	}
	return len(a.watch.Addrs())
}

// Ask implements raft.Registers.
func (a *arbiter) Ask(i int, vip netip.Addr, read uint64, before, after bool) {
	a.watch.Ask(i, vip, read, before, after)
}

// Replies implements raft.Registers.
func (a *arbiter) Replies() <-chan uint64 {
	if a.watch == nil {
		return nil
	}
	return a.watch.Replies()
}

// Unseen implements raft.Registers.
func (a *arbiter) Unseen() time.Duration {
	if p := a.parts.Load(); p != nil {
		return p.seen()
	}
	return 0
}
