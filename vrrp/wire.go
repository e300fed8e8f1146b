package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"lbd/internal/tether"
)

// The messages between parent and child, one per packet of the socket:
//
//	kind (1 byte), body; numbers big-endian; strings and lists with a 16 bit
//	count before them
//
// There is no version in them: a parent talks to a child of another build only
// where HolderWire is the same.
type kind byte

const (
	kindSetup  kind = iota + 1 // parent → child, first
	kindOrder                  // parent → child
	kindReport                 // child → parent
	kindLog                    // child → parent; dropped when the socket is full
	kindFatal                  // child → parent, before it leaves: why
	kindTie                    // parent → child
)

// maxMessage bounds one packet: an order of MaxVIPs on as many links as an
// order may name, or a report of MaxVIPs with all its problems.
const maxMessage = 128 << 10

// maxText bounds a string on the wire, in bytes; longer ones are cut.
const maxText = 512

var errMessage = errors.New("damaged message between lbd and its holder")

// orderMessage is an order with what only the two ends need.
type orderMessage struct {
	Order
	// Offset is boot time minus monotonic time when the deadline was made: a
	// suspend after that moves the deadline's meaning, and the gate notices.
	Offset int64
}

type setupMessage struct {
	Device string
	Debug  bool // the parent's logger wants debug lines
}

func (m setupMessage) encode() []byte {
	w := writer{byte(kindSetup)}
	w.text(m.Device)
	w.flag(m.Debug)
	return w
}

func decodeSetup(b []byte) (m setupMessage, err error) {
	r := reader{b: b}
	m.Device, m.Debug = r.text(), r.flag()
	return m, r.end()
}

// tieMessage asks the child to tie a tether.
type tieMessage struct {
	Peer   string
	Target tether.Target
}

func (m tieMessage) encode() []byte {
	w := writer{byte(kindTie)}
	w.text(m.Peer)
	w.text(m.Target.Addr.String())
	w = append(w, m.Target.Key[:]...)
	return append(w, m.Target.Token[:]...)
}

func decodeTie(b []byte) (m tieMessage, err error) {
	r := reader{b: b}
	m.Peer = r.text()
	if m.Target.Addr, err = netip.ParseAddrPort(r.text()); err != nil {
		return m, fmt.Errorf("%w: %w", errMessage, err)
	}
	copy(m.Target.Key[:], r.take(len(m.Target.Key)))
	copy(m.Target.Token[:], r.take(len(m.Target.Token)))
	return m, r.end()
}

func (m orderMessage) encode() []byte {
	w := make(writer, 0, 64+19*len(m.VIPs))
	w = append(w, byte(kindOrder))
	w.u64(m.Seq)
	w.u64(m.Term)
	w.u64(uint64(m.Deadline))
	w.u64(uint64(m.Offset))
	w.u64(m.Announce)
	w = append(w, m.VRRP.VRID)
	w.flag(m.VRRP.Fixed)
	w.flag(m.VRRP.VirtualMAC)
	w.flag(m.VRRP.Silent)
	w.count(len(m.VRRP.Peers))
	for _, p := range m.VRRP.Peers {
		w.addr(p)
	}
	var names []string
	index := map[string]int{}
	for _, v := range m.VIPs {
		if _, ok := index[v.Link]; !ok {
			index[v.Link] = len(names)
			names = append(names, v.Link)
		}
	}
	w.count(len(names))
	for _, n := range names {
		w.text(n)
	}
	w.count(len(m.VIPs))
	for _, v := range m.VIPs {
		w.addr(v.Addr)
		w.count(index[v.Link])
	}
	return w
}

func decodeOrder(b []byte) (m orderMessage, err error) {
	r := reader{b: b}
	m.Seq, m.Term, m.Deadline, m.Offset = r.u64(), r.u64(), int64(r.u64()), int64(r.u64())
	m.Announce = r.u64()
	m.VRRP.VRID, m.VRRP.Fixed, m.VRRP.VirtualMAC, m.VRRP.Silent = r.u8(), r.flag(), r.flag(), r.flag()
	for range r.count(MaxVRRPPeers) {
		m.VRRP.Peers = append(m.VRRP.Peers, r.addr())
	}
	names := make([]string, r.count(MaxVIPs))
	for i := range names {
		names[i] = r.text()
	}
	if n := r.count(MaxVIPs); n > 0 {
		m.VIPs = make([]VIP, n)
	}
	for i := range m.VIPs {
		m.VIPs[i].Addr = r.addr()
		j := r.count(MaxVIPs)
		if j >= len(names) {
			return m, errMessage
		}
		m.VIPs[i].Link = names[j]
	}
	return m, r.end()
}

func (m Report) encode() []byte {
	w := make(writer, 0, 128+17*len(m.Holding))
	w = append(w, byte(kindReport))
	w.u64(m.Seq)
	w.u64(m.Term)
	w.u64(uint64(m.Deadline))
	w.time(m.Since)
	w.u64(m.Announced)
	w.count(len(m.Holding))
	for _, a := range m.Holding {
		w.addr(a)
	}
	w.count(len(m.Problems))
	for _, p := range m.Problems {
		w.addr(p.Addr)
		w.text(p.Reason)
	}
	w.count(len(m.Foreign))
	for _, f := range m.Foreign {
		w.text(f.Kind)
		w.addr(f.Addr)
		w.text(f.MAC)
		w.text(f.Link)
		w = append(w, f.VRID)
		w.time(f.Seen)
		w.u64(f.Count)
	}
	w.count(len(m.Routers))
	for _, v := range m.Routers {
		w.text(v.Link)
		w.flag(v.IPv6)
		w = append(w, v.VRID)
		w.flag(v.Sending)
	}
	w.count(len(m.Virtual))
	for _, v := range m.Virtual {
		w.text(v.Link)
		w.flag(v.IPv6)
		w.text(v.MAC)
	}
	w.u64(m.ForeignAdverts)
	w.u64(m.ForeignClaims)
	for _, list := range [][]string{m.LinksDown, m.Tied} {
		w.count(len(list))
		for _, l := range list {
			w.text(l)
		}
	}
	return w
}

func decodeReport(b []byte) (m Report, err error) {
	r := reader{b: b}
	m.Seq, m.Term, m.Deadline, m.Since, m.Announced = r.u64(), r.u64(), int64(r.u64()), r.time(), r.u64()
	for range r.count(MaxVIPs) {
		m.Holding = append(m.Holding, r.addr())
	}
	for range r.count(maxProblems) {
		m.Problems = append(m.Problems, Problem{r.addr(), r.text()})
	}
	for range r.count(maxForeign) {
		m.Foreign = append(m.Foreign, Foreign{
			Kind: r.text(), Addr: r.addr(), MAC: r.text(), Link: r.text(), VRID: r.u8(), Seen: r.time(), Count: r.u64(),
		})
	}
	for range r.count(maxRouters) {
		m.Routers = append(m.Routers, VirtualRouter{Link: r.text(), IPv6: r.flag(), VRID: r.u8(), Sending: r.flag()})
	}
	for range r.count(maxRouters) {
		m.Virtual = append(m.Virtual, VirtualMAC{Link: r.text(), IPv6: r.flag(), MAC: r.text()})
	}
	m.ForeignAdverts, m.ForeignClaims = r.u64(), r.u64()
	for range r.count(MaxVIPs) {
		m.LinksDown = append(m.LinksDown, r.text())
	}
	for range r.count(maxTethers) {
		m.Tied = append(m.Tied, r.text())
	}
	return m, r.end()
}

type writer []byte

func (w *writer) u64(v uint64) { *w = binary.BigEndian.AppendUint64(*w, v) }
func (w *writer) count(n int)  { *w = binary.BigEndian.AppendUint16(*w, uint16(min(n, math.MaxUint16))) }

func (w *writer) flag(v bool) {
	if v {
		*w = append(*w, 1)
		return
	}
	*w = append(*w, 0)
}

func (w *writer) text(s string) {
	s = s[:min(len(s), maxText)]
	w.count(len(s))
	*w = append(*w, s...)
}

// addr is its length and its bytes, none of the zero Addr.
func (w *writer) addr(a netip.Addr) {
	b := a.AsSlice()
	*w = append(append(*w, byte(len(b))), b...)
}

func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.u64(0)
		return
	}
	w.u64(uint64(t.UnixNano()))
}

// reader returns zeros after the first fault; end tells whether there was one.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u8() byte     { return r.take(1)[0] }
func (r *reader) u64() uint64  { return binary.BigEndian.Uint64(r.take(8)) }
func (r *reader) flag() bool   { return r.u8() != 0 }
func (r *reader) text() string { return string(r.take(r.count(maxText))) }

// count reads a number of at most limit.
func (r *reader) count(limit int) int {
	n := int(binary.BigEndian.Uint16(r.take(2)))
	if n > limit {
		r.bad, r.b = true, nil
		return 0
	}
	return n
}

func (r *reader) addr() netip.Addr {
	switch n := int(r.u8()); n {
	case 0:
		return netip.Addr{}
	case 4, 16:
		a, _ := netip.AddrFromSlice(r.take(n))
		return a
	default:
		r.bad, r.b = true, nil
		return netip.Addr{}
	}
}

func (r *reader) time() time.Time {
	if n := r.u64(); n != 0 {
		return time.Unix(0, int64(n))
	}
	return time.Time{}
}

func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: %d bytes left over", errMessage, len(r.b))
	}
	return nil
}
