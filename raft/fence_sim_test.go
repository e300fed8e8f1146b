package raft

import (
	"slices"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"lbd/store/model"
)

// TestLeasesNeverOverlap lets random histories of beats, delays, restarts and
// candidacies run over three fences, with votes as Raft gives them, and checks
// that no leader is elected while an older lease runs.
func TestLeasesNeverOverlap(t *testing.T) {
	for range 30 { // the faults this is to find need a thousand histories or more
		rapid.Check(t, checkLeases)
	}
}

// simNode is a node as checkLeases has it: a fence, what Raft keeps on disk, and
// a VIP holder that lives and dies on its own.
type simNode struct {
	fence  *fence
	term   uint64
	voted  uint64 // newest term a vote was given in
	leads  uint64
	votes  int
	holder uint64
	alive  bool // the holder
	// old is the fence of the process before, which earns the lease of term oldTerm on
	// until this one acts alone; nil: there is none.
	old     *fence
	oldTerm uint64
}

// holds tells whether an address may be answered for on this node.
func (n *simNode) holds(now time.Time) bool {
	for _, f := range []*fence{n.fence, n.old} {
		if f != nil && n.alive && f.holder == n.holder && now.Before(f.leaseUntil) {
			return true
		}
	}
	return false
}

func checkLeases(t *rapid.T) {
	ids := []hraft.ServerID{"a", "b", "c"}
	now := time.Now()
	nodes := make(map[hraft.ServerID]*simNode)
	holders := uint64(0)
	start := func(old *simNode) *simNode {
		holders++
		n := &simNode{fence: newFence(fenceTiming, now), holder: holders, alive: true}
		n.fence.setHolder(holders)
		if old != nil {
			n.term, n.voted = old.term, old.voted
		}
		return n
	}
	begin := rapid.SampledFrom([]Timing{fenceTiming, TimingOf(model.ProfileFast), TimingOf(model.ProfileCalm)}).Draw(t, "timing")
	for _, id := range ids {
		nodes[id] = start(nil)
		nodes[id].fence.setTiming(begin, now)
		nodes[id].term, nodes[id].voted = 1, 1
	}
	nodes["a"].leads = 1
	now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms")) * time.Millisecond)
	type answer struct {
		from hraft.ServerID
		to   *fence // of the process that asked
		n    note
		term uint64
		sent time.Time
	}
	type request struct {
		to, voter hraft.ServerID
		term      uint64
	}
	var onTheWay []answer
	var passed []request
	var proofs []owed // of holders that are gone; each may reach anybody at any time
	answered := func(a answer) {
		for id, n := range nodes {
			if n.fence == a.to && n.leads == a.term || n.old == a.to {
				a.to.acked(a.from, a.n, a.term, a.sent, ids, id)
			}
		}
	}
	voted := func(r request) {
		v, c := nodes[r.voter], nodes[r.to]
		if v.term > r.term || v.voted >= r.term {
			return
		}
		if v.term < r.term {
			v.term, v.leads = r.term, 0
		}
		v.voted = r.term
		if c.term != r.term || c.leads != 0 {
			return
		}
		if c.votes++; c.votes < 2 {
			return
		}
		for _, o := range ids {
			if o != r.to && nodes[o].holds(now) {
				t.Fatalf("%s is elected in term %d while %s holds", r.to, r.term, o)
			}
		}
		c.leads = r.term
	}
	take := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) }
	for range rapid.IntRange(5, 120).Draw(t, "steps") {
		var holding []hraft.ServerID
		for _, id := range ids {
			if nodes[id].holds(now) {
				holding = append(holding, id)
			}
		}
		if len(holding) > 1 {
			t.Fatalf("%v hold", holding)
		}
		now = now.Add(time.Duration(rapid.IntRange(0, rapid.SampledFrom([]int{20, 150}).Draw(t, "up to")).Draw(t, "ms")) * time.Millisecond)
		who := rapid.SampledFrom(ids).Draw(t, "who")
		if rapid.Bool().Draw(t, "a leader") {
			for _, id := range ids {
				if n := nodes[id]; n.leads != 0 || n.old != nil {
					who = id
				}
			}
		}
		me := nodes[who]
		switch rapid.SampledFrom([]string{"beat", "beat", "beat", "answer", "stand", "stand", "vote", "restart", "die", "replace", "proof", "pace", "hand", "again", "settle"}).Draw(t, "what") {
		case "beat":
			from, term, asks := me.fence, me.leads, me.fence.asks
			if me.old != nil && (term == 0 || rapid.Bool().Draw(t, "of the process before")) {
				from, term, asks = me.old, me.oldTerm, me.old.asksLong
			}
			for _, other := range ids {
				if term == 0 || other == who || rapid.Bool().Draw(t, "lost") {
					continue
				}
				// The beat arrives after a delay; its answer is on the way from then on.
				peer, sent, n := nodes[other], now, asks(now)
				now = now.Add(time.Duration(rapid.IntRange(0, rapid.SampledFrom([]int{5, 100}).Draw(t, "up to")).Draw(t, "delay")) * time.Millisecond)
				if !peer.fence.heard(who, n, term, peer.term, now) || term < peer.term {
					continue
				}
				if term > peer.term {
					peer.leads = 0
				}
				peer.term = term
				if a := (answer{other, from, n, term, sent}); rapid.Bool().Draw(t, "at once") {
					answered(a)
				} else {
					onTheWay = append(onTheWay, a)
				}
			}
		case "answer":
			if len(onTheWay) > 0 {
				i := take("i", len(onTheWay))
				answered(onTheWay[i])
				onTheWay = slices.Delete(onTheWay, i, i+1)
			}
		case "stand":
			next := me.term + 1
			if me.old != nil && me.term == me.oldTerm {
				me.fence.takeOver(me.oldTerm, now)
			}
			ok, byTransfer := me.fence.mayStand(next, now)
			if !ok {
				continue
			}
			me.leads, me.term, me.voted, me.votes = 0, next, next, 1
			for _, v := range ids {
				if v == who || rapid.Bool().Draw(t, "lost") || !nodes[v].fence.mayVote(next, byTransfer, now) {
					continue
				}
				if r := (request{who, v, next}); rapid.Bool().Draw(t, "at once") {
					voted(r)
				} else {
					passed = append(passed, r) // the library handles it later
				}
			}
		case "vote":
			if len(passed) > 0 {
				i := take("i", len(passed))
				voted(passed[i])
				passed = slices.Delete(passed, i, i+1)
			}
		case "restart":
			// The process is gone, and its holder with it; term and vote are on disk.
			if me.alive {
				proofs = append(proofs, owed{who, me.holder})
			}
			nodes[who] = start(me)
			passed = slices.DeleteFunc(passed, func(r request) bool { return r.voter == who })
		case "pace": // of some nodes; the others follow later
			pace := rapid.SampledFrom([]Timing{fenceTiming, TimingOf(model.ProfileFast), TimingOf(model.ProfileCalm)}).Draw(t, "timing")
			all := rapid.Bool().Draw(t, "all")
			for _, id := range ids {
				if all || id == who {
					nodes[id].fence.setTiming(pace, now)
				}
			}
		case "hand": // another process of the node is to go on
			if me.leads == 0 || me.old != nil || !me.fence.bequeath(me.leads) {
				continue
			}
			me.old, me.oldTerm, me.leads = me.fence, me.leads, 0
			me.fence = newFence(fenceTiming, now)
			me.fence.bind()
			me.fence.setHolder(me.holder)
			passed = slices.DeleteFunc(passed, func(r request) bool { return r.voter == who })
		case "again": // it has died before it led; yet another one
			if me.old == nil || me.leads != 0 {
				continue
			}
			me.fence = newFence(fenceTiming, now)
			me.fence.bind()
			me.fence.setHolder(me.holder)
			passed = slices.DeleteFunc(passed, func(r request) bool { return r.voter == who })
		case "settle": // it has the holder, or the process before has ended it
			if me.old == nil {
				continue
			}
			if me.leads == 0 {
				if me.alive {
					proofs = append(proofs, owed{who, me.holder})
				}
				holders++
				me.holder = holders
				me.fence.setHolder(holders)
			}
			me.old = nil
			me.fence.unbind(now)
		case "die": // the holder alone; its parent has not noticed yet
			if me.alive {
				me.alive = false
				proofs = append(proofs, owed{who, me.holder})
			}
		case "replace":
			if !me.alive && me.old == nil {
				holders++
				me.holder, me.alive = holders, true
				me.fence.setHolder(holders)
			}
		case "proof":
			if len(proofs) > 0 {
				p := rapid.SampledFrom(proofs).Draw(t, "proof")
				me.fence.gone(p.node, p.holder, now)
			}
		}
	}
}
