// Package vrrp owns who answers for the service addresses (VIPs) on the wire.
//
// It is told what to hold, by values, and never decides: no Raft, no store. The
// work is done by a small child process, the holder, so that a busy proxy with
// its garbage collector cannot delay it and so that the kernel takes the
// addresses away when it dies:
//
//	parent (lbd)                       child (lbd holder)
//	Holder ── Order: term, deadline ──► claim:   gate, address, announce
//	       ◄─ Report: observed state ──  release: gate, address off, confirm
//	                                    watches: foreign ARP, ND and VRRP, links
//
//	address   /32 or /128 on a TUN device that exists only while the child lives
//	gate      eBPF on the links: nothing for a VIP passes after the deadline
//	virtual   optionally, frames speak from a virtual MAC, by the gate's program
//	announce  gratuitous ARP, unsolicited neighbour advertisements, on a schedule
//	answer    solicitations for IPv6 VIPs; ARP is the kernel's to answer
//	advert    VRRPv3 (RFC 9568) while active, for foreign speakers only
//
// The parent also gets eyes: Prober asks by ARP or ND who answers for an address,
// Arbiter whether a neighbour such as the default gateway answers, LinkWatch
// whether links are up.
//
// Only this package changes addresses of the machine. DESIGN.md has the reasons
// and the measurements.
package vrrp
