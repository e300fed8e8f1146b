package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lbd/dataplane"
	"lbd/internal/buildinfo"
	"lbd/internal/lifecycle"
	"lbd/internal/sdnotify"
)

// run starts the parts in order and stops them in reverse: VIPs released and
// leadership handed on first, then the API, the data plane, Raft.
func (n *node) run(ctx context.Context, out io.Writer) error {
	member := make(chan struct{})
	parts := []lifecycle.Part{
		{Name: "raft", Run: n.raft.Run},
		{Name: "membership", Run: n.membership(member), Ready: member},
	}
	if n.engine != nil {
		loaded := make(chan struct{})
		parts = append(parts, n.keep.part(lifecycle.Part{Name: partDataPlane, Run: n.engine.Run, StopWithin: drainWithin}, n.succeeding),
			lifecycle.Part{Name: "last good", Run: n.keepLastGood(loaded), Ready: loaded},
			lifecycle.Part{Name: "follow", Run: n.follow.run},
			lifecycle.Part{Name: "learn", Run: n.learner.run})
	}
	parts = append(parts, lifecycle.Part{Name: "status", Run: func(ctx context.Context) error { return n.obs.run(ctx, n.engineChanged()) }})
	parts = append(parts, lifecycle.Part{Name: "counters", Run: n.keepTotals})
	parts = append(parts, lifecycle.Part{Name: "settle", Run: (&settler{n.raft, n.st, n.obs, n.log}).run})
	parts = append(parts, lifecycle.Part{Name: "spread", Run: n.spread.run})
	parts = append(parts, lifecycle.Part{Name: "housekeeping", Run: newHousekeeper(n).run})
	caughtUp, serving := make(chan struct{}), make(chan struct{})
	parts = append(parts, lifecycle.Part{Name: "catch up", Run: n.catchUp(caughtUp), Ready: caughtUp})
	if n.pred != nil { // before anybody is told what this node does
		took := make(chan struct{})
		parts = append(parts, lifecycle.Part{Name: "take over", Run: n.pred.takeOver(took), Ready: took})
	}
	apiPart := lifecycle.Part{Name: "api", Run: n.serveAPI(serving), Ready: serving}
	if n.pred == nil {
		parts = append(parts, apiPart)
	}
	if n.holder != nil {
		parts = append(parts,
			n.keep.part(lifecycle.Part{Name: partLinks, Run: n.links.Run}, n.bequeathing),
			lifecycle.Part{Name: "arbiter", Run: n.arbiter.run},
			n.keep.part(lifecycle.Part{Name: partHolder, Run: n.holder.Run}, n.bequeathing),
			lifecycle.Part{Name: "holder watch", Run: n.watchHolder},
			lifecycle.Part{Name: "history", Run: n.history.run},
			lifecycle.Part{Name: "tethers", Run: (&tethers{n.raft, n.holder, n.log.With("part", "tethers")}).run},
		)
	}
	parts = append(parts, n.keep.part(lifecycle.Part{Name: partRoles, Run: n.roles.run}, func() bool { return n.succeeding() && n.roles.bequeath(n.heir) }))
	if n.pred != nil { // who asks is not told a role before it is this process that has it
		settled := make(chan struct{})
		parts = append(parts, lifecycle.Part{Name: "settle down", Run: n.pred.settle(settled), Ready: settled}, apiPart)
	}
	err := lifecycle.Run(ctx, n.log, parts, func() { n.startLine(out) })
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// drainWithin is the data plane's own drain with a margin.
const drainWithin = dataplane.DefaultDrain + 5*time.Second

func (n *node) engineChanged() <-chan struct{} {
	if n.engine == nil {
		return nil
	}
	return n.engine.Changed()
}

func (n *node) keepLastGood(loaded chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		for !n.engine.Summary().Ready {
			if sleep(ctx, 5*time.Millisecond); ctx.Err() != nil {
				return nil
			}
		}
		close(loaded)
		return n.src.keepLastGood(ctx, n.raft, func() uint64 { return n.engine.Summary().Applied }, n.log)
	}
}

// watchHolder passes changes in the kernel on to the peers at once.
func (n *node) watchHolder(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.holder.Changed():
		case <-n.links.Changed():
		case <-n.arbiter.changed():
		}
		n.raft.SetHolder(n.holder.ID())
		n.obs.nudge()
		signal(n.roles.wake)
	}
}

func (n *node) startLine(out io.Writer) {
	fmt.Fprintf(out, "version=%s name=%s api=%s cluster=%s fingerprint=%s\n",
		buildinfo.Get().Version, n.cfg.Name, n.apiAddr, n.raft.Addr(), n.raft.Secrets().Fingerprint)
	if err := sdnotify.Ready(); err != nil {
		n.log.Warn("service manager", "err", err)
	}
}
