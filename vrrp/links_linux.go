package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mdlayher/socket"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// linkInfo is one interface of this machine.
type linkInfo struct {
	name  string
	index int
	mac   string
	up    bool // set up and with carrier
	// gated: the kernel does ARP on it, so the gate belongs there: Ethernet,
	// not loopback, and not the port of a bridge or bond, whose frames are its
	// master's.
	gated bool
}

func listLinks() (map[string]linkInfo, error) {
	list, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	out := make(map[string]linkInfo, len(list))
	for _, l := range list {
		a := l.Attrs()
		port := a.MasterIndex != 0 && (a.Slave == nil || a.Slave.SlaveType() != "vrf")
		out[a.Name] = linkInfo{
			name: a.Name, index: a.Index, mac: a.HardwareAddr.String(),
			// IFF_RUNNING is carrier; drivers that know nothing of it set it.
			up:    a.Flags&net.FlagUp != 0 && a.RawFlags&unix.IFF_RUNNING != 0,
			gated: a.EncapType == "ether" && a.Flags&net.FlagLoopback == 0 && a.RawFlags&unix.IFF_NOARP == 0 && !port,
		}
	}
	return out, nil
}

// LinkWatch keeps which links are up (administratively, with carrier).
type LinkWatch struct {
	log     *slog.Logger
	sock    *socket.Conn
	changed chan struct{} // size 1

	mu    sync.RWMutex
	links map[string]linkInfo // guarded by mu; replaced, never changed
}

// relistEvery is a net below the kernel's notices, which are dropped when they
// come faster than they are read.
const relistEvery = 5 * time.Second

// NewLinkWatch reads the present state and starts listening; Run must follow.
func NewLinkWatch(log *slog.Logger) (*LinkWatch, error) {
	c, err := socket.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, "netlink", nil)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	w := &LinkWatch{log: logger(log), sock: c, changed: make(chan struct{}, 1)}
	if err := c.Bind(&unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribe to link changes: %w", err), c.Close())
	}
	if w.links, err = listLinks(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return w, nil
}

// Run follows the kernel's notices until ctx ends.
func (w *LinkWatch) Run(ctx context.Context) error {
	defer w.sock.Close()
	buf := make([]byte, 64<<10)
	for {
		rctx, cancel := context.WithTimeout(ctx, relistEvery)
		// What the notice says does not matter: the list is read again.
		_, _, err := w.sock.Recvfrom(rctx, buf, 0)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, unix.ENOBUFS):
		default:
			return fmt.Errorf("follow link changes: %w", err)
		}
		links, err := listLinks()
		if err != nil {
			w.log.Warn("links unknown", "err", err)
			continue
		}
		w.mu.Lock()
		same := maps.Equal(links, w.links)
		w.links = links
		w.mu.Unlock()
		if !same {
			poke(w.changed)
		}
	}
}

// Up reports whether all the named links are up; with none named, true.
func (w *LinkWatch) Up(names ...string) bool {
	links := w.all()
	for _, n := range names {
		if !links[n].up {
			return false
		}
	}
	return true
}

// Changed is signalled when a link went up or down, came or went; size 1, one
// reader.
func (w *LinkWatch) Changed() <-chan struct{} { return w.changed }

func (w *LinkWatch) all() map[string]linkInfo {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.links
}

// Links are the interfaces of this machine with their addresses, as they were.
type Links []linkPrefixes

type linkPrefixes struct {
	name     string
	prefixes []netip.Prefix
}

// ListLinks reads them from the kernel, which makes its callers wait while anybody on
// the machine changes interfaces: a tenth of a second is nothing unusual.
func ListLinks() (Links, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var out Links
	for _, i := range ifs {
		if i.Flags&(net.FlagLoopback|net.FlagPointToPoint) == 0 {
			out = append(out, linkPrefixes{i.Name, prefixesOf(i)})
		}
	}
	return out, nil
}

// For is the interface that has an address in prefix, so that addr is its
// neighbours' neighbour, else fallback. An empty fallback is an error then.
func (l Links) For(addr netip.Addr, prefix netip.Prefix, fallback string) (string, error) {
	for _, i := range l {
		for _, p := range i.prefixes {
			// The interface's own prefix must reach addr as well: an interface
			// with a /32 inside the subnet is no way to it.
			if p.Addr().BitLen() == addr.BitLen() && prefix.Contains(p.Addr()) && p.Masked().Contains(addr) {
				return i.name, nil
			}
		}
	}
	if fallback == "" {
		return "", fmt.Errorf("no interface has an address in %s, and there is no default interface", prefix)
	}
	return fallback, nil
}

// DefaultInterface is the interface of the default route, or the only one that
// is up besides loopback.
func DefaultInterface() (string, error) {
	if _, name, err := defaultRoute(); err == nil {
		return name, nil
	}
	ifs, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("list interfaces: %w", err)
	}
	var up []string
	for _, i := range ifs {
		if i.Flags&net.FlagUp != 0 && i.Flags&(net.FlagLoopback|net.FlagPointToPoint) == 0 {
			up = append(up, i.Name)
		}
	}
	if len(up) == 1 {
		return up[0], nil
	}
	return "", fmt.Errorf("no default route, and %d interfaces are up besides loopback: name one", len(up))
}

// defaultRoute returns the gateway (the zero Addr for a route without one) and
// the interface of the default route with the lowest metric: IPv4's, or IPv6's
// when there is none.
func defaultRoute() (gateway netip.Addr, name string, err error) {
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		if gateway, name, err = defaultRouteOf(family); err == nil {
			break
		}
	}
	return gateway, name, err
}

var errNoRoute = errors.New("no default route")

func defaultRouteOf(family int) (gateway netip.Addr, name string, err error) {
	routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return gateway, "", fmt.Errorf("list routes: %w", err)
	}
	best := -1
	for i, r := range routes {
		if r.Dst != nil {
			if ones, _ := r.Dst.Mask.Size(); ones != 0 {
				continue
			}
		}
		if r.LinkIndex > 0 && (best < 0 || r.Priority < routes[best].Priority) {
			best = i
		}
	}
	if best < 0 {
		return gateway, "", errNoRoute
	}
	i, err := net.InterfaceByIndex(routes[best].LinkIndex)
	if err != nil {
		return gateway, "", fmt.Errorf("interface of the default route: %w", err)
	}
	gateway, _ = netip.AddrFromSlice(routes[best].Gw)
	if gateway = gateway.Unmap(); gateway.Is6() && gateway.IsLinkLocalUnicast() {
		gateway = gateway.WithZone(i.Name)
	}
	return gateway, i.Name, nil
}

// InterfaceAddrs are the machine's own addresses with their prefixes, without
// loopback, link-local, and those of the named device (the holder's).
func InterfaceAddrs(device string) ([]netip.Prefix, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var out []netip.Prefix
	for _, i := range ifs {
		if i.Flags&net.FlagLoopback != 0 || i.Name == device {
			continue
		}
		for _, p := range prefixesOf(i) {
			if !p.Addr().IsLinkLocalUnicast() {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// prefixesOf is empty for an interface that went away meanwhile.
func prefixesOf(i net.Interface) []netip.Prefix {
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		ones, _ := n.Mask.Size()
		if ok {
			out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
		}
	}
	return out
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
