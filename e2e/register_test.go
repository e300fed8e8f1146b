package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// register is an object of the API as histories see it: it is created, gets new
// values, is read, and is deleted for good.
type register struct {
	live, gone bool
	value      string
}

type verb string

const (
	create verb = "create"
	update verb = "update"
	show   verb = "show"
	remove verb = "delete"
)

// asked and answered are a call's two halves.
type asked struct {
	verb  verb
	value string // create, update
}

type answered struct {
	known bool   // false: it may take effect at any later time, or never
	ended bool   // not known, but it takes no effect after the answer any more
	found bool   // false: 404
	value string // show
	note  string // for the report
}

// registerModel is one object's specification: every answer is what a single copy
// could have given at some moment between the question and the answer.
var registerModel = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(register), input.(asked), output.(answered)
		if !out.known { // only writes: it is linearized where it took effect, else after everything
			switch {
			case !s.live:
			case in.verb == update:
				s.value = in.value
			case in.verb == remove:
				s = register{gone: true}
			}
			return true, s
		}
		if in.verb == create {
			return !s.live && !s.gone, register{live: true, value: in.value}
		}
		if !out.found {
			return !s.live, s
		}
		switch in.verb {
		case update:
			return s.live, register{live: true, value: in.value}
		case remove:
			return s.live, register{gone: true}
		}
		return s.live && s.value == out.value, s
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(asked), output.(answered)
		switch {
		case !out.known:
			return fmt.Sprintf("%s(%s) -> ? %s", in.verb, in.value, out.note)
		case !out.found:
			return fmt.Sprintf("%s(%s) -> 404", in.verb, in.value)
		case in.verb == show:
			return fmt.Sprintf("show -> %s", out.value)
		}
		return fmt.Sprintf("%s(%s) -> ok", in.verb, in.value)
	},
}

// histories collects operations by object.
type histories struct {
	start time.Time

	mu  sync.Mutex
	ops map[string][]porcupine.Operation // guarded by mu; by id
}

func newHistories() *histories {
	return &histories{start: time.Now(), ops: map[string][]porcupine.Operation{}}
}

func (h *histories) now() int64 { return time.Since(h.start).Nanoseconds() }

func (h *histories) add(id string, client int, in asked, call int64, out answered) {
	op := porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: h.now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops[id] = append(h.ops[id], op)
}

// settle lets what has no known outcome last until after everything else.
func (h *histories) settle() {
	end := h.now()
	for _, ops := range h.ops {
		for i := range ops {
			if out := ops[i].Output.(answered); !out.known && !out.ended {
				ops[i].Return = end + 1 + int64(i)
			}
		}
	}
}

// check is the outcome for each object; it gives up on one after limit.
func (h *histories) check(t *testing.T, limit time.Duration) (operations, unknown int) {
	t.Helper()
	h.settle()
	for id, ops := range h.ops {
		operations += len(ops)
		for _, op := range ops {
			if out := op.Output.(answered); !out.known && !out.ended {
				unknown++
			}
		}
		switch porcupine.CheckOperationsTimeout(registerModel, ops, limit) {
		case porcupine.Illegal:
			slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
			t.Errorf("the history of %s is not linearizable:", id)
			for _, op := range ops {
				t.Logf("  %8.3f to %8.3f ms, client %d: %s", float64(op.Call)/1e6, float64(op.Return)/1e6, op.ClientId, registerModel.DescribeOperation(op.Input, op.Output))
			}
		case porcupine.Unknown:
			t.Errorf("the history of %s, %d operations, was not decided within %v", id, len(ops), limit)
		}
	}
	return operations, unknown
}

// The check must be able to fail: each of these is what a bug would look like.
func TestTheRegisterModelRefuses(t *testing.T) {
	ok := answered{known: true, found: true}
	saw := func(v string) answered { return answered{known: true, found: true, value: v} }
	missing, lost := answered{known: true}, answered{}
	type op struct {
		in        asked
		out       answered
		call, ret int64
	}
	for name, tc := range map[string]struct {
		ops  []op
		want porcupine.CheckResult
	}{
		"in order":                   {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, ok, 2, 3}, {asked{verb: show}, saw("b"), 4, 5}}, porcupine.Ok},
		"stale read":                 {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, ok, 2, 3}, {asked{verb: show}, saw("a"), 4, 5}}, porcupine.Illegal},
		"either, while it runs":      {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, ok, 2, 9}, {asked{verb: show}, saw("a"), 4, 5}}, porcupine.Ok},
		"back again":                 {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, ok, 2, 9}, {asked{verb: show}, saw("b"), 3, 4}, {asked{verb: show}, saw("a"), 5, 6}}, porcupine.Illegal},
		"lost write":                 {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{verb: show}, missing, 2, 3}}, porcupine.Illegal},
		"deleted and back":           {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{verb: remove}, ok, 2, 3}, {asked{verb: show}, saw("a"), 4, 5}}, porcupine.Illegal},
		"unknown, took effect":       {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, lost, 2, 99}, {asked{verb: show}, saw("b"), 4, 5}}, porcupine.Ok},
		"unknown, later effect":      {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, lost, 2, 99}, {asked{verb: show}, saw("a"), 4, 5}, {asked{verb: show}, saw("b"), 6, 7}}, porcupine.Ok},
		"unknown, and undone":        {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{update, "b"}, lost, 2, 99}, {asked{verb: show}, saw("b"), 4, 5}, {asked{verb: show}, saw("a"), 6, 7}}, porcupine.Illegal},
		"unknown delete, and undone": {[]op{{asked{create, "a"}, ok, 0, 1}, {asked{verb: remove}, lost, 2, 99}, {asked{verb: show}, missing, 4, 5}, {asked{verb: show}, saw("a"), 6, 7}}, porcupine.Illegal},
	} {
		var ops []porcupine.Operation
		for i, o := range tc.ops {
			ops = append(ops, porcupine.Operation{ClientId: i, Input: o.in, Output: o.out, Call: o.call, Return: o.ret})
		}
		if got := porcupine.CheckOperationsTimeout(registerModel, ops, 0); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
