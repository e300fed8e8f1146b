package vrrp

import (
	"encoding/binary"
	"math/bits"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
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
	arpSender = etherHeader + 14
	arpTarget = etherHeader + 24
	ip4Source = etherHeader + 12
	ip4Dest   = etherHeader + 16
	ip6Next   = etherHeader + 6
	ip6Source = etherHeader + 8
	ip6Dest   = etherHeader + 24
	icmp6Type = etherHeader + ip6Header
	ndTarget  = icmp6Type + 8
)

// Verdicts; traffic control's and tcx's numbers are the same.
const (
	gateNext = -1 // go on with the next program, which by default passes
	gateDrop = 2
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
	// r6 context, r7 the VIP's link, r8 whether it is a question, r9 deadline
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
		asm.Mov.Imm(asm.R8, 1),
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
		asm.Mov.Imm(asm.R8, 1),
	)
	p = append(p, load(at(ndTarget), stackKey, vipKey)...)
	p = append(p, lookup()...)
	p = append(p,
		asm.JEq.Imm(asm.R0, 0, "next"),

		asm.LoadMem(asm.R7, asm.R0, 0, asm.Word).WithSymbol("vip"),
		asm.JEq.Imm(asm.R7, int32(shutLink), "drop"),
	)
	if dir == inbound {
		p = append(p,
			asm.JEq.Imm(asm.R8, 0, "time"),
			asm.LoadMem(asm.R0, asm.R6, skbIfindex, asm.Word),
			asm.JNE.Reg(asm.R0, asm.R7, "drop"),
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
