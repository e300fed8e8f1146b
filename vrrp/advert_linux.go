package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
)

// advertiser sends VRRPv3 adverts while the VIPs are held, so that foreign
// speakers and monitoring understand who is active, and listens for others that
// use the VRID. It decides nothing: whoever else speaks, the deadline does.
//
// Safe for concurrent use.
type advertiser struct {
	log     *slog.Logger
	open    func() bool    // whether the deadline is ahead
	foreign chan<- Foreign // dropped when full
	wake    chan struct{}  // size 1

	mu      sync.Mutex
	conn    *ipv4.PacketConn // guarded by mu; nil until a VRID is set
	vrid    uint8            // guarded by mu; 0 sends nothing
	addrs   []netip.Addr     // guarded by mu; at most MaxAdvertAddrs
	links   []string         // guarded by mu
	joined  map[string]int   // guarded by mu; interface index by name
	quiet   time.Time        // guarded by mu; no advert before
	sending bool             // guarded by mu; whether the last word was not a resignation
	reader  sync.WaitGroup
}

func newAdvertiser(log *slog.Logger, open func() bool, foreign chan<- Foreign) *advertiser {
	return &advertiser{log: log, open: open, foreign: foreign, wake: make(chan struct{}, 1), joined: map[string]int{}}
}

// set says what to advertise from now on. A new VRID is listened for first. An
// empty addrs stops without a word; see resign.
func (a *advertiser) set(vrid uint8, addrs []netip.Addr, links []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if vrid != a.vrid {
		a.resignLocked()
		a.vrid, a.quiet = vrid, time.Now().Add(listenFirst)
	}
	a.addrs, a.links = addrs[:min(len(addrs), MaxAdvertAddrs)], links
	if vrid == 0 {
		return nil
	}
	if a.conn == nil {
		if err := a.listenLocked(); err != nil {
			return err
		}
	}
	poke(a.wake)
	return a.joinLocked()
}

func (a *advertiser) listenLocked() error {
	c, err := net.ListenPacket(fmt.Sprintf("ip4:%d", Protocol), "0.0.0.0")
	if err != nil {
		return fmt.Errorf("open VRRP: %w", err)
	}
	p := ipv4.NewPacketConn(c)
	err = errors.Join(
		p.SetMulticastTTL(255), // receivers refuse any other (RFC 9568 section 7.1)
		p.SetMulticastLoopback(false),
		p.SetControlMessage(ipv4.FlagTTL|ipv4.FlagSrc|ipv4.FlagDst|ipv4.FlagInterface, true),
	)
	if err != nil {
		return errors.Join(fmt.Errorf("open VRRP: %w", err), c.Close())
	}
	a.conn = p
	a.reader.Go(func() { a.read(p) })
	return nil
}

func (a *advertiser) joinLocked() error {
	var errs []error
	for _, l := range a.links {
		ifi, err := net.InterfaceByName(l)
		if err != nil {
			errs = append(errs, fmt.Errorf("join VRRP group on %s: %w", l, err))
			continue
		}
		if a.joined[l] == ifi.Index {
			continue
		}
		if err := a.conn.JoinGroup(ifi, &net.IPAddr{IP: Group.AsSlice()}); err != nil {
			errs = append(errs, fmt.Errorf("join VRRP group on %s: %w", l, err))
			continue
		}
		a.joined[l] = ifi.Index
	}
	return errors.Join(errs...)
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
		if a.vrid != 0 && len(a.addrs) > 0 && !time.Now().Before(a.quiet) && a.open() {
			a.sending = true
			a.sendLocked(advertPriority)
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
	if a.sending {
		a.sending = false
		a.sendLocked(PriorityResign)
	}
	a.addrs = nil
}

func (a *advertiser) sendLocked(priority uint8) {
	ad := Advert{VRID: a.vrid, Priority: priority, Interval: advertEvery, Addrs: a.addrs}
	for _, l := range a.links {
		if err := a.sendOn(l, ad); err != nil {
			a.log.Debug("send advert", "link", l, "err", err)
		}
	}
}

func (a *advertiser) sendOn(link string, ad Advert) error {
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return err
	}
	own := prefixesOf(*ifi)
	i := slices.IndexFunc(own, func(p netip.Prefix) bool { return p.Addr().Is4() && !slices.Contains(ad.Addrs, p.Addr()) })
	if i < 0 {
		return errors.New("the link has no IPv4 address to send from")
	}
	src := own[i].Addr()
	b, err := ad.Marshal(src, Group, true)
	if err != nil {
		return err
	}
	cm := &ipv4.ControlMessage{IfIndex: ifi.Index, Src: src.AsSlice()}
	_, err = a.conn.WriteTo(b, cm, &net.IPAddr{IP: Group.AsSlice()})
	return err
}

// read listens until the socket closes.
func (a *advertiser) read(c *ipv4.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, cm, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || cm == nil || cm.TTL != 255 { // from beyond the link (section 7.1)
			continue
		}
		ip, ok := from.(*net.IPAddr)
		if !ok {
			continue
		}
		src, _ := netip.AddrFromSlice(ip.IP.To4())
		vrid, priority, ok := vridOf(buf[:n])
		if ok && priority != PriorityResign && a.uses(vrid) && !isOwn(src) {
			a.heard(vrid, src, cm.IfIndex)
		}
	}
}

func (a *advertiser) uses(vrid uint8) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return vrid != 0 && vrid == a.vrid
}

// heard leaves a VRID of ours to another speaker for as long as he uses it.
func (a *advertiser) heard(vrid uint8, src netip.Addr, index int) {
	a.mu.Lock()
	a.quiet = time.Now().Add(listenFirst)
	a.mu.Unlock()
	select {
	case a.foreign <- Foreign{Kind: "vrrp", Addr: src, Link: linkName(index), VRID: vrid, Seen: time.Now()}:
	default:
	}
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
	if a.conn != nil {
		_ = a.conn.Close() // nothing to be done about it
	}
	a.mu.Unlock()
	a.reader.Wait()
}
