package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ErrNoArbiter is returned when there is no default gateway to ask, or an
// address is not on a network of this machine.
var ErrNoArbiter = errors.New("no arbiter")

// ArbiterConfig of an Arbiter.
type ArbiterConfig struct {
	// Addrs to ask, on-link; empty means the default gateway. A link-local IPv6
	// address names its link (fe80::1%eth0).
	Addrs []netip.Addr
	// Patience is how long an arbiter may be silent before Gone says so, asked for again
	// and again; 40 ms at least, default 240 ms.
	Patience func() time.Duration
	// LinkUp tells whether a link has carrier: a gap in which it had none says nothing
	// about the arbiter. Default: it has.
	LinkUp func(link string) bool
	// Registers lets the arbiters be used as registers, see Ask.
	Registers bool
	Log       *slog.Logger
}

// Arbiter asks neighbours by ARP or Neighbour Discovery every 10 to 30 ms, and two to three times as
// often while the newest question is not answered. An answer tells that this node's
// own leg works, nothing about other nodes. Questions go to everybody until the
// hardware address is known, then to its owner alone.
type Arbiter struct {
	log     *slog.Logger
	wanted  func() time.Duration
	linkUp  func(link string) bool
	targets []*target
	regs    []*register // one for each target; nil without ArbiterConfig.Registers
	replies chan uint64
	changed chan struct{} // size 1

	mu      sync.Mutex
	answers bool // guarded by mu; what Answers last was
	gone    bool // guarded by mu; likewise
}

// NewArbiter finds the links of the addresses. Errors are ErrNoArbiter with the
// reason.
func NewArbiter(cfg ArbiterConfig) (*Arbiter, error) {
	a := &Arbiter{log: logger(cfg.Log), wanted: cfg.Patience, linkUp: cfg.LinkUp, changed: make(chan struct{}, 1), replies: make(chan uint64, maxEchoes)}
	if a.wanted == nil {
		a.wanted = func() time.Duration { return patienceDefault }
	}
	if a.linkUp == nil {
		a.linkUp = func(string) bool { return true }
	}
	addrs := cfg.Addrs
	if len(addrs) == 0 {
		gateway, link, err := defaultRoute()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrNoArbiter, err)
		case !gateway.IsValid():
			return nil, fmt.Errorf("%w: the default route, by %s, has no gateway", ErrNoArbiter, link)
		}
		addrs = []netip.Addr{gateway}
	}
	for _, addr := range addrs {
		t, err := targetOf(addr.Unmap())
		if err != nil {
			return nil, err
		}
		a.targets = append(a.targets, t)
		if cfg.Registers {
			a.regs = append(a.regs, &register{t: t, replies: a.replies, log: a.log, random: rand.Uint64()})
		}
	}
	return a, nil
}

func targetOf(addr netip.Addr) (*target, error) {
	bare := addr.WithZone("")
	if bare.Is6() && bare.IsLinkLocalUnicast() && addr.Zone() == "" {
		return nil, fmt.Errorf("%w: %s is on every link: name one, as in %s%%eth0", ErrNoArbiter, addr, addr)
	}
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	for _, i := range ifs {
		if addr.Zone() != "" && addr.Zone() != i.Name {
			continue
		}
		for _, p := range prefixesOf(i) {
			if p.Addr() == bare {
				return nil, fmt.Errorf("%w: %s is this machine itself", ErrNoArbiter, addr)
			}
			if len(i.HardwareAddr) == 6 && p.Masked().Contains(bare) {
				return &target{addr: bare, link: i.Name, source: p.Addr(), network: p.Masked()}, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: %s is not on a network of this machine, so it cannot be asked", ErrNoArbiter, addr)
}

// Run asks until ctx ends.
func (a *Arbiter) Run(ctx context.Context) error {
	byLink := map[linkFamily][]*target{}
	for _, t := range a.targets {
		on := familyOf(VIP{t.addr, t.link})
		byLink[on] = append(byLink[on], t)
	}
	var wg sync.WaitGroup
	for on, targets := range byLink {
		wg.Go(func() { a.leg(ctx, on.link, targets) })
	}
	for _, r := range a.regs {
		wg.Go(func() { a.serve(ctx, r) })
	}
	wg.Wait()
	return nil
}

// look tells whoever waits for Changed. It is called wherever that may be so: after an
// answer, and after every question or attempt to ask.
func (a *Arbiter) look() {
	a.mu.Lock()
	defer a.mu.Unlock()
	answers, gone := a.Answers(), a.Gone()
	if answers != a.answers {
		a.log.Info("arbiter", "answers", answers)
	}
	if answers != a.answers || gone != a.gone {
		a.answers, a.gone = answers, gone
		poke(a.changed)
	}
}

// leg asks on one link, opening it anew after a fault (it went down or away).
func (a *Arbiter) leg(ctx context.Context, link string, targets []*target) {
	addrs := make([]netip.Addr, 0, len(targets))
	for _, t := range targets {
		addrs = append(addrs, t.addr)
	}
	for ctx.Err() == nil {
		c, err := openNeighbours(link, interest{addrs, true})
		if err == nil {
			err = a.talk(ctx, c, targets)
		}
		if err != nil {
			a.log.Debug("ask arbiter", "link", link, "err", err)
			for _, t := range targets { // nothing is waiting where there is no socket
				t.checked.Store(Monotonic())
			}
			linkFailed(targets)
		}
		a.look()
		select {
		case <-ctx.Done():
		case <-time.After(arbiterEvery):
		}
	}
}

// serve keeps a register open until ctx ends.
func (a *Arbiter) serve(ctx context.Context, r *register) {
	for ctx.Err() == nil {
		c, err := openRegister(r.t.link)
		if err == nil {
			err = r.serve(ctx, c)
		}
		if err != nil {
			a.log.Debug("arbiter's register", "link", r.t.link, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(arbiterEvery):
		}
	}
}

// Ask asks arbiter i, by an echo request in the VIP's name, whom it takes for the
// VIP's owner, and before or after tells it that it is this machine. Replies gives
// read back if the arbiter said so. It does not wait, and what cannot be sent is
// lost.
func (a *Arbiter) Ask(i int, vip netip.Addr, read uint64, before, after bool) {
	a.regs[i].ask(vip, read, before, after)
}

// Replies are the numbers of the questions that were answered; one reader.
func (a *Arbiter) Replies() <-chan uint64 { return a.replies }

// Echo tells whether more than half of the arbiters answer echo requests.
func (a *Arbiter) Echo() Echo {
	var n [3]int
	for _, r := range a.regs {
		n[r.echo.Load()]++
	}
	switch {
	case 2*n[EchoAnswers] > len(a.regs):
		return EchoAnswers
	case 2*n[EchoNone] >= len(a.regs):
		return EchoNone
	}
	return EchoUnknown
}

// OnLink tells whether every arbiter has the address, an IPv4 one, on the network
// that it shares with this machine.
func (a *Arbiter) OnLink(v VIP) bool {
	for _, t := range a.targets {
		if !v.Addr.Is4() || v.Link != t.link || !t.network.Contains(v.Addr) || v.Addr == t.addr || v.Addr == t.source {
			return false
		}
	}
	return true
}

// talk asks and listens until a fault or the end of ctx, and closes c.
func (a *Arbiter) talk(ctx context.Context, c neighbours, targets []*target) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer c.close()
	failed := make(chan error, 1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	wg.Go(func() {
		for {
			h, err := c.read()
			if err != nil {
				failed <- err
				return
			}
			if a.heard(h, targets) {
				calm, _ := pauses(a.wanted())
				timer.Reset(calm) // nobody has to look for the answer any more
			}
			a.look()
		}
	})
	asked := make([]time.Time, len(targets))
	for {
		a.catchUp(c, targets)
		if !a.linkUp(c.on().link) { // what is sent is lost without an error
			linkFailed(targets)
		}
		calm, anxious := pauses(a.wanted())
		now, next := time.Now(), calm
		for i, t := range targets {
			pause := calm
			if t.doubtful() {
				pause = anxious
			}
			if due := asked[i].Add(pause); now.Before(due) {
				next = min(next, due.Sub(now))
				continue
			}
			var owner net.HardwareAddr
			if mac := t.mac.Load(); mac != nil && t.answers(2*arbiterEvery) {
				owner = *mac
			}
			t.asked.Add(1)
			if err := c.askAs(t.source, t.addr, owner); err != nil {
				return err
			}
			asked[i] = now
			next = min(next, anxious) // to see whether it has answered
		}
		a.look()
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-timer.C:
		}
	}
}

func linkFailed(targets []*target) {
	for _, t := range targets {
		t.broken.Store(true)
	}
}

// catchUp reads what is there. The goroutine that listens may have been woken by it and
// still wait for a processor, while this one has had one.
func (a *Arbiter) catchUp(c neighbours, targets []*target) {
	now := Monotonic()
	for range maxCaughtUp {
		h, ok := c.waiting()
		if !ok {
			for _, t := range targets {
				t.checked.Store(now)
			}
			return
		}
		a.heard(h, targets)
	}
}

// heard notes an answer, and reports whether it was the last one that was waited for.
func (a *Arbiter) heard(h heard, targets []*target) (last bool) {
	for _, t := range targets {
		if h.reply && h.claims == t.addr {
			t.mac.Store(&h.mac)
			last = t.answered(Monotonic(), a.wanted()) > 0
		}
	}
	return last && !slices.ContainsFunc(targets, (*target).doubtful)
}

// Answers reports that at least half of the addresses answered within the last
// 90 ms.
func (a *Arbiter) Answers() bool {
	n := 0
	for _, t := range a.targets {
		if t.answers(arbiterWithin) {
			n++
		}
	}
	return 2*n >= len(a.targets)
}

// AnswersFor is for how long the addresses have answered without a gap of 90 ms,
// the median of them; 0 when they do not.
func (a *Arbiter) AnswersFor() time.Duration {
	now := Monotonic()
	ages := make([]time.Duration, 0, len(a.targets))
	for _, t := range a.targets {
		var age time.Duration
		if t.answers(arbiterWithin) {
			age = time.Duration(now - t.since.Load())
		}
		ages = append(ages, age)
	}
	if len(ages) == 0 {
		return 0
	}
	slices.Sort(ages)
	return ages[len(ages)/2]
}

// Gone reports that more than half of the addresses, which answered before, do not any
// more, see target.gone. It does not say so because this process had no time to ask or
// to listen.
func (a *Arbiter) Gone() bool {
	n, wanted := 0, a.wanted()
	for _, t := range a.targets {
		if t.gone(wanted) {
			n++
		}
	}
	return 2*n > len(a.targets)
}

// LastAnswer is when the newest answer came, as Monotonic; 0: never.
func (a *Arbiter) LastAnswer() int64 {
	var last int64
	for _, t := range a.targets {
		last = max(last, t.last.Load())
	}
	return last
}

// Changed is signalled when Answers or Gone changed; size 1, one reader.
func (a *Arbiter) Changed() <-chan struct{} { return a.changed }

// Addrs are the addresses that are asked.
func (a *Arbiter) Addrs() []netip.Addr {
	out := make([]netip.Addr, 0, len(a.targets))
	for _, t := range a.targets {
		out = append(out, t.addr)
	}
	return out
}
