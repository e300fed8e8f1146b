package vrrp

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// bestHook is tcx where the kernel has it (6.6 and later), else classic traffic
// control.
type bestHook struct {
	classic bool // set once tcx was found missing
}

func (h *bestHook) attach(ifindex int, p *ebpf.Program, out bool) (detacher, error) {
	if h.classic {
		return classicHook{}.attach(ifindex, p, out)
	}
	d, err := tcxHook{}.attach(ifindex, p, out)
	if err != nil && errors.Is(err, ebpf.ErrNotSupported) {
		h.classic = true
		return classicHook{}.attach(ifindex, p, out)
	}
	return d, err
}

// tcxHook holds the program on the link by a descriptor: it goes when the
// process dies, which opens the gate. So the descriptor of the device that
// carries the addresses must be released before; see tunFD.
type tcxHook struct{}

func (tcxHook) attach(ifindex int, p *ebpf.Program, out bool) (detacher, error) {
	at := ebpf.AttachTCXIngress
	if out {
		at = ebpf.AttachTCXEgress
	}
	// First in the row: a program of somebody else's that accepts a frame ends
	// the row.
	return link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: p, Attach: at, Anchor: link.Head()})
}

// classicHook leaves a filter on the link that stays when the process dies, with
// a deadline that has passed then: shut. The next holder replaces it.
type classicHook struct{}

// Place of our filter on a link's clsact queue; anything fixed will do.
const (
	classicPriority = 1
	classicHandle   = 0x6c62 // "lb"
)

func (classicHook) attach(ifindex int, p *ebpf.Program, out bool) (detacher, error) {
	q := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: ifindex, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := netlink.QdiscAdd(q); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("add clsact: %w", err)
	}
	f := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: ifindex, Parent: netlink.HANDLE_MIN_INGRESS, Handle: classicHandle,
			Protocol: unix.ETH_P_ALL, Priority: classicPriority,
		},
		Fd: p.FD(), Name: "lbd_gate", DirectAction: true,
	}
	if out {
		f.Parent = netlink.HANDLE_MIN_EGRESS
	}
	if err := netlink.FilterReplace(f); err != nil {
		return nil, fmt.Errorf("add filter: %w", err)
	}
	return classicFilter{f}, nil
}

type classicFilter struct{ f *netlink.BpfFilter }

func (c classicFilter) Close() error { return netlink.FilterDel(c.f) }
