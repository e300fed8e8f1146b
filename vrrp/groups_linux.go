package vrrp

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// groupsPerSocket bounds the memberships of one socket: the kernel charges them
// to net.core.optmem_max, 20 KiB in older kernels, at some 64 bytes each.
const groupsPerSocket = 256

// groups are memberships of IPv6 multicast groups on one link; they go with this
// process. The zero value with an index is usable, not by many at a time.
type groups struct {
	index   int
	sockets []*groupSocket
	member  map[netip.Addr]*membership
}

type groupSocket struct{ fd, members int }

type membership struct {
	in    *groupSocket
	users int
}

func (g *groups) join(group netip.Addr) error {
	if m := g.member[group]; m != nil {
		m.users++
		return nil
	}
	s, err := g.socket()
	if err != nil {
		return err
	}
	if err := unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, g.request(group)); err != nil {
		return fmt.Errorf("join %s: %w", group, err)
	}
	s.members++
	if g.member == nil {
		g.member = map[netip.Addr]*membership{}
	}
	g.member[group] = &membership{s, 1}
	return nil
}

// socket returns one with room.
func (g *groups) socket() (*groupSocket, error) {
	for _, s := range g.sockets {
		if s.members < groupsPerSocket {
			return s, nil
		}
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket for multicast: %w", err)
	}
	s := &groupSocket{fd: fd}
	g.sockets = append(g.sockets, s)
	return s, nil
}

func (g *groups) leave(group netip.Addr) {
	m := g.member[group]
	if m == nil {
		return
	}
	if m.users--; m.users > 0 {
		return
	}
	delete(g.member, group)
	m.in.members--
	// Fails only when the link is gone, and the membership with it.
	_ = unix.SetsockoptIPv6Mreq(m.in.fd, unix.IPPROTO_IPV6, unix.IPV6_LEAVE_GROUP, g.request(group))
}

func (g *groups) request(group netip.Addr) *unix.IPv6Mreq {
	return &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(g.index)}
}

func (g *groups) close() {
	for _, s := range g.sockets {
		unix.Close(s.fd) // the only error is a bad descriptor
	}
	g.sockets, g.member = nil, nil
}
