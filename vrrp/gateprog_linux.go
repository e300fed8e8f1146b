package vrrp

import (
	"encoding/binary"
	"math/bits"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

type direction bool

const (
	inbound  direction = false
	outbound direction = true
)

// Offsets into struct __sk_buff, the context of the program (kernel ABI).
const (
	skbProtocol    = 16
	skbVLANPresent = 20
	skbIfindex     = 40
)

// Offsets into an Ethernet frame without VLAN tag.
const (
	etherSource  = 6
	arpOperation = etherHeader + 6
	arpMAC       = etherHeader + 8 // the sender's
	arpSender    = etherHeader + 14
	arpTarget    = etherHeader + 24
	ip4Source    = etherHeader + 12
	ip4Dest      = etherHeader + 16
	ip6Next      = etherHeader + 6
	ip6Source    = etherHeader + 8
	ip6Dest      = etherHeader + 24
	icmp6Type    = etherHeader + ip6Header
	ndTarget     = icmp6Type + 8
)

// Verdicts; traffic control's and tcx's numbers are the same.
const (
	gateNext = -1 // go on with the next program, which by default passes
	gateDrop = 2
)

// What the program knows of a frame.
const (
	questionND  = 1
	questionARP = 2
)

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
)

// The VIP map's key on the program's stack, and the four bytes before an IPv4
// address in it (RFC 4291 section 2.5.5.2).
const (
	stackKey   = -16
	stackIPv4  = -4
	mappedIPv4 = 0x0000ffff
	stackIndex = -24 // key into the map of deadlines
	stackMAC   = -32
)

// gateProgram drops a frame that concerns a VIP unless its time has not come:
//
//	address = in:  ARP target, IPv4 or IPv6 destination, else target of a solicitation
//	          out: ARP sender, IPv4 or IPv6 source, else target of an advertisement
//	address not in vips                        → next
//	vips[address] == shut                      → drop
//	in, question, vips[address] != this link   → drop
//	the holder is dying                        → drop
//	now (boot time) > deadline                 → drop
//	no virtual MAC, or on another link         → next
//	out: its Ethernet source, and ARP's sender, become the virtual MAC
//	in, Ethernet destination is it             → the frame is for this machine
//	                                           → next
//
// A frame with a VLAN tag goes on: the VLAN's own device has its own gate.
// Questions for a VIP (ARP, solicitations) are answered on its link only, for the
// kernel would answer ARP on all; IP may come and go by any link, since routing
// may be asymmetric, and so may our own questions.
func gateProgram(deadline, vips *ebpf.Map, dir direction) *ebpf.ProgramSpec {
	arp, ip4, ip6, nd, name := int32(arpTarget), int32(ip4Dest), int32(ip6Dest), int32(ndSolicitation), "lbd_gate_in"
	if dir == outbound {
		arp, ip4, ip6, nd, name = arpSender, ip4Source, ip6Source, ndAdvertisement, "lbd_gate_out"
	}
	// load copies bytes of the frame to the stack; a frame too short is nobody's.
	load := func(from asm.Instructions, stack, size int32) asm.Instructions {
		return append(from,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Reg(asm.R3, asm.RFP),
			asm.Add.Imm(asm.R3, stack),
			asm.Mov.Imm(asm.R4, size),
			asm.FnSkbLoadBytes.Call(),
			asm.JNE.Imm(asm.R0, 0, "next"),
		)
	}
	at := func(offset int32) asm.Instructions { return asm.Instructions{asm.Mov.Imm(asm.R2, offset)} }
	lookup := func() asm.Instructions {
		return asm.Instructions{
			asm.LoadMapPtr(asm.R1, vips.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, stackKey),
			asm.FnMapLookupElem.Call(),
		}
	}
	// r6 context, r7 the VIP's entry, r8 whether it is a question (questionARP: or an
	// answer of ARP), r9 deadline
	p := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R8, 0),
		asm.LoadMem(asm.R0, asm.R6, skbVLANPresent, asm.Word),
		asm.JNE.Imm(asm.R0, 0, "next"),
		asm.LoadMem(asm.R0, asm.R6, skbProtocol, asm.Word),
		asm.Mov.Imm(asm.R2, ip4),
		asm.JEq.Imm(asm.R0, networkOrder(etherIPv4), "mapped"),
		asm.JEq.Imm(asm.R0, networkOrder(etherIPv6), "ip6"),
		asm.JNE.Imm(asm.R0, networkOrder(etherARP), "next"),
		asm.Mov.Imm(asm.R8, questionARP),
		asm.Mov.Imm(asm.R2, arp),
	}
	p = append(p, load(asm.Instructions{
		asm.StoreImm(asm.RFP, stackKey, 0, asm.Word).WithSymbol("mapped"),
		asm.StoreImm(asm.RFP, stackKey+4, 0, asm.Word),
		asm.StoreImm(asm.RFP, stackKey+8, int64(networkOrder32(mappedIPv4)), asm.Word),
	}, stackIPv4, 4)...)
	p = append(p, lookup()...)
	p = append(p,
		asm.JEq.Imm(asm.R0, 0, "next"),
		asm.Ja.Label("vip"),
	)

	p = append(p, load(asm.Instructions{asm.Mov.Imm(asm.R2, ip6).WithSymbol("ip6")}, stackKey, vipKey)...)
	p = append(p, lookup()...)
	p = append(p, asm.JNE.Imm(asm.R0, 0, "vip"))
	// A question goes to a group, and an answer might come from another address.
	p = append(p, load(at(ip6Next), stackKey, 1)...)
	p = append(p,
		asm.LoadMem(asm.R0, asm.RFP, stackKey, asm.Byte),
		asm.JNE.Imm(asm.R0, icmpV6, "next"),
	)
	p = append(p, load(at(icmp6Type), stackKey, 1)...)
	p = append(p,
		asm.LoadMem(asm.R0, asm.RFP, stackKey, asm.Byte),
		asm.JNE.Imm(asm.R0, nd, "next"),
		asm.Mov.Imm(asm.R8, questionND),
	)
	p = append(p, load(at(ndTarget), stackKey, vipKey)...)
	p = append(p, lookup()...)
	p = append(p,
		asm.JEq.Imm(asm.R0, 0, "next"),

		asm.Mov.Reg(asm.R7, asm.R0).WithSymbol("vip"),
		asm.LoadMem(asm.R0, asm.R7, valueLink, asm.Word),
		asm.JEq.Imm(asm.R0, int32(shutLink), "drop"),
	)
	if dir == inbound {
		p = append(p,
			asm.JEq.Imm(asm.R8, 0, "time"),
			asm.LoadMem(asm.R1, asm.R6, skbIfindex, asm.Word),
			asm.JNE.Reg(asm.R0, asm.R1, "drop"),
		)
	}
	p = append(p,
		asm.StoreImm(asm.RFP, stackIndex, int64(deadMark), asm.Word).WithSymbol("time"),
		asm.LoadMapPtr(asm.R1, deadline.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, stackIndex),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R9, asm.R0, 0, asm.DWord),
		asm.JNE.Imm(asm.R9, 0, "drop"),
		asm.StoreImm(asm.RFP, stackIndex, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, deadline.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, stackIndex),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R9, asm.R0, 0, asm.DWord),
		asm.FnKtimeGetBootNs.Call(),
		asm.JGT.Reg(asm.R0, asm.R9, "drop"),

		asm.LoadMem(asm.R0, asm.R7, valueAs, asm.Byte),
		asm.JEq.Imm(asm.R0, 0, "next"),
		asm.LoadMem(asm.R0, asm.R7, valueLink, asm.Word),
		asm.LoadMem(asm.R1, asm.R6, skbIfindex, asm.Word),
		asm.JNE.Reg(asm.R0, asm.R1, "next"),
	)
	if dir == inbound {
		p = append(p, load(at(0), stackMAC, 6)...)
		p = append(p,
			asm.LoadMem(asm.R0, asm.RFP, stackMAC, asm.Word),
			asm.LoadMem(asm.R1, asm.R7, valueMAC, asm.Word),
			asm.JNE.Reg(asm.R0, asm.R1, "next"),
			asm.LoadMem(asm.R0, asm.RFP, stackMAC+4, asm.Half),
			asm.LoadMem(asm.R1, asm.R7, valueMAC+4, asm.Half),
			asm.JNE.Reg(asm.R0, asm.R1, "next"),
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, unix.PACKET_HOST),
			asm.FnSkbChangeType.Call(),
		)
	} else {
		// A frame that cannot be changed is not sent: it would tell of another place.
		store := func(offset int32) asm.Instructions {
			return asm.Instructions{
				asm.Mov.Reg(asm.R1, asm.R6),
				asm.Mov.Imm(asm.R2, offset),
				asm.Mov.Reg(asm.R3, asm.R7),
				asm.Add.Imm(asm.R3, valueMAC),
				asm.Mov.Imm(asm.R4, 6),
				asm.Mov.Imm(asm.R5, 0),
				asm.FnSkbStoreBytes.Call(),
				asm.JNE.Imm(asm.R0, 0, "drop"),
			}
		}
		p = append(p, store(etherSource)...)
		p = append(p, asm.JNE.Imm(asm.R8, questionARP, "next"))
		p = append(p, store(arpMAC)...)
	}
	p = append(p,
		asm.Mov.Imm(asm.R0, gateNext).WithSymbol("next"),
		asm.Return(),
		asm.Mov.Imm(asm.R0, gateDrop).WithSymbol("drop"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: name, Type: ebpf.SchedCLS, License: "Apache-2.0", Instructions: p}
}

// networkOrder is how the kernel shows a 16 bit big-endian field in a word of
// this machine.
func networkOrder(v uint16) int32 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	if n := binary.NativeEndian.Uint16(b[:]); n != v {
		return int32(bits.ReverseBytes16(v))
	}
	return int32(v)
}

// networkOrder32 is the same of 32 bits.
func networkOrder32(v uint32) int32 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return int32(binary.NativeEndian.Uint32(b[:]))
}
