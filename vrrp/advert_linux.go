package vrrp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// advertiser sends VRRPv3 adverts while the VIPs are held, so that foreign
// speakers and monitoring understand who is active, and listens for others that
// use a VRID of ours. It decides nothing: whoever else speaks, the deadline does.
//
// Every link and family has a virtual router of its own (RFC 9568 section 1.6),
// with the VIPs that are there.
//
// Safe for concurrent use.
type advertiser struct {
	log     *slog.Logger
	open    func() bool    // whether the deadline is ahead
	foreign chan<- Foreign // dropped when full
	wake    chan struct{}  // size 1

	mu      sync.Mutex
	how     VRRP                          // guarded by mu
	routers map[linkFamily]*virtualRouter // guarded by mu
	others  map[linkFamily]*vrids         // guarded by mu; what was heard
	conns   map[bool]advertConn           // guarded by mu; by family: true is IPv6
	joined  map[linkFamily]int            // guarded by mu; interface index
	readers sync.WaitGroup
}

type virtualRouter struct {
	linkFamily
	vrid    uint8
	addrs   []netip.Addr // 1 to MaxAdvertAddrs
	quiet   time.Time    // no advert before
	sending bool         // whether the last word was not a resignation
}

func newAdvertiser(log *slog.Logger, open func() bool, foreign chan<- Foreign) *advertiser {
	return &advertiser{
		log: log, open: open, foreign: foreign, wake: make(chan struct{}, 1), routers: map[linkFamily]*virtualRouter{},
		others: map[linkFamily]*vrids{}, conns: map[bool]advertConn{}, joined: map[linkFamily]int{},
	}
}

// set says how and what to advertise from now on. A VRID that is not fixed is
// listened for first.
func (a *advertiser) set(how VRRP, vips []VIP) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !how.equal(a.how) {
		a.resignLocked()
		a.how = how
	}
	if how.VRID == 0 {
		return nil
	}
	there := map[linkFamily][]netip.Addr{}
	for _, v := range vips {
		if on := familyOf(v); len(there[on]) < MaxAdvertAddrs {
			there[on] = append(there[on], v.Addr)
		}
	}
	for on, r := range a.routers {
		if there[on] == nil {
			a.resignOne(r)
		}
	}
	var errs []error
	for on, addrs := range there {
		if err := a.listenLocked(on); err != nil {
			errs = append(errs, err)
			continue
		}
		r := a.routers[on]
		if r == nil {
			r = &virtualRouter{linkFamily: on}
			a.routers[on] = r
			a.chooseLocked(r)
		}
		r.addrs = addrs
	}
	poke(a.wake)
	return errors.Join(errs...)
}

// chooseLocked gives r a VRID, to be listened for unless it is fixed.
func (a *advertiser) chooseLocked(r *virtualRouter) {
	r.vrid, r.quiet, r.sending = a.how.VRID, time.Time{}, false
	if !a.how.Fixed {
		now := time.Now()
		r.vrid, r.quiet = a.heardOn(r.linkFamily).choose(a.how.VRID, now), now.Add(listenFirst)
	}
}

// heardOn needs mu.
func (a *advertiser) heardOn(on linkFamily) *vrids {
	v := a.others[on]
	if v == nil {
		v = &vrids{}
		a.others[on] = v
	}
	return v
}

// listenLocked opens the family's socket and joins the group on the link.
func (a *advertiser) listenLocked(on linkFamily) error {
	c := a.conns[on.v6]
	if c == nil {
		var err error
		if c, err = openAdverts(on.v6); err != nil {
			return fmt.Errorf("open VRRP: %w", err)
		}
		a.conns[on.v6] = c
		a.readers.Go(func() { a.read(c, on.v6) })
	}
	ifi, err := net.InterfaceByName(on.link)
	if err != nil {
		return fmt.Errorf("join VRRP group on %s: %w", on.link, err)
	}
	if a.joined[on] == ifi.Index {
		return nil
	}
	if err := c.join(ifi); err != nil {
		return fmt.Errorf("join VRRP group on %s: %w", on.link, err)
	}
	a.joined[on] = ifi.Index
	return nil
}

// taken: another router was heard to use the VRID there, lately.
func (a *advertiser) taken(on linkFamily, vrid uint8) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.others[on]
	return v != nil && v.taken(vrid, time.Now())
}

// run sends until ctx ends, then resigns.
func (a *advertiser) run(ctx context.Context) {
	every := time.NewTicker(advertEvery * centisecond)
	defer every.Stop()
	defer a.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-every.C:
		}
		a.mu.Lock()
		for _, r := range a.routers {
			if !a.how.Silent && r.vrid != 0 && !time.Now().Before(r.quiet) && a.open() {
				r.sending = true
				a.sendLocked(r, advertPriority)
			}
		}
		a.mu.Unlock()
	}
}

// resign tells backups that the VIPs are free, when adverts were sent before.
func (a *advertiser) resign() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resignLocked()
}

func (a *advertiser) resignLocked() {
	for _, r := range a.routers {
		a.resignOne(r)
	}
}

func (a *advertiser) resignOne(r *virtualRouter) {
	if r.sending {
		a.sendLocked(r, PriorityResign)
	}
	delete(a.routers, r.linkFamily)
}

func (a *advertiser) sendLocked(r *virtualRouter, priority uint8) {
	ad := Advert{VRID: r.vrid, Priority: priority, Interval: advertEvery, Addrs: r.addrs}
	if err := a.send(r.linkFamily, ad); err != nil {
		a.log.Debug("send advert", "link", r.link, "err", err)
	}
}

// send to the group, or to those peers that are neighbours on the link.
func (a *advertiser) send(on linkFamily, ad Advert) error {
	ifi, err := net.InterfaceByName(on.link)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(prefixesOf(*ifi), func(p netip.Prefix) bool {
		return p.Addr().Is6() != on.v6 || slices.Contains(ad.Addrs, p.Addr())
	})
	if len(a.how.Peers) == 0 {
		// IPv6 adverts come from the link-local address (section 5.1.2.1).
		i := slices.IndexFunc(own, func(p netip.Prefix) bool { return !on.v6 || p.Addr().IsLinkLocalUnicast() })
		if i < 0 {
			return errors.New("the link has no address to send from")
		}
		return a.sendTo(ifi, own[i].Addr(), groupOf(on.v6), ad)
	}
	var errs []error
	for _, peer := range a.how.Peers {
		if i := slices.IndexFunc(own, func(p netip.Prefix) bool { return p.Masked().Contains(peer) }); i >= 0 {
			errs = append(errs, a.sendTo(ifi, own[i].Addr(), peer, ad))
		}
	}
	return errors.Join(errs...)
}

func (a *advertiser) sendTo(ifi *net.Interface, src, dst netip.Addr, ad Advert) error {
	b, err := ad.Marshal(src, dst, true)
	if err != nil {
		return err
	}
	return a.conns[src.Is6()].send(b, ifi, src, dst)
}

func groupOf(v6 bool) netip.Addr {
	if v6 {
		return Group6
	}
	return Group
}

// read listens until the socket closes.
func (a *advertiser) read(c advertConn, v6 bool) {
	buf := make([]byte, 1500)
	for {
		p, err := c.read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || p.hops != 255 { // from beyond the link (section 7.1)
			continue
		}
		vrid, priority, ok := vridOf(p.body)
		if ok && vrid != 0 && priority != PriorityResign && !isOwn(p.src) {
			a.heard(linkFamily{linkName(p.index), v6}, vrid, priority, p.src)
		}
	}
}

// heard notes whose a VRID is. One of ours is left to him, for another; a fixed one
// is told again at once when he has less priority (section 6.4.3).
func (a *advertiser) heard(on linkFamily, vrid, priority uint8, src netip.Addr) {
	a.mu.Lock()
	a.heardOn(on)[vrid] = time.Now()
	r := a.routers[on]
	sent := r != nil && !a.how.Silent && r.vrid == vrid
	ours := sent || r != nil && a.how.VirtualMAC && vrid == a.how.VRID
	switch {
	case !sent:
	case !a.how.Fixed:
		a.chooseLocked(r)
		a.log.Warn("VRID is used by another router, taking the next", "vrid", vrid, "next", r.vrid, "router", src, "link", on.link)
	case priority < advertPriority:
		poke(a.wake)
	}
	a.mu.Unlock()
	if !ours {
		return
	}
	select {
	case a.foreign <- Foreign{Kind: "vrrp", Addr: src, Link: on.link, VRID: vrid, Seen: time.Now()}:
	default:
	}
}

// report is what is advertised, sorted.
func (a *advertiser) report() []VirtualRouter {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]VirtualRouter, 0, len(a.routers))
	for _, r := range a.routers {
		if a.how.Silent {
			continue
		}
		out = append(out, VirtualRouter{r.link, r.v6, r.vrid, r.sending})
	}
	slices.SortFunc(out, func(x, y VirtualRouter) int {
		return cmp.Or(cmp.Compare(x.Link, y.Link), cmp.Compare(b2i(x.IPv6), b2i(y.IPv6)))
	})
	return out[:min(len(out), maxRouters)]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isOwn: with two links on one segment we hear ourselves.
func isOwn(a netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(own, func(o net.Addr) bool {
		n, ok := o.(*net.IPNet)
		return ok && n.IP.Equal(a.AsSlice())
	})
}

func (a *advertiser) close() {
	a.mu.Lock()
	a.resignLocked()
	for _, c := range a.conns {
		_ = c.close() // nothing to be done about it
	}
	a.mu.Unlock()
	a.readers.Wait()
}
