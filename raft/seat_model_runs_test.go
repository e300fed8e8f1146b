package raft

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// modelFaults are the events, each with what it does.
var modelFaults = []struct {
	name string
	do   func(w *modelWorld, i int) bool // false: it makes no difference now
}{
	{"kill", func(w *modelWorld, i int) bool {
		n, p := &w.nodes[i], &w.nodes[1-i]
		was := n.up
		if was && w.ctl[i] && p.up { // the tether's end
			p.told = n.fence.holder // read when it runs
			w.read(1 - i)
		}
		n.up = false
		return was
	}},
	{"start", func(w *modelWorld, i int) bool {
		was := w.nodes[i].up
		if !was {
			w.nodes[i].boot(w.now, w.nodes[i].fence.holder+2)
		}
		return !was
	}},
	{"freeze", func(w *modelWorld, i int) bool {
		was := w.runs(i)
		w.nodes[i].frozen = true
		return was
	}},
	{"thaw", func(w *modelWorld, i int) bool {
		was := w.nodes[i].frozen && w.nodes[i].up
		w.nodes[i].frozen = false
		return was
	}},
	{"hand over", func(w *modelWorld, i int) bool {
		p := &w.nodes[1-i]
		h := w.surrender(i)
		if h.term != 0 && w.ctl[i] && p.up {
			p.handed = h // read when it runs
			w.read(1 - i)
		}
		return h.term != 0
	}},
	{"hand over, and it takes long", func(w *modelWorld, i int) bool {
		h := w.surrender(i)
		if w.nodes[1-i].up {
			w.nodes[1-i].late = h
		}
		return h.term != 0
	}},
	{"it comes", func(w *modelWorld, i int) bool {
		n := &w.nodes[i]
		was := n.late.term != 0
		if was {
			n.handed, n.late = n.late, handed{}
			w.read(i)
		}
		return was
	}},
	{"leg", func(w *modelWorld, i int) bool {
		w.nodes[i].leg, w.nodes[i].legSince = !w.nodes[i].leg, w.now
		return true
	}},
	{"mute", func(w *modelWorld, i int) bool { w.ctl[i] = !w.ctl[i]; return true }},
	{"split", func(w *modelWorld, i int) bool {
		if w.lock && i == 0 { // without the lock two owners are possible
			w.split = !w.split
		}
		return w.lock && i == 0
	}},
	{"cut", func(w *modelWorld, i int) bool {
		was := w.ctl == [2]bool{true, true} && i == 0
		if was {
			w.ctl = [2]bool{}
		}
		return was
	}},
	{"heal", func(w *modelWorld, i int) bool {
		was := w.ctl != [2]bool{true, true} && i == 0
		if was {
			w.ctl = [2]bool{true, true}
		}
		return was
	}},
}

func newModel(lock bool) *modelWorld {
	w := &modelWorld{now: time.Now(), ctl: [2]bool{true, true}, lock: lock, owner: -1}
	for i := range w.nodes {
		w.nodes[i].leg = true
		w.nodes[i].boot(w.now.Add(-time.Minute), uint64(i+1))
		w.nodes[i].term = 2
	}
	w.nodes[0].leads, w.nodes[0].voted = true, 2
	w.nodes[0].fence.stoodAt = w.now
	w.step()
	return w
}

type modelRun struct {
	t     *testing.T
	runs  int
	trace []string
}

func (r *modelRun) safe(w *modelWorld) bool {
	if w.holds(0) && w.holds(1) {
		r.t.Errorf("two owners after %v", r.trace)
		return false
	}
	return true
}

// served checks that somebody holds the VIP in the end wherever somebody could:
// a node that runs and reaches clients, whose peer is down, or answers it, or is
// seen to hold.
func (r *modelRun) served(w *modelWorld) {
	for range settle {
		if w.step(); !r.safe(w) {
			return
		}
	}
	if w.holds(0) || w.holds(1) {
		return
	}
	for i := range w.nodes {
		peer := w.nodes[1-i]
		if w.runs(i) && w.nodes[i].leg && (w.lock || !peer.up || w.ctl == [2]bool{true, true} && w.runs(1-i)) {
			r.t.Errorf("nobody serves after %v, though %s could", r.trace, modelIDs[i])
			return
		}
	}
}

// explore lets up to faults more events happen from tick at on.
func (r *modelRun) explore(w *modelWorld, at, faults int) {
	if r.t.Failed() {
		return
	}
	r.runs++
	r.served(w.copy())
	if faults == 0 {
		return
	}
	for w = w.copy(); at < lastFault; at++ {
		for _, f := range modelFaults {
			for i := range w.nodes {
				next := w.copy()
				if !f.do(next, i) {
					continue
				}
				r.trace = append(r.trace, fmt.Sprintf("%d: %s %s", at, f.name, modelIDs[i]))
				if r.safe(next) {
					r.explore(next, at, faults-1)
				}
				r.trace = r.trace[:len(r.trace)-1]
			}
		}
		if w.step(); !r.safe(w) {
			return
		}
	}
}

func TestModelOfTwoNodesAndTheSeat(t *testing.T) {
	faults := 3
	if testing.Short() {
		faults = 2
	}
	for name, lock := range map[string]bool{"with the arbiter's lock": true, "by inference": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &modelRun{t: t}
			r.explore(newModel(lock), 0, faults)
			t.Logf("%d histories", r.runs)
		})
	}
}

// TestWalksOfTwoNodesAndTheSeat goes on for long, at random, where the model check
// tries everything for a short time.
func TestWalksOfTwoNodesAndTheSeat(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 3))
	for range 1500 {
		r, w := &modelRun{t: t}, newModel(true)
		for at := range 150 {
			for rng.IntN(4) == 0 {
				f, i := modelFaults[rng.IntN(len(modelFaults))], rng.IntN(2)
				if f.do(w, i) {
					r.trace = append(r.trace, fmt.Sprintf("%d: %s %s", at, f.name, modelIDs[i]))
				}
			}
			if w.step(); !r.safe(w) {
				return
			}
		}
		if r.served(w); t.Failed() {
			return
		}
	}
}

// TestModelOfOldNews begins where a node is frozen and has missed, or has used
// already, the news of the other's death.
func TestModelOfOldNews(t *testing.T) {
	fault := func(name string) func(*modelWorld, int) bool {
		for _, f := range modelFaults {
			if f.name == name {
				return f.do
			}
		}
		t.Fatalf("no fault %s", name)
		return nil
	}
	type event struct {
		name string
		node int
	}
	for name, events := range map[string][]event{
		"the death was missed": {{"freeze", 1}, {"kill", 0}, {"start", 0}},
		"the death was used":   {{"kill", 0}, {"start", 0}, {"freeze", 1}},
		"both restarted":       {{"kill", 0}, {"kill", 1}, {"start", 1}, {"start", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pause := range []int{0, 1, 4, 9, 14} { // between the events
				w, r := newModel(true), &modelRun{t: t}
				for _, e := range events {
					fault(e.name)(w, e.node)
					r.trace = append(r.trace, fmt.Sprintf("%s %s, %d ticks", e.name, modelIDs[e.node], pause))
					for range pause {
						if w.step(); !r.safe(w) {
							return
						}
					}
				}
				r.explore(w, 0, 2)
			}
		})
	}
}
