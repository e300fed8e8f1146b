package app

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"lbd/raft"
	"lbd/vrrp"
)

// arbiter is raft.Arbiter over ARP: does the data network answer this node, and
// does nobody answer for our VIPs?
type arbiter struct {
	watch *vrrp.Arbiter // nil: there is none
	probe vrrp.Prober
	vips  func() []vrrp.VIP
	// vipSeen is how long ago a VIP was last seen to be answered.
	vipSeen func() time.Duration
}

var _ raft.Arbiter = (*arbiter)(nil)

func newArbiter(addrs []netip.Addr, log *slog.Logger) *arbiter {
	log = log.With("part", "arbiter")
	watch, err := vrrp.NewArbiter(vrrp.ArbiterConfig{Addrs: addrs, Log: log})
	if err != nil {
		log.Warn("no arbiter: without a witness a lone survivor of two nodes will not take over", "err", err)
		watch = nil
	}
	return &arbiter{watch: watch, probe: vrrp.Prober{}}
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
	if since > 0 && (a.watch.AnswersFor() < since || a.vipSeen() < since) {
		return false
	}
	return a.probe.Silent(ctx, a.vips())
}
