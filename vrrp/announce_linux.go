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

	"github.com/mdlayher/arp"
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
	plan  *schedule           // guarded by mu
	conns map[string]*arpConn // guarded by mu; by link; closed by their readers
}

func newAnnouncer(log *slog.Logger, open func() bool, ownMAC func(string) bool, foreign chan<- Foreign) *announcer {
	a := &announcer{
		log: log, open: open, ownMAC: ownMAC, foreign: foreign,
		wake: make(chan struct{}, 1), plan: newSchedule(), conns: map[string]*arpConn{},
	}
	a.readers, a.stop = context.WithCancel(context.Background())
	return a
}

// listen opens ARP on a link, or again when the interface behind the name is
// another one than before, and watches it.
func (a *announcer) listen(link string, index int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.conns[link]; c != nil {
		if c.index == index {
			return nil
		}
		delete(a.conns, link)
		_ = c.close() // the old interface is gone
	}
	c, err := openARP(link)
	if err != nil {
		return err
	}
	a.conns[link] = c
	a.wg.Go(func() { a.watch(c) })
	return nil
}

// claimed starts announcing; the link must be listened on.
func (a *announcer) claimed(vips []VIP) {
	now := time.Now()
	a.mu.Lock()
	for _, v := range vips {
		a.plan.claim(v, now)
	}
	a.mu.Unlock()
	poke(a.wake)
}

func (a *announcer) dropped(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.plan.drop(addr)
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
	if !a.open() {
		return time.Second // a claim wakes us
	}
	a.mu.Lock()
	due, conns := a.plan.due(time.Now()), maps.Clone(a.conns)
	a.mu.Unlock()
	for _, v := range due { // without the lock: a first round may be thousands
		c := conns[v.Link]
		if c == nil {
			continue
		}
		if err := c.announce(v.Addr); err != nil {
			conns[v.Link] = nil // down, most often; its return announces again
			a.log.Debug("announce", "link", v.Link, "err", err)
			continue
		}
		a.sent.Add(framesEach)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.plan.wait(time.Now())
}

// watch reads one link's ARP until its socket closes. In a storm it looks at
// watchBurst frames per watchWindow, so that a realtime process never takes the
// machine; the kernel drops the rest, and a claim that goes on is seen later.
func (a *announcer) watch(c *arpConn) {
	seen, since := 0, time.Now()
	for a.readers.Err() == nil {
		p, err := c.read()
		switch {
		case err == nil:
			a.judge(c.link, p)
		case errors.Is(err, os.ErrClosed), errors.Is(err, net.ErrClosed), a.readers.Err() != nil:
			return
		default: // the link is down: the socket tells it once and lives on
			a.log.Debug("read ARP", "link", c.link, "err", err)
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

func (a *announcer) judge(link string, p *arp.Packet) {
	mac := p.SenderHardwareAddr.String()
	if a.ownMAC(mac) {
		return
	}
	a.mu.Lock()
	e := a.plan.entries[p.SenderIP]
	ours := e != nil && e.Link == link
	a.mu.Unlock()
	if !ours {
		return
	}
	select {
	case a.foreign <- Foreign{Kind: "arp", Addr: p.SenderIP, MAC: mac, Link: link, Seen: time.Now()}:
	default:
	}
}

// close ends the readers and waits for them.
func (a *announcer) close() {
	a.stop()
	a.mu.Lock()
	for link, c := range a.conns {
		delete(a.conns, link)
		_ = c.close() // nothing to be done about it
	}
	a.mu.Unlock()
	a.wg.Wait()
}
