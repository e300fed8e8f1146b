package vrrp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Latecomers are those who ask this machine for a TCP connection to a VIP that is
// moving to another one: between the last connection here and the announcement
// there, nobody would answer, and a client's kernel asks again only after a second.
// Their frames are kept, and sent on to the new owner as soon as it has announced
// itself; those that come still later, from whoever has not heard it, at once.
// Nothing is answered here, and the new owner answers the client directly.
//
// Frames that carry a VLAN tag are another link's.
type Latecomers struct {
	log   *slog.Logger
	conns []*packet.Conn
	wg    sync.WaitGroup

	mu      sync.Mutex
	waiting map[netip.Addr]*latecomers // guarded by mu; by VIP
	unowned int                        // guarded by mu; VIPs that have no new owner yet
	settled chan struct{}              // closed when unowned is 0
}

type latecomers struct {
	owner  net.HardwareAddr // nil: not known yet
	frames [][]byte
}

// maxLatecomers bounds the frames kept for one VIP, of some 80 bytes each: 100 ms
// of 40,000 new connections a second.
const maxLatecomers = 4096

// CatchLatecomers begins now, for VIPs that this machine is about to give away.
// Close ends it. A link that cannot be listened to is an error, and nothing is
// caught.
func CatchLatecomers(vips []VIP, log *slog.Logger) (*Latecomers, error) {
	l := &Latecomers{log: logger(log), waiting: map[netip.Addr]*latecomers{}, settled: make(chan struct{})}
	links := map[string]bool{}
	for _, v := range vips {
		l.waiting[v.Addr] = &latecomers{}
		links[v.Link] = true
	}
	if l.unowned = len(l.waiting); l.unowned == 0 {
		close(l.settled)
	}
	for link := range links {
		if err := l.listen(link); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *Latecomers) listen(link string) error {
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return fmt.Errorf("catch latecomers on %s: %w", link, err)
	}
	if len(ifi.HardwareAddr) != 6 {
		return fmt.Errorf("catch latecomers on %s: it is no Ethernet interface", link)
	}
	filter, err := bpf.Assemble(latecomersFilter)
	if err != nil {
		return fmt.Errorf("catch latecomers on %s: %w", link, err)
	}
	c, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
	if err != nil {
		return fmt.Errorf("catch latecomers on %s: %w", link, err)
	}
	l.conns = append(l.conns, c)
	l.wg.Go(func() { l.read(c, ifi) })
	return nil
}

// Offsets in an Ethernet frame.
const (
	frameType   = 12
	framePaid   = 14 // the payload
	ip4Fragment = framePaid + 6
	ip4Protocol = framePaid + 9
	ip4Least    = 20 // bytes of its header
	ip6Proto    = framePaid + 6
	ip6Head     = 40
	tcpFlags    = 13 // from the TCP header, of at least 20 bytes
	tcpLeast    = 20
	tcpSYN      = 0x02
	tcpACK      = 0x10
)

// latecomersFilter passes ARP, neighbour advertisements, and TCP segments that ask
// for a connection, from others. IPv6's extension headers, which no client puts
// before TCP, are not looked behind.
var latecomersFilter = []bpf.Instruction{
	bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 22},
	bpf.LoadExtension{Num: bpf.ExtType},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 20},
	bpf.LoadAbsolute{Off: frameType, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_ARP, SkipTrue: 19},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipTrue: 8},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: 16},
	bpf.LoadAbsolute{Off: ip4Protocol, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 14},
	bpf.LoadAbsolute{Off: ip4Fragment, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 12},
	bpf.LoadMemShift{Off: framePaid},
	bpf.LoadIndirect{Off: framePaid + tcpFlags, Size: 1},
	bpf.Jump{Skip: 7},
	bpf.LoadAbsolute{Off: ip6Proto, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_TCP, SkipTrue: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_ICMPV6, SkipTrue: 6},
	bpf.LoadAbsolute{Off: framePaid + ip6Head, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: ndAdvertisement, SkipTrue: 5},
	bpf.Jump{Skip: 3},
	bpf.LoadAbsolute{Off: framePaid + ip6Head + tcpFlags, Size: 1},
	bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: tcpSYN | tcpACK},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: tcpSYN, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: 1514},
}

func (l *Latecomers) read(c *packet.Conn, ifi *net.Interface) {
	buf := make([]byte, 1514)
	for {
		n, _, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) || err != nil && !errors.Is(err, unix.ENETDOWN) {
			return // closed, or the link is gone: nobody can come by it
		}
		if err != nil || n < framePaid {
			continue
		}
		if f := buf[:n]; !l.heard(c, ifi, f) {
			l.came(c, ifi, f)
		}
	}
}

// heard is told of a frame, and reports whether it speaks of who has an address:
// perhaps of who has a VIP now.
func (l *Latecomers) heard(c *packet.Conn, ifi *net.Interface, frame []byte) bool {
	var h heard
	var ok bool
	if binary.BigEndian.Uint16(frame[frameType:]) == unix.ETH_P_ARP {
		h, ok = heardARP(frame)
	} else {
		h, ok = heardND(frame)
	}
	if !ok || bytes.Equal(h.mac, ifi.HardwareAddr) {
		return ok
	}
	l.mu.Lock()
	w := l.waiting[h.claims]
	if w == nil || w.owner != nil {
		l.mu.Unlock()
		return true
	}
	w.owner = bytes.Clone(h.mac)
	frames := w.frames
	w.frames = nil
	if l.unowned--; l.unowned == 0 {
		close(l.settled)
	}
	l.mu.Unlock()
	for _, f := range frames {
		l.send(c, ifi, w.owner, f)
	}
	l.log.Debug("latecomers sent on", "vip", h.claims, "to", w.owner, "count", len(frames))
	return true
}

// came is told of a request for a connection.
func (l *Latecomers) came(c *packet.Conn, ifi *net.Interface, frame []byte) {
	to, ok := fillChecksum(frame)
	if !ok {
		return
	}
	l.mu.Lock()
	w := l.waiting[to]
	var owner net.HardwareAddr
	if w != nil {
		if owner = w.owner; owner == nil && len(w.frames) < maxLatecomers {
			w.frames = append(w.frames, bytes.Clone(frame))
		}
	}
	l.mu.Unlock()
	if owner != nil {
		l.send(c, ifi, owner, frame)
	}
}

// fillChecksum computes the checksum of a TCP segment, and tells where it goes: a
// virtual network card leaves it to be computed by hardware that is never reached.
func fillChecksum(frame []byte) (to netip.Addr, ok bool) {
	ip := frame[framePaid:]
	var segment []byte
	var pseudo uint32
	switch {
	case len(ip) >= ip4Least && ip[0]>>4 == 4:
		header, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
		if header < ip4Least || total < header || total > len(ip) {
			return to, false
		}
		segment, to = ip[header:total], netip.AddrFrom4([4]byte(ip[16:]))
		pseudo = sum16(ip[12:20]) + unix.IPPROTO_TCP + uint32(len(segment)) // both addresses
	case len(ip) >= ip6Head && ip[0]>>4 == 6:
		total := ip6Head + int(binary.BigEndian.Uint16(ip[4:]))
		if total > len(ip) {
			return to, false
		}
		segment, to = ip[ip6Head:total], netip.AddrFrom16([16]byte(ip[24:]))
		pseudo = sum16(ip[8:ip6Head]) + unix.IPPROTO_TCP + uint32(len(segment))
	}
	if len(segment) < tcpLeast {
		return to, false
	}
	segment[16], segment[17] = 0, 0
	binary.BigEndian.PutUint16(segment[16:], ^fold(pseudo+sum16(segment)))
	return to, true
}

// send passes a frame on, as a router would: with this machine as its sender. One
// that cannot be sent is as good as lost: the client asks again.
func (l *Latecomers) send(c *packet.Conn, ifi *net.Interface, owner net.HardwareAddr, frame []byte) {
	copy(frame, owner)
	copy(frame[6:], ifi.HardwareAddr)
	if _, err := c.WriteTo(frame, &packet.Addr{HardwareAddr: owner}); err != nil {
		l.log.Debug("latecomer not sent on", "link", ifi.Name, "err", err)
	}
}

// Wait returns when every VIP has a new owner, or ctx ends, and a moment later:
// switches and clients need it to learn of the new owner.
func (l *Latecomers) Wait(ctx context.Context) {
	select {
	case <-l.settled:
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(latecomersLinger):
	case <-ctx.Done():
	}
}

// Close ends the catching. What has not been sent on is forgotten.
func (l *Latecomers) Close() {
	for _, c := range l.conns {
		_ = c.Close() // nothing to be done about it
	}
	l.wg.Wait()
}
