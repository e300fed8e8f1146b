package vrrp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// network is a bridge in a namespace of its own, to which hosts are plugged. All
// namespaces are anonymous: they go with the last handle and process.
type network struct {
	t  *testing.T
	sw *host
}

// host is one network namespace with eth0 at 10.77.0.N/24, and more links when
// plugged again.
type host struct {
	t   *testing.T
	ns  netns.NsHandle
	mac string // of eth0
	ip  netip.Addr
	ip6 netip.Addr // of eth0, with host6
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, for network namespaces")
	}
	n := &network{t: t}
	n.sw = n.namespace()
	n.sw.do(func() error { return addBridge("br0") })
	return n
}

func addBridge(name string) error {
	snooping := false
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}, MulticastSnooping: &snooping}); err != nil {
		return fmt.Errorf("add bridge: %w", err)
	}
	return netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: name}})
}

// namespace makes an empty one, with loopback up.
func (n *network) namespace() *host {
	n.t.Helper()
	h := &host{t: n.t}
	errs := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		var err error
		if h.ns, err = netns.New(); err == nil {
			// Link-local addresses are usable at once: nobody waits for them here.
			err = os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0)
		}
		if err == nil {
			err = netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo"}})
		}
		errs <- err
	}()
	if err := <-errs; err != nil {
		n.t.Fatalf("make network namespace: %v", err)
	}
	n.t.Cleanup(func() { h.ns.Close() })
	return h
}

// host number k of the network: 10.77.0.k.
func (n *network) host(k byte) *host {
	n.t.Helper()
	h := n.namespace()
	h.ip = netip.AddrFrom4([4]byte{10, 77, 0, k})
	h.mac = n.plug(h, "eth0", "br0", netip.PrefixFrom(h.ip, 24))
	return h
}

// host6 has fd77::k/64 on eth0 as well, usable at once.
func (n *network) host6(k byte) *host {
	n.t.Helper()
	h := n.host(k)
	h.ip6 = netip.AddrFrom16([16]byte{0xfd, 0x77, 15: k})
	h.do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: h.ip6.AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD})
	})
	return h
}

// plug connects h to a bridge and returns the hardware address.
func (n *network) plug(h *host, dev, bridge string, addr netip.Prefix) string {
	n.t.Helper()
	port := fmt.Sprintf("p%d%s", addr.Addr().As4()[3], dev)
	var mac string
	n.sw.do(func() error {
		br, err := netlink.LinkByName(bridge)
		if err != nil {
			return err
		}
		if err := netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: port, MasterIndex: br.Attrs().Index},
			PeerName:  dev, PeerNamespace: netlink.NsFd(h.ns),
		}); err != nil {
			return fmt.Errorf("add veth: %w", err)
		}
		return netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: port}})
	})
	h.do(func() error {
		l, err := netlink.LinkByName(dev)
		if err != nil {
			return err
		}
		mac = l.Attrs().HardwareAddr.String()
		if err := netlink.LinkSetUp(l); err != nil {
			return err
		}
		return netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: addr.Addr().AsSlice(), Mask: net.CIDRMask(addr.Bits(), 32)}})
	})
	return mac
}

// try runs fn on a thread inside the namespace; sockets that it opens stay there.
func (h *host) try(fn func() error) error {
	errs := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, as above
		err := netns.Set(h.ns)
		if err == nil {
			err = fn()
		}
		errs <- err
	}()
	return <-errs
}

func (h *host) do(fn func() error) {
	h.t.Helper()
	if err := h.try(fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) arp() *arpConn { return h.arpOn("eth0") }

func (h *host) arpOn(link string) *arpConn {
	h.t.Helper()
	var c *arpConn
	h.do(func() (err error) { c, err = openARP(link); return err })
	h.t.Cleanup(func() { c.close() })
	return c
}

// neighbours speaks on eth0 for the family of addr.
func (h *host) neighbours(addr netip.Addr) neighbours {
	h.t.Helper()
	var c neighbours
	h.do(func() (err error) { c, err = openNeighbours("eth0", interest{addrs: []netip.Addr{addr}}); return err })
	h.t.Cleanup(func() { c.close() })
	return c
}

// get reads the greeting of the test parent's server at addr.
func (h *host) get(addr netip.Addr) (string, error) {
	var got string
	err := h.try(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, 80).String())
		if err != nil {
			return err
		}
		defer c.Close()
		buf := make([]byte, 16)
		n, err := c.Read(buf)
		got = string(buf[:n])
		return err
	})
	return got, err
}

func (h *host) linkUp(dev string, up bool) {
	h.t.Helper()
	h.do(func() error {
		l := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: dev}}
		if up {
			return netlink.LinkSetUp(l)
		}
		return netlink.LinkSetDown(l)
	})
}
