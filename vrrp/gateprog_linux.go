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
	arpSender = 14 + 14
	arpTarget = 14 + 24
	ip4Source = 14 + 12
	ip4Dest   = 14 + 16
)

// Verdicts; traffic control's and tcx's numbers are the same.
const (
	gateNext = -1 // go on with the next program, which by default passes
	gateDrop = 2
)

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
)

// gateProgram drops a frame that concerns a VIP unless its time has not come:
//
//	address = in:  ARP target,  IPv4 destination
//	          out: ARP sender,  IPv4 source
//	address not in vips                       → next
//	vips[address] == shut                     → drop
//	in, ARP, vips[address] != this link       → drop
//	the holder is dying                       → drop
//	now (boot time) > deadline                → drop
//	                                          → next
//
// A frame with a VLAN tag goes on: the VLAN's own device has its own gate.
// Questions for a VIP are answered on its link only, for the kernel would answer
// on all; IPv4 may come and go by any link, since routing may be asymmetric, and
// so may our own questions.
func gateProgram(deadline, vips *ebpf.Map, dir direction) *ebpf.ProgramSpec {
	arp, ip4, name := int32(arpTarget), int32(ip4Dest), "lbd_gate_in"
	if dir == outbound {
		arp, ip4, name = arpSender, ip4Source, "lbd_gate_out"
	}
	// r6 context, r7 the VIP's link, r8 whether it is ARP, r9 deadline
	p := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R0, asm.R6, skbVLANPresent, asm.Word),
		asm.JNE.Imm(asm.R0, 0, "next"),
		asm.LoadMem(asm.R0, asm.R6, skbProtocol, asm.Word),
		asm.JEq.Imm(asm.R0, networkOrder(etherARP), "arp"),
		asm.JNE.Imm(asm.R0, networkOrder(etherIPv4), "next"),
		asm.Mov.Imm(asm.R8, 0),
		asm.Mov.Imm(asm.R2, ip4),
		asm.Ja.Label("load"),
		asm.Mov.Imm(asm.R8, 1).WithSymbol("arp"),
		asm.Mov.Imm(asm.R2, arp),

		// the address to the stack; a frame too short for one is nobody's
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("load"),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -4),
		asm.Mov.Imm(asm.R4, 4),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "next"),

		asm.LoadMapPtr(asm.R1, vips.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "next"),
		asm.LoadMem(asm.R7, asm.R0, 0, asm.Word),
		asm.JEq.Imm(asm.R7, int32(shutLink), "drop"),
	}
	if dir == inbound {
		p = append(p,
			asm.JEq.Imm(asm.R8, 0, "time"),
			asm.LoadMem(asm.R0, asm.R6, skbIfindex, asm.Word),
			asm.JNE.Reg(asm.R0, asm.R7, "drop"),
		)
	}
	p = append(p,
		asm.StoreImm(asm.RFP, -8, int64(deadMark), asm.Word).WithSymbol("time"),
		asm.LoadMapPtr(asm.R1, deadline.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R9, asm.R0, 0, asm.DWord),
		asm.JNE.Imm(asm.R9, 0, "drop"),
		asm.StoreImm(asm.RFP, -8, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, deadline.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
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
