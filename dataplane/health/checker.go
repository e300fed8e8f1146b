package health

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"lbd/store/model"
)

// Subject is a member as the checker sees it. It outlives swaps and is compared
// by identity.
type Subject interface {
	// SetVerdict tells the verdict and whether traffic may go there.
	SetVerdict(v model.MemberHealth, up bool)
	// Health is what SetVerdict said last.
	Health() model.MemberHealth
}

// Target is one member to probe.
type Target struct {
	Subject Subject
	Spec    Spec
}

// Config of a Checker. The zero value works.
type Config struct {
	Dial Dialer // nil: TCP
	// Known tells what another process has found out of a target that is new here;
	// nil: nothing.
	Known func(Subject) (model.MemberHealth, bool)
}

// Checker probes the targets it was given last. Apply, Relearn and Close are for one
// goroutine.
type Checker struct {
	dial   Dialer
	known  func(Subject) (model.MemberHealth, bool)
	notify func()
	slots  chan struct{}

	ctx     context.Context // ends all probing; the checker's own, from New to Close
	cancel  context.CancelFunc
	running map[Subject]*run
	wg      sync.WaitGroup
}

type run struct {
	target Target
	cancel context.CancelFunc
	done   chan struct{}
}

// New makes a checker without targets. notify is called, from any goroutine,
// after a status changed; it must not block.
func New(cfg Config, notify func()) *Checker {
	if cfg.Dial == nil {
		cfg.Dial = dialTCP
	}
	c := &Checker{
		dial:    cfg.Dial,
		known:   cfg.Known,
		notify:  notify,
		slots:   make(chan struct{}, maxInFlight),
		running: make(map[Subject]*run),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Apply has after probed and what is only in before no more; targets in neither go on
// as they were. Probing of a target that stays equal goes on undisturbed. One whose
// spec changed keeps its verdict, unless its address changed; a new one starts OFFLINE
// and takes traffic. Apply returns when the probes it ended will write no verdict any
// more.
func (c *Checker) Apply(before, after []Target) {
	want := make(map[Subject]Spec, len(after))
	for _, t := range after {
		want[t.Subject] = t.Spec
	}
	kept := make(map[Subject]netip.AddrPort)
	var ended []Subject
	for _, targets := range [][]Target{before, after} {
		for _, t := range targets {
			r := c.running[t.Subject]
			spec, ok := want[t.Subject]
			if r == nil || ok && spec == r.target.Spec {
				continue
			}
			r.cancel()
			ended = append(ended, t.Subject)
			if ok {
				kept[t.Subject] = r.target.Spec.Addr
			}
		}
	}
	for _, s := range ended {
		if r := c.running[s]; r != nil { // it may be named twice
			<-r.done
			delete(c.running, s)
		}
	}
	fresh := 0
	for _, t := range after {
		if _, ok := c.running[t.Subject]; ok {
			continue
		}
		fresh++
		status := model.Offline
		if addr, ok := kept[t.Subject]; ok && addr == t.Spec.Addr {
			status = t.Subject.Health().Status
		} else if v, ok := c.knows(t.Subject); ok {
			status = v.Status
			t.Subject.SetVerdict(v, v.Status != model.Failing)
		} else {
			t.Subject.SetVerdict(model.MemberHealth{Status: model.Offline, Since: time.Now()}, true)
		}
		c.start(t, status, min(time.Duration(fresh-1)*startSpacing, t.Spec.Delay))
	}
}

// start probes a target from a status on, after a while.
func (c *Checker) start(t Target, status model.Operating, after time.Duration) {
	ctx, cancel := context.WithCancel(c.ctx)
	r := &run{target: t, cancel: cancel, done: make(chan struct{})}
	c.running[t.Subject] = r
	c.wg.Go(func() {
		defer close(r.done)
		c.watch(ctx, t, status, after)
	})
}

// Relearn asks Config.Known again for the targets without a verdict, and goes on with
// what it says.
func (c *Checker) Relearn() {
	var without []*run
	for s, r := range c.running {
		if s.Health().Status != model.Offline {
			continue
		}
		if _, ok := c.knows(s); ok {
			r.cancel()
			without = append(without, r)
		}
	}
	for i, r := range without {
		<-r.done
		s := r.target.Subject
		status := s.Health().Status
		if v, ok := c.knows(s); ok && status == model.Offline { // it may have found out just now
			status = v.Status
			s.SetVerdict(v, v.Status != model.Failing)
		}
		c.start(r.target, status, min(time.Duration(i)*startSpacing, r.target.Spec.Delay))
	}
	if len(without) > 0 {
		c.notify()
	}
}

func (c *Checker) knows(s Subject) (model.MemberHealth, bool) {
	if c.known == nil {
		return model.MemberHealth{}, false
	}
	v, ok := c.known(s)
	return v, ok && (v.Status == model.Online || v.Status == model.Failing)
}

// Close ends all probing and waits for it.
func (c *Checker) Close() {
	c.cancel()
	c.wg.Wait()
	clear(c.running)
}

// watch probes one target until ctx ends.
func (c *Checker) watch(ctx context.Context, t Target, status model.Operating, spread time.Duration) {
	var want codes
	if t.Spec.Method != "" {
		want, _ = parseCodes(t.Spec.Codes) // NewSpec has checked them
	}
	m := newMachine(t.Spec.Rise, t.Spec.Fall, status)
	since := t.Subject.Health().Since
	// A little jitter keeps the nodes of a cluster from probing in step.
	timer := time.NewTimer(spread + rand.N(startSpacing))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		start := time.Now()
		failure := probe(ctx, &t.Spec, want, c.dial)
		<-c.slots
		if ctx.Err() != nil {
			return
		}
		changed := m.step(failure)
		if changed {
			since = time.Now()
		}
		t.Subject.SetVerdict(model.MemberHealth{Status: m.status, Reason: m.reason, Since: since}, m.up)
		if changed {
			c.notify()
		}
		timer.Reset(max(t.Spec.Delay-time.Since(start), 0))
	}
}
