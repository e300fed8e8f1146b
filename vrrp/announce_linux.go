package vrrp

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// announcer tells the links where held addresses are, and watches for others who
// say the same. Safe for concurrent use.
type announcer struct {
	log     *slog.Logger
	open    func() bool        // whether the deadline is ahead: nothing is sent otherwise
	ownMAC  func(string) bool  // whether a hardware address is this machine's
	foreign chan<- Foreign     // never blocked on: a full one drops, the next frame tells again
	wake    chan struct{}      // size 1
	sent    atomic.Uint64      // frames
	wg      sync.WaitGroup     // the readers
	readers context.Context    // ends the readers' life
	stop    context.CancelFunc // of readers

	mu    sync.Mutex
	stale bool                      // guarded by mu; plan has changed, and what conns hear has not
	plan  *schedule                 // guarded by mu
	conns map[linkFamily]neighbours // guarded by mu; closed by their readers
}

// linkFamily is what one neighbours is for.
type linkFamily struct {
	link string
	v6   bool
}

func familyOf(v VIP) linkFamily { return linkFamily{v.Link, v.Addr.Is6()} }

func newAnnouncer(log *slog.Logger, open func() bool, ownMAC func(string) bool, foreign chan<- Foreign) *announcer {
	a := &announcer{
		log: log, open: open, ownMAC: ownMAC, foreign: foreign,
		wake: make(chan struct{}, 1), plan: newSchedule(), conns: map[linkFamily]neighbours{},
	}
	a.readers, a.stop = context.WithCancel(context.Background())
	return a
}

// listen makes the link of a VIP, which has that index, deliver questions for it
// and watches what is said there; it is announced at the hardware address as, zero
// for the link's own. The link is opened again when the interface
// behind the name is another one than before.
func (a *announcer) listen(v VIP, index int, as hwAddr) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := familyOf(v)
	c := a.conns[key]
	if c != nil && c.on().index != index {
		delete(a.conns, key)
		_ = c.close() // the old interface is gone
		c = nil
	}
	if c == nil {
		var err error
		if c, err = openNeighbours(v.Link, interest{addrs: []netip.Addr{v.Addr}}); err != nil {
			return err
		}
		a.conns[key], a.stale = c, true
		a.wg.Go(func() { a.watch(c) })
	}
	if err := c.speakAs(as); err != nil {
		return err
	}
	return c.join(v.Addr)
}

// claimed starts announcing; the link must be listened on.
func (a *announcer) claimed(vips []VIP) {
	now := time.Now()
	a.mu.Lock()
	for _, v := range vips {
		a.plan.claim(v, now)
	}
	a.stale = true
	a.mu.Unlock()
	poke(a.wake)
}

func (a *announcer) dropped(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.plan.entries[addr]; e != nil {
		if c := a.conns[familyOf(e.VIP)]; c != nil {
			c.leave(addr)
		}
	}
	a.plan.drop(addr)
	a.stale = true
	poke(a.wake)
}

// listenOnly makes every link tell of the addresses that are announced there, and no
// others.
func (a *announcer) listenOnly() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stale {
		return
	}
	a.stale = false
	about := map[linkFamily][]netip.Addr{}
	for addr, e := range a.plan.entries {
		about[familyOf(e.VIP)] = append(about[familyOf(e.VIP)], addr)
	}
	for on, c := range a.conns {
		if err := c.about(interest{addrs: about[on]}); err != nil {
			a.log.Debug("listen", "link", on.link, "err", err)
		}
	}
}

// again announces everything on the link anew, "" for all links.
func (a *announcer) again(link string) {
	a.mu.Lock()
	a.plan.again(link, time.Now())
	a.mu.Unlock()
	poke(a.wake)
}

func (a *announcer) defend(addr netip.Addr) {
	a.mu.Lock()
	a.plan.defend(addr, time.Now())
	a.mu.Unlock()
	poke(a.wake)
}

// run announces until ctx ends.
func (a *announcer) run(ctx context.Context) {
	defer a.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
		timer.Reset(a.round())
	}
}

// round sends what is due and returns the wait until the next.
func (a *announcer) round() time.Duration {
	a.listenOnly()
	if !a.open() {
		return time.Second // a claim wakes us
	}
	a.mu.Lock()
	due, conns := a.plan.due(time.Now()), maps.Clone(a.conns)
	a.mu.Unlock()
	for _, v := range due { // without the lock: a first round may be thousands
		c := conns[familyOf(v)]
		if c == nil {
			continue
		}
		frames, err := c.announce(v.Addr)
		if err != nil {
			delete(conns, familyOf(v)) // down, most often; its return announces again
			a.log.Debug("announce", "link", v.Link, "err", err)
			continue
		}
		a.sent.Add(uint64(frames))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.plan.wait(time.Now())
}

// watch reads what one link says until its socket closes, and answers what the
// kernel does not. In a storm it looks at
// watchBurst frames per watchWindow, so that a realtime process never takes the
// machine; the kernel drops the rest, and a claim that goes on is seen later.
func (a *announcer) watch(c neighbours) {
	seen, since := 0, time.Now()
	for a.readers.Err() == nil {
		h, err := c.read()
		switch {
		case err == nil:
			a.judge(c, h)
		case errors.Is(err, os.ErrClosed), errors.Is(err, net.ErrClosed), a.readers.Err() != nil:
			return
		default: // the link is down: the socket tells it once and lives on
			a.log.Debug("read neighbours", "link", c.on().link, "err", err)
			seen = watchBurst
		}
		if seen++; seen < watchBurst {
			continue
		}
		select {
		case <-a.readers.Done():
		case <-time.After(watchWindow - time.Since(since)): // at once when it is over
		}
		seen, since = 0, time.Now()
	}
}

func (a *announcer) judge(c neighbours, h heard) {
	link := c.on().link
	if h.question.Target.IsValid() && a.holds(h.question.Target, link) && a.open() {
		if err := c.answer(h); err != nil {
			a.log.Debug("answer", "vip", h.question.Target, "link", link, "err", err)
		}
	}
	mac := h.mac.String()
	if a.ownMAC(mac) || !a.holds(h.claims, link) {
		return
	}
	kind := "arp"
	if h.claims.Is6() {
		kind = "nd"
	}
	select {
	case a.foreign <- Foreign{Kind: kind, Addr: h.claims, MAC: mac, Link: link, Seen: time.Now()}:
	default:
	}
}

// holds reports whether the address is announced on the link.
func (a *announcer) holds(addr netip.Addr, link string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.plan.entries[addr]
	return e != nil && e.Link == link
}

// close ends the readers and waits for them.
func (a *announcer) close() {
	a.stop()
	a.mu.Lock()
	for key, c := range a.conns {
		delete(a.conns, key)
		_ = c.close() // nothing to be done about it
	}
	a.mu.Unlock()
	a.wg.Wait()
}
