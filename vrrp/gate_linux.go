package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// gate lets packets of VIPs through until a deadline, in the kernel. Nothing
// opens it again but a later deadline set by a running process.
//
// Not safe for concurrent use.
type gate interface {
	// Guard puts the gate on exactly these links (interface indexes).
	Guard(links []int) error
	// Guards reports whether the link has it.
	Guards(link int) bool
	// Allow lets the VIP through while the deadline is ahead; questions of ARP and
	// Neighbour Discovery for it only on the given link. There it speaks as, and is
	// spoken to at, the hardware address as, if that is not zero.
	Allow(vip netip.Addr, link int, as hwAddr) error
	// Shut drops the VIP's packets whatever the deadline.
	Shut(vip netip.Addr) error
	// Forget lets the VIP's packets through again as those of a stranger; only
	// when the address is off.
	Forget(vip netip.Addr) error
	// Deadline closes the gate from t on (CLOCK_BOOTTIME, ns); 0 now.
	Deadline(t int64) error
	Close() error
}

// bpfGate is the gate as an eBPF program at traffic control, in and out.
type bpfGate struct {
	// deadline holds the deadline and, at deadMark, whether the holder is dying.
	deadline, vips *ebpf.Map
	in, out        *ebpf.Program
	hook           hook
	on             map[int][]detacher // by link
}

// hook attaches a program to one direction of a link.
type hook interface {
	attach(link int, p *ebpf.Program, out bool) (detacher, error)
}

type detacher interface{ Close() error }

// deadMark is set by exitHook, never cleared: a thread that is in the middle of a
// renewal when its process is killed must not open the gate again.
const deadMark = uint32(1)

// vipKey is the size of an address in the VIP map; IPv4 in its IPv6-mapped form.
const vipKey = 16

// The value in the VIP map: where it is answered, and as whom.
const (
	valueLink = 0  // index of the link, 4 bytes
	valueMAC  = 4  // virtual hardware address, 6 bytes
	valueAs   = 10 // 1 byte: whether there is one
	vipValue  = 12
)

// shutLink in the VIP map is no link at all: dropped in any case.
const shutLink = uint32(0)

func vipEntry(link uint32, as hwAddr) (v [vipValue]byte) {
	binary.NativeEndian.PutUint32(v[valueLink:], link)
	if copy(v[valueMAC:], as[:]); as != (hwAddr{}) {
		v[valueAs] = 1
	}
	return v
}

// newGate loads the programs. It fails where eBPF does not load: no CAP_BPF or
// CAP_NET_ADMIN, or a kernel before 5.8 (boot-time clock).
func newGate(h hook) (_ *bpfGate, err error) {
	g := &bpfGate{hook: h, on: map[int][]detacher{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	// Kernels before 5.11 count maps against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("lift the memory lock limit for eBPF: %w", err)
	}
	if g.deadline, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "lbd_deadline", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2,
	}); err != nil {
		return nil, fmt.Errorf("create eBPF map: %w", err)
	}
	if g.vips, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "lbd_vips", Type: ebpf.Hash, KeySize: vipKey, ValueSize: vipValue, MaxEntries: 2 * MaxVIPs,
	}); err != nil {
		return nil, fmt.Errorf("create eBPF map: %w", err)
	}
	if g.in, err = ebpf.NewProgram(gateProgram(g.deadline, g.vips, inbound)); err != nil {
		return nil, fmt.Errorf("load eBPF program: %w", err)
	}
	if g.out, err = ebpf.NewProgram(gateProgram(g.deadline, g.vips, outbound)); err != nil {
		return nil, fmt.Errorf("load eBPF program: %w", err)
	}
	return g, nil
}

func (g *bpfGate) Guard(links []int) error {
	var errs []error
	for link, ds := range g.on {
		if !slices.Contains(links, link) {
			// The link is gone or became a port of a bridge; a detach that
			// fails because the link is gone has nothing left to detach.
			closeAll(ds)
			delete(g.on, link)
		}
	}
	for _, link := range links {
		if g.on[link] != nil {
			continue
		}
		in, err := g.hook.attach(link, g.in, false)
		if err != nil {
			errs = append(errs, fmt.Errorf("attach gate to link %d: %w", link, err))
			continue
		}
		out, err := g.hook.attach(link, g.out, true)
		if err != nil {
			closeAll([]detacher{in})
			errs = append(errs, fmt.Errorf("attach gate to link %d: %w", link, err))
			continue
		}
		g.on[link] = []detacher{in, out}
	}
	return errors.Join(errs...)
}

func closeAll(ds []detacher) {
	for _, d := range ds {
		_ = d.Close() // see Guard
	}
}

func (g *bpfGate) Guards(link int) bool { return g.on[link] != nil }

func (g *bpfGate) Allow(vip netip.Addr, link int, as hwAddr) error {
	if err := g.vips.Put(vip.As16(), vipEntry(uint32(link), as)); err != nil {
		return fmt.Errorf("allow %s at the gate: %w", vip, err)
	}
	return nil
}

func (g *bpfGate) Shut(vip netip.Addr) error {
	err := g.vips.Update(vip.As16(), vipEntry(shutLink, hwAddr{}), ebpf.UpdateExist)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("shut %s at the gate: %w", vip, err)
	}
	return nil
}

func (g *bpfGate) Forget(vip netip.Addr) error {
	if err := g.vips.Delete(vip.As16()); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("forget %s at the gate: %w", vip, err)
	}
	return nil
}

func (g *bpfGate) Deadline(t int64) error {
	var v [8]byte
	binary.NativeEndian.PutUint64(v[:], uint64(max(t, 0)))
	if err := g.deadline.Put(uint32(0), v); err != nil {
		return fmt.Errorf("set the gate's deadline: %w", err)
	}
	return nil
}

// Close takes the gate off, which opens it: the addresses must be off before.
func (g *bpfGate) Close() error {
	for _, ds := range g.on {
		closeAll(ds)
	}
	clear(g.on)
	var errs []error
	for _, p := range []*ebpf.Program{g.in, g.out} {
		errs = append(errs, p.Close()) // nil programs and maps close well
	}
	for _, m := range []*ebpf.Map{g.deadline, g.vips} {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// bootOffset is CLOCK_BOOTTIME minus CLOCK_MONOTONIC: how long the machine has
// been suspended.
func bootOffset() int64 {
	mono := clock(unix.CLOCK_MONOTONIC)
	return clock(unix.CLOCK_BOOTTIME) - mono
}
