package vrrp

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// keeper makes the machine agree with the newest order, a few addresses at a
// time so that a renewal never waits for a long list. It is driven by one
// goroutine; what it drives is behind interfaces.
//
// Claim:   gate allows the address, deadline set, address on, announced.
// Release: gate closed, address off, gate forgets it.
type keeper struct {
	log   *slog.Logger
	gate  gate
	addrs addrTable
	out   speaker
	links func() map[string]linkInfo
	now   func() int64 // CLOCK_MONOTONIC
	// taken: a foreign router was heard to use the VRID there.
	taken func(on linkFamily, vrid uint8) bool

	order    orderMessage
	deadline atomic.Int64 // in effect; read by the speakers
	done     uint64       // Seq of the newest order carried out
	want     map[netip.Addr]string
	held     map[netip.Addr]holding
	todo     []netip.Addr // addresses that may differ from want
	problems map[netip.Addr]string
	gateErr  string
	others   map[netip.Addr]string // addresses on other devices, as of the last look
	since    time.Time
	foreign  map[string]Foreign

	foreignAdverts, foreignClaims uint64
}

type holding struct {
	link  string
	index int
	as    hwAddr
	on    bool // the address is on; else the gate knows it and the address failed
}

// addrTable is the addresses on this machine; see addresses.
type addrTable interface {
	Add(netip.Addr) error
	Remove(netip.Addr) error
	List() (ours map[netip.Addr]bool, others map[netip.Addr]string, err error)
	up() error
}

// speaker announces; see announcer and advertiser.
type speaker interface {
	// listen prepares for a VIP on its link, which has that index, at a hardware address.
	listen(v VIP, index int, as hwAddr) error
	claimed([]VIP)
	dropped(netip.Addr)
	again(link string)
	defend(netip.Addr)
}

func newKeeper(log *slog.Logger, g gate, t addrTable, out speaker, links func() map[string]linkInfo, now func() int64) *keeper {
	return &keeper{
		log: log, gate: g, addrs: t, out: out, links: links, now: now,
		taken: func(linkFamily, uint8) bool { return false },
		want:  map[netip.Addr]string{}, held: map[netip.Addr]holding{},
		problems: map[netip.Addr]string{}, foreign: map[string]Foreign{},
	}
}

// open reports whether the deadline is ahead. Safe for concurrent use.
func (k *keeper) open() bool { return k.deadline.Load() > k.now() }

// take makes o the order that stands. The gate follows at once, the addresses by
// step.
func (k *keeper) take(o orderMessage) {
	before := k.order
	switch {
	case o.Deadline <= k.now():
		if k.deadline.Load() != 0 {
			k.log.Info("release", "term", before.Term, "vips", len(k.held))
		}
		k.order.Order = Order{Seq: o.Seq, Term: max(o.Term, before.Term), VRRP: o.VRRP}
		k.shut()
		return
	case o.Term < before.Term:
		k.log.Warn("order of an older term is ignored", "term", o.Term, "newest", before.Term)
		k.order.Seq = o.Seq
		return
	}
	if k.deadline.Load() == 0 {
		k.log.Info("claim", "term", o.Term, "vips", len(o.VIPs), "lease_left", time.Duration(o.Deadline-k.now()))
	}
	k.order = o
	if err := k.gate.Deadline(o.Deadline + o.Offset); err != nil {
		k.shut()
		k.gateErr = err.Error()
		return
	}
	k.gateErr = ""
	wasOpen := k.open()
	k.deadline.Store(o.Deadline)
	if !slices.Equal(o.VIPs, before.VIPs) || !wasOpen || !o.VRRP.equal(before.VRRP) {
		k.wish(o.VIPs)
	}
	// Without a gap the links know; after one somebody else may have had it.
	if o.Announce != before.Announce || !wasOpen && len(k.held) > 0 {
		k.out.again("")
	}
}

// wish sets what is wanted and queues the difference.
func (k *keeper) wish(vips []VIP) {
	k.want = make(map[netip.Addr]string, len(vips))
	for _, v := range vips {
		k.want[v.Addr] = v.Link
	}
	if len(vips) > 0 {
		k.look()
	}
	k.queue()
}

func (k *keeper) queue() {
	k.todo = k.todo[:0]
	links := k.links()
	for a, h := range k.held {
		if k.want[a] != h.link || links[h.link].index != h.index || !h.on || k.speaks(a, h.link) != h.as {
			k.todo = append(k.todo, a)
		}
	}
	for a := range k.want {
		if _, ok := k.held[a]; !ok {
			k.todo = append(k.todo, a)
		}
	}
	for a := range k.problems {
		if _, ok := k.want[a]; !ok {
			delete(k.problems, a)
		}
	}
	slices.SortFunc(k.todo, netip.Addr.Compare)
}

// look reads which addresses other devices have.
func (k *keeper) look() {
	_, others, err := k.addrs.List()
	if err != nil {
		k.log.Warn("addresses of this machine unknown", "err", err)
		return
	}
	k.others = others
}

// shut closes the gate now and wishes everything off.
func (k *keeper) shut() {
	k.deadline.Store(0)
	if err := k.gate.Deadline(0); err != nil {
		k.gateErr = err.Error() // the old deadline still ends it
	} else {
		k.gateErr = ""
	}
	k.order.VIPs = nil
	k.wish(nil)
}

// expire releases when the deadline has passed. The gate has closed by itself.
func (k *keeper) expire() {
	if d := k.deadline.Load(); d != 0 && d <= k.now() {
		k.log.Warn("deadline passed without a renewal", "term", k.order.Term, "late", time.Duration(k.now()-d))
		k.shut()
	}
}

// left is how long until the deadline; a long time when there is none.
func (k *keeper) left() time.Duration {
	d := k.deadline.Load()
	if d == 0 {
		return time.Hour
	}
	return time.Duration(max(0, d-k.now()))
}

// step carries out at most chunk changes and reports whether more are left.
func (k *keeper) step() (more bool) {
	n := min(chunk, len(k.todo))
	var on []VIP
	for _, a := range k.todo[:n] {
		if link, ok := k.want[a]; ok {
			if k.put(a, link) {
				on = append(on, VIP{a, link})
			}
		} else {
			k.drop(a)
		}
	}
	k.todo = k.todo[n:]
	if len(on) > 0 {
		k.out.claimed(on)
	}
	if len(k.todo) > 0 {
		return true
	}
	if len(k.want) > 0 || len(k.held) == 0 { // a release that failed is not done
		k.done = k.order.Seq
	}
	return false
}

// put brings one address on, or to another link, and reports whether it is to be
// announced.
func (k *keeper) put(a netip.Addr, link string) bool {
	if err := k.tryPut(a, link); err != nil {
		k.problems[a] = err.Error()
		return false
	}
	delete(k.problems, a)
	return true
}

func (k *keeper) tryPut(a netip.Addr, link string) error {
	if dev, taken := k.others[a]; taken {
		k.drop(a)
		return fmt.Errorf("the address is on %s already, put there by somebody else", dev)
	}
	l, ok := k.links()[link]
	switch {
	case !ok:
		k.drop(a)
		return fmt.Errorf("there is no link %s", link)
	case !l.gated:
		k.drop(a)
		return fmt.Errorf("link %s is not an Ethernet link of its own", link)
	}
	if !k.gate.Guards(l.index) {
		if k.guard(); !k.gate.Guards(l.index) {
			k.drop(a)
			return fmt.Errorf("the gate is not on link %s", link)
		}
	}
	as := k.speaks(a, link)
	if err := k.out.listen(VIP{a, link}, l.index, as); err != nil {
		return err
	}
	if err := k.gate.Allow(a, l.index, as); err != nil {
		return err
	}
	h := holding{link, l.index, as, k.held[a].on}
	k.held[a] = h
	if err := k.addrs.Add(a); err != nil {
		return err
	}
	h.on = true
	k.held[a] = h
	if k.since.IsZero() {
		k.since = time.Now()
	}
	return nil
}

// speaks is the hardware address of a VIP on a link, zero for the link's own.
func (k *keeper) speaks(a netip.Addr, link string) hwAddr {
	how := k.order.VRRP
	if !how.VirtualMAC || how.VRID == 0 || k.taken(linkFamily{link, a.Is6()}, how.VRID) {
		return hwAddr{}
	}
	return virtualMAC(how.VRID, a.Is6())
}

// drop takes one address off. While that fails, the gate keeps it shut.
func (k *keeper) drop(a netip.Addr) {
	if _, ok := k.held[a]; !ok {
		return
	}
	k.out.dropped(a)
	err := k.gate.Shut(a)
	if err == nil {
		err = k.addrs.Remove(a)
	}
	if err == nil {
		err = k.gate.Forget(a)
	}
	if err != nil {
		k.log.Error("release of an address", "vip", a, "err", err)
		return
	}
	delete(k.held, a)
	if len(k.held) == 0 {
		k.since = time.Time{}
	}
}

// start closes the gate and puts it on the links.
func (k *keeper) start() error {
	if err := k.gate.Deadline(0); err != nil {
		return err
	}
	k.guard()
	return nil
}
