package vrrp

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// exitHook shuts the gate for good as soon as this process begins to die, before
// the kernel has taken down anything of it: a program at the tracepoint that
// every exiting thread passes sets the gate's dead mark when the thread is this
// process's first one, which lives as long as the process. Taking down the
// device with the addresses takes the kernel some ten milliseconds more.
type exitHook struct {
	self *ebpf.Map // this process as the kernel numbers it
	prog *ebpf.Program
	link link.Link
}

// watchExit fails where tracepoints may not be used: no CAP_PERFMON, lockdown,
// or a kernel without them.
func watchExit(mark *ebpf.Map) (_ *exitHook, err error) {
	h := &exitHook{}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.self, err = ebpf.NewMap(&ebpf.MapSpec{Name: "lbd_self", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return nil, fmt.Errorf("create eBPF map: %w", err)
	}
	if h.prog, err = ebpf.NewProgram(exitProgram(h.self, mark)); err != nil {
		return nil, fmt.Errorf("load eBPF program: %w", err)
	}
	// Run once by hand, the program learns who this process is: inside a
	// container the process does not know its number itself.
	if _, err := h.prog.Run(&ebpf.RunOptions{}); err != nil {
		return nil, fmt.Errorf("run eBPF program: %w", err)
	}
	var self uint64
	if err := h.self.Lookup(uint32(0), &self); err != nil || self == 0 {
		return nil, errors.Join(errors.New("the eBPF program has not learnt this process's number"), err)
	}
	if h.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_process_exit", Program: h.prog}); err != nil {
		return nil, fmt.Errorf("attach eBPF program: %w", err)
	}
	return h, nil
}

func (h *exitHook) Close() error {
	var errs []error
	if h.link != nil {
		errs = append(errs, h.link.Close())
	}
	return errors.Join(append(errs, h.prog.Close(), h.self.Close())...) // nil ones close well
}

// exitProgram:
//
//	self unknown                                 → self = number of this process
//	not self's first thread                      → nothing
//	                                             → mark[deadMark] = 1
func exitProgram(self, mark *ebpf.Map) *ebpf.ProgramSpec {
	// r7 the thread, r8 its process
	return &ebpf.ProgramSpec{Name: "lbd_exit", Type: ebpf.RawTracepoint, License: "Apache-2.0", Instructions: asm.Instructions{
		asm.FnGetCurrentPidTgid.Call(),
		asm.Mov.Reg(asm.R8, asm.R0),
		asm.RSh.Imm(asm.R8, 32),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.LSh.Imm(asm.R7, 32),
		asm.RSh.Imm(asm.R7, 32),

		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, self.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.JNE.Imm(asm.R1, 0, "known"),
		asm.StoreMem(asm.R0, 0, asm.R8, asm.DWord),
		asm.Ja.Label("end"),

		asm.JNE.Reg(asm.R1, asm.R8, "end").WithSymbol("known"),
		asm.JNE.Reg(asm.R7, asm.R8, "end"),
		asm.StoreImm(asm.RFP, -4, int64(deadMark), asm.Word),
		asm.LoadMapPtr(asm.R1, mark.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),

		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	}}
}
