package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// VIP is one service address and the link on which it is answered.
type VIP struct {
	Addr netip.Addr // IPv4, or IPv6 other than link-local
	Link string     // name of the interface, an Ethernet-like one
}

// Order is what the holder shall do from now on. The newest order stands alone:
// it replaces all of those before it.
type Order struct {
	// Seq is set by Holder.Order and comes back in the Report that answers it.
	Seq uint64
	// Term is the Raft term on whose authority the VIPs are held. An order of
	// an older term than one already seen is ignored.
	Term uint64
	// Deadline is when the authority ends, CLOCK_MONOTONIC in nanoseconds (see
	// DeadlineAt); absolute, so that a process that was paused cannot extend
	// it. Zero releases everything at once. An earlier deadline than that of
	// the order before shortens it.
	Deadline int64
	// VIPs is the whole set, at most MaxVIPs, in any order.
	VIPs []VIP
	// Announce asks for an extra round of announcements whenever its value
	// differs from the order before (a peer was heard again, a time gap).
	Announce uint64
	// Holder is the process that Deadline was earned for, see Holder.ID; another
	// one gets an order to release instead. 0: any.
	Holder uint64
	// VRRP says whether, how and under which VRID adverts are sent while active.
	VRRP VRRP
}

// VRRP is how foreign speakers are told who is active. The zero value: not at all.
type VRRP struct {
	// VRID, 1 to 255; 0 sends nothing. Each link and family has a virtual router of
	// its own.
	VRID uint8
	// Fixed: VRID is the operator's, shared with foreign speakers on purpose. Else
	// it is where the choice begins, and a foreign speaker's is left to him.
	Fixed bool
	// VirtualMAC: the VIPs are at the virtual router's hardware address on each link
	// (RFC 9568 section 7.3) rather than at the link's own; where a foreign router uses
	// VRID, they are at the link's own. Only one machine may have such an order at a time.
	VirtualMAC bool
	// Silent: no advert is sent, it is only listened for those of others.
	Silent bool
	// Peers that adverts go to, at most MaxVRRPPeers; none: to the multicast group.
	Peers []netip.Addr
}

func (v VRRP) equal(o VRRP) bool {
	return v.VRID == o.VRID && v.Fixed == o.Fixed && v.VirtualMAC == o.VirtualMAC && v.Silent == o.Silent && slices.Equal(v.Peers, o.Peers)
}

// VirtualRouter is what is advertised on a link for a family.
type VirtualRouter struct {
	Link string
	IPv6 bool
	VRID uint8 // 0: all are taken by others
	// Sending is false while it is listened whether somebody else uses the VRID.
	Sending bool
}

// VirtualMAC is a virtual hardware address at which VIPs are, on a link for a family.
type VirtualMAC struct {
	Link string
	IPv6 bool
	MAC  string
}

// Report is what the holder observes. Holding is read back from what the kernel
// accepted, never assumed.
type Report struct {
	Seq  uint64 // newest order carried out
	Term uint64
	// Holding are the addresses that are on the machine and let through by the
	// gate, sorted. Empty after the deadline.
	Holding []netip.Addr
	// Deadline in effect, CLOCK_MONOTONIC ns; 0 when released.
	Deadline int64
	// Since is when Holding became non-empty; zero when it is empty.
	Since time.Time
	// Problems keep a VIP from being held or served, one per VIP and reason.
	Problems []Problem
	// Foreign are others that spoke for a VIP or a VRID of ours lately.
	Foreign []Foreign
	// LinksDown are the links named by the order that have no carrier.
	LinksDown []string
	// Routers are those that adverts are sent for, by link and family.
	Routers []VirtualRouter
	// ForeignAdverts counts adverts of others with a VRID of ours, ForeignClaims
	// their messages that claim a VIP, since the child started.
	ForeignAdverts, ForeignClaims uint64
	// Virtual are the virtual hardware addresses in use.
	Virtual []VirtualMAC
	// Announced counts announcement frames sent since the child started.
	Announced uint64
	// PID of the child; 0 while there is none.
	PID int
	// Tied are the peers to which the child has a tether, sorted; see Holder.Tie.
	Tied []string
}

// Held reports whether the address is held and the deadline is ahead.
func (r Report) Held(a netip.Addr) bool {
	if r.Deadline <= Monotonic() {
		return false
	}
	for _, h := range r.Holding {
		if h == a {
			return true
		}
	}
	return false
}

// Problem says why a VIP is not served as ordered. Addr is the zero address for
// a problem of all.
type Problem struct {
	Addr   netip.Addr
	Reason string
}

// Foreign is somebody else who claimed a VIP by ARP or Neighbour Discovery, or who
// advertises our VRID.
type Foreign struct {
	Kind string // "arp", "nd" or "vrrp"
	Addr netip.Addr
	MAC  string
	Link string
	VRID uint8 // "vrrp" only
	Seen time.Time
	// Count of frames since the holder started.
	Count uint64
}
