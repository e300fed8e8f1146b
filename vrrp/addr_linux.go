package vrrp

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// tunFD is the least descriptor number for the TUN device. When a process dies
// the kernel closes its descriptors in rising order but runs the final releases
// last in, first out: the device must have the highest number to go, and with it
// the addresses, before the gate's descriptors are released (DESIGN.md has the
// measurement).
const tunFD = 900

// addresses are the VIPs on this machine: /32 or /128 on a TUN device without the
// persistent flag, which is gone with its last descriptor, so with this process.
// The kernel answers ARP for them on its other links all the same (arp_ignore
// 0), but not Neighbour Discovery, see ndConn. Nothing is ever read from the
// device: no route leads out of it.
//
// Not safe for concurrent use.
type addresses struct {
	name   string
	fd     int
	index  int
	handle *netlink.Handle
	ipv6   map[netip.Addr]bool // VIPs that are on
	names  map[int]string      // of other devices, by index; at most maxNames
}

// maxNames bounds the names of devices that are remembered.
const maxNames = 1024

// newAddresses makes the device and sets it up.
func newAddresses(name string) (_ *addresses, err error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	a := &addresses{name: name, fd: -1, handle: h, ipv6: map[netip.Addr]bool{}, names: map[int]string{}}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.fd, err = openTUN(name); err != nil {
		return nil, err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("find device %s: %w", name, err)
	}
	a.index = l.Attrs().Index
	// Without this the kernel gives the device a link-local address and sends
	// router solicitations into it.
	for file, value := range map[string]string{"addr_gen_mode": "1", "router_solicitations": "0", "accept_ra": "0"} {
		path := filepath.Join("/proc/sys/net/ipv6/conf", name, file)
		if err := os.WriteFile(path, []byte(value), 0); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.EROFS) {
			return nil, fmt.Errorf("prepare IPv6 on %s: %w", name, err)
		}
	}
	return a, a.up()
}

func openTUN(name string) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("device name %q: %w", name, err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EINVAL) {
			return -1, fmt.Errorf("device %s is taken, by another lbd in this network namespace?: %w", name, err)
		}
		return -1, fmt.Errorf("create TUN device %s: %w", name, err)
	}
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, tunFD)
	unix.Close(fd)
	if err != nil {
		return -1, fmt.Errorf("move TUN device to descriptor %d (limit of open files?): %w", tunFD, err)
	}
	return high, nil
}

// up sets the device up, also when somebody set it down, and takes off the route
// for multicast that the kernel makes with every first or new IPv6 address. It is
// called every second and changes nothing then: to change a link takes the kernel's
// lock of all networks, for which a machine that makes and removes namespaces or
// containers can let it wait for seconds, and the lease would run out meanwhile.
func (a *addresses) up() error {
	was := a.isUp()
	if !was {
		if err := a.handle.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: a.index}}); err != nil {
			return fmt.Errorf("set %s up: %w", a.name, err)
		}
	}
	if was && len(a.ipv6) == 0 {
		return nil
	}
	// What is sent to a group without naming a link shall not get lost here. Where
	// there is no IPv6 there is no such route.
	all := &netlink.Route{LinkIndex: a.index, Table: unix.RT_TABLE_LOCAL, Dst: &net.IPNet{IP: net.IPv6linklocalallnodes.Mask(net.CIDRMask(8, 128)), Mask: net.CIDRMask(8, 128)}, Type: unix.RTN_MULTICAST}
	if err := a.handle.RouteDel(all); err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("take the multicast route off %s: %w", a.name, err)
	}
	return nil
}

// isUp asks by a call that takes no lock.
func (a *addresses) isUp() bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(a.name)
	return err == nil && unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r) == nil && r.Uint16()&unix.IFF_UP != 0
}

// Add puts a VIP on; one that is there already is well.
func (a *addresses) Add(vip netip.Addr) error {
	if err := a.handle.AddrReplace(a.link(), a.addr(vip)); err != nil {
		return fmt.Errorf("add %s to %s: %w", vip, a.name, err)
	}
	if vip.Is6() {
		a.ipv6[vip] = true
	}
	return nil
}

// Remove takes a VIP off; one that is not there is well.
func (a *addresses) Remove(vip netip.Addr) error {
	if err := a.handle.AddrDel(a.link(), a.addr(vip)); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove %s from %s: %w", vip, a.name, err)
	}
	delete(a.ipv6, vip)
	return nil
}

// List returns what the kernel has: the addresses of our device, and those that
// are on other devices with the names of these.
func (a *addresses) List() (ours map[netip.Addr]bool, others map[netip.Addr]string, err error) {
	// Each family by itself: newer kernels answer that without the lock of all their
	// networks, which whoever tears down namespaces may keep for seconds.
	var list []netlink.Addr
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		some, err := a.handle.AddrList(nil, family)
		if err != nil {
			return nil, nil, fmt.Errorf("list addresses: %w", err)
		}
		list = append(list, some...)
	}
	ours, others = map[netip.Addr]bool{}, map[netip.Addr]string{}
	for _, e := range list {
		ip, ok := netip.AddrFromSlice(e.IP)
		ip = ip.Unmap()
		switch {
		case !ok:
		case e.LinkIndex == a.index:
			ours[ip] = true
		default:
			others[ip] = a.nameOf(e.LinkIndex)
		}
	}
	return ours, others, nil
}

// nameOf asks the kernel once for each device: its answer needs that lock, too.
func (a *addresses) nameOf(index int) string {
	name, ok := a.names[index]
	if !ok {
		if len(a.names) >= maxNames {
			clear(a.names)
		}
		name = linkName(index)
		a.names[index] = name
	}
	return name
}

func linkName(index int) string {
	if i, err := net.InterfaceByIndex(index); err == nil {
		return i.Name
	}
	return fmt.Sprintf("link %d", index)
}

func (a *addresses) link() netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: a.index, Name: a.name}}
}

// addr in a form that the kernel does not pick by itself as the source of what
// this machine sends: scope link, or, in IPv6, preferred for no time (RFC 6724
// section 5, rule 3). IPv6 is used at once: duplicate address detection takes a
// second or two, and would end in a dead address while the old owner is still
// there; who may hold it was decided before.
func (a *addresses) addr(vip netip.Addr) *netlink.Addr {
	n := &netlink.Addr{IPNet: &net.IPNet{IP: vip.AsSlice(), Mask: net.CIDRMask(vip.BitLen(), vip.BitLen())}, LinkIndex: a.index}
	if vip.Is4() {
		n.Scope = int(netlink.SCOPE_LINK)
		return n
	}
	n.Flags = unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE
	n.ValidLft, n.PreferedLft = math.MaxUint32, 0 // for ever, never
	return n
}

// Close removes the device, and so all addresses at once.
func (a *addresses) Close() {
	if a.fd >= 0 {
		unix.Close(a.fd) // the only error is a bad descriptor
		a.fd = -1
	}
	a.handle.Close()
}
