package raft

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A claim begins sooner when the VIP is silent, too.
func TestWhenAClaimBegins(t *testing.T) {
	const ms = time.Millisecond
	usual := TimingOf("")
	for _, c := range []struct {
		silence, unseen time.Duration
		tried           bool
		want            claimWish
	}{
		{29 * ms, time.Hour, false, wishNone},
		{31 * ms, 29 * ms, false, wishNone},
		{31 * ms, 31 * ms, false, wishTake},
		{50 * ms, 0, false, wishNone},
		{51 * ms, 0, false, wishTake}, // its kernel may answer for a frozen owner
		{time.Second, 100 * ms, true, wishNone},
		{time.Second, usual.Detect, true, wishTake},
	} {
		if got := usual.followerWish(false, c.silence, c.unseen, c.tried); got != c.want {
			t.Errorf("silent for %v, the VIP for %v, tried %v: wish %d, want %d", c.silence, c.unseen, c.tried, got, c.want)
		}
	}
}

func TestClaimSteps(t *testing.T) {
	const lease, theirs = 200 * time.Millisecond, 300 * time.Millisecond
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	type step struct {
		ms    int
		wish  claimWish
		reply int // the answer to a read sent then arrives after the step; -1: none
		want  claimMove
		held  bool
	}
	for name, steps := range map[string][]step{
		"a claim takes the longest lease of the others, and the guard": {
			{0, wishTake, 0, moveWriteRead, false},
			{100, wishTake, 100, moveRead, false},
			{200, wishTake, 200, moveRead, false},
			{300, wishTake, 300, moveRead, false},
			{307, wishTake, 307, moveRead, false},
			{308, wishTake, 308, moveRead, true},
		},
		"it is counted from the arrival of the first answer": {
			{0, wishTake, -1, moveWriteRead, false},
			{50, wishTake, 0, moveRead, false},
			{150, wishTake, 150, moveRead, false},
			{250, wishTake, 250, moveRead, false},
			{340, wishTake, 340, moveRead, false},
			{357, wishTake, 357, moveRead, false},
			{358, wishTake, 358, moveRead, true},
		},
		"without an answer it is given up for a while": {
			{0, wishTake, -1, moveWriteRead, false},
			{100, wishTake, -1, moveRead, false},
			{101, wishTake, -1, moveNone, false},
			{1100, wishTake, -1, moveNone, false},
			{1101, wishTake, -1, moveWriteRead, false},
		},
		"the only one that may hold does not wait": {
			{0, wishOwn, -1, moveWriteRead, false}, {101, wishOwn, 101, moveWriteRead, true}, {150, wishKeep, 150, moveReadWrite, true},
		},
		"a proof is good for a lease": {
			{0, wishOwn, 0, moveWriteRead, true},
			{199, wishKeep, -1, moveReadWrite, true},
			{200, wishKeep, 199, moveNone, false},
			{210, wishKeep, 210, moveNone, false},
			{220, wishTake, 220, moveWriteRead, false},
		},
		"to keep is not to take": {{0, wishKeep, 0, moveNone, false}},
		"let go":                 {{0, wishOwn, 0, moveWriteRead, true}, {10, wishNone, 10, moveNone, false}, {20, wishKeep, 20, moveNone, false}},
		"answers to what was asked before the claim do not count": {
			{0, wishOwn, 0, moveWriteRead, true},
			{10, wishNone, -1, moveNone, false},
			{20, wishOwn, 0, moveWriteRead, false},
			{30, wishOwn, 30, moveRead, true},
		},
		"a doubt that comes up while claiming makes it wait after all": {
			{0, wishOwn, -1, moveWriteRead, false},
			{10, wishTake, 10, moveRead, false},
			{100, wishTake, 100, moveRead, false},
			{200, wishTake, 200, moveRead, false},
			{290, wishTake, 290, moveRead, false},
			{330, wishTake, 330, moveRead, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c claim
			for _, s := range steps {
				if got := c.step(at(s.ms), s.wish, lease, theirs); got != s.want {
					t.Fatalf("at %d: move %d, want %d", s.ms, got, s.want)
				}
				if s.reply >= 0 {
					c.answered(at(s.reply), at(s.ms))
				}
				if _, held := c.held(at(s.ms), lease); held != s.held {
					t.Fatalf("at %d: held %v", s.ms, held)
				}
			}
		})
	}
}

// The model of the lock: nodes that may hold, want to, are frozen, or have their
// messages lost or delayed, in every combination, breadth first with equal states
// met once. Time is in ticks; a lease lasts two.
const (
	lockTick  = 60 * time.Millisecond
	lockLease = 2 * lockTick
)

type lockMessage struct {
	write bool
	sent  int // tick
}

// lockNode has everything relative to now, so that equal states compare equal.
type lockNode struct {
	c     claim
	queue []lockMessage // to the arbiter, in order
	acks  []int         // answers under way: when the reads were sent
}

type lockWorld struct {
	now   int
	owner int // the arbiter's entry; -1 none
	nodes []lockNode
}

func lockAt(tick int) time.Time {
	return time.Unix(1000, 0).Add(time.Duration(tick) * lockTick)
}

func (w *lockWorld) copy() *lockWorld {
	c := &lockWorld{now: w.now, owner: w.owner, nodes: make([]lockNode, len(w.nodes))}
	for i, n := range w.nodes {
		c.nodes[i] = lockNode{n.c, append([]lockMessage(nil), n.queue...), append([]int(nil), n.acks...)}
	}
	return c
}

// key is the state relative to now.
func (w *lockWorld) key() string {
	b := []byte{byte(w.owner)}
	age := func(t time.Time) byte {
		if t.IsZero() {
			return 255
		}
		return byte(min(lockAt(w.now).Sub(t)/lockTick, 20))
	}
	for _, n := range w.nodes {
		b = append(b, byte(n.c.state))
		if n.c.state != unclaimed {
			b = append(b, age(n.c.begun), age(n.c.since), age(n.c.proof), age(n.c.heard))
		}
		for _, m := range n.queue {
			b = append(b, 100+byte(btoi(m.write)), byte(w.now-m.sent))
		}
		for _, a := range n.acks {
			b = append(b, 102, byte(w.now-a))
		}
	}
	return string(b)
}

// What a node may meet with in one tick.
const (
	lockRuns   = iota // what it sends is handled and answered in this tick
	lockFrozen        // it does nothing; what it had sent is on its way
	lockLost          // what it sends is lost
	lockHalf          // of a round, the first message is handled and the second lost
	lockSlow          // what it sends is handled in a later tick
	lockLate          // it is answered in a later tick
	lockLetsGo        // it wants nothing
	lockChoices
)

// act is one node's turn.
func (w *lockWorld) act(i, choice int) {
	n := &w.nodes[i]
	now := lockAt(w.now)
	if choice == lockFrozen {
		return
	}
	for _, sent := range n.acks { // what came while it was frozen or in the last tick
		n.c.answered(lockAt(sent), now)
	}
	n.acks = nil
	wish := wishTake
	if choice == lockLetsGo {
		wish = wishNone
	}
	n.c.again = time.Time{} // more haste than in earnest
	var out []lockMessage
	switch n.c.step(now, wish, lockLease, lockLease) {
	case moveWriteRead:
		out = []lockMessage{{true, w.now}, {false, w.now}}
	case moveRead:
		out = []lockMessage{{false, w.now}}
	case moveReadWrite:
		out = []lockMessage{{false, w.now}, {true, w.now}}
	}
	switch choice {
	case lockLost:
		out = nil
	case lockHalf:
		out = out[:min(1, len(out))]
	}
	n.queue = append(n.queue, out...)
	if choice == lockSlow {
		n.queue = n.queue[max(0, len(n.queue)-4):] // what is older is lost
		return
	}
	for _, m := range n.queue {
		switch {
		case m.write:
			w.owner = i
		case w.owner != i:
		case choice == lockLate:
			n.acks = append(n.acks, m.sent)
		default:
			n.c.answered(lockAt(m.sent), now)
		}
	}
	n.queue = nil
}

func (w *lockWorld) held() (n int) {
	for _, m := range w.nodes {
		if _, ok := m.c.held(lockAt(w.now), lockLease); ok {
			n++
		}
	}
	return n
}

// turn lets a tick pass, in which each node meets with a choice.
func (w *lockWorld) turn(t *testing.T, first int, choices []int) {
	w.now++
	for k := range w.nodes {
		i := (first + k) % len(w.nodes)
		w.act(i, choices[i])
		if w.held() > 1 {
			t.Fatalf("two hold the lock: %+v", w.nodes)
		}
	}
}

func newLock(nodes int) *lockWorld { return &lockWorld{owner: -1, nodes: make([]lockNode, nodes)} }

// exploreLock tries everything for as many ticks as depth.
func exploreLock(t *testing.T, nodes, depth int) {
	level, seen, holds := []*lockWorld{newLock(nodes)}, map[string]bool{}, 0
	combos := 1
	for range nodes {
		combos *= lockChoices
	}
	choices := make([]int, nodes)
	for range depth {
		var next []*lockWorld
		for _, w := range level {
			for first := range nodes { // whose turn is first matters
				for combo := range combos {
					for k, rest := 0, combo; k < nodes; k, rest = k+1, rest/lockChoices {
						choices[k] = rest % lockChoices
					}
					c := w.copy()
					c.turn(t, first, choices)
					holds += c.held()
					if key := c.key(); !seen[key] {
						seen[key] = true
						next = append(next, c)
					}
				}
			}
		}
		level = next
	}
	t.Logf("%d nodes: %d states in %d ticks, the lock held in %d", nodes, len(seen), depth, holds)
}

// walkLock goes on for long, at random; what a node meets with lasts a while.
func walkLock(t *testing.T, nodes, walks int) {
	rng := rand.New(rand.NewPCG(1, uint64(nodes)))
	holds, owners := 0, map[int]bool{}
	for range walks {
		w, choices := newLock(nodes), make([]int, nodes)
		for range 60 {
			for k := range choices {
				if rng.IntN(3) == 0 {
					choices[k] = max(0, rng.IntN(2*lockChoices)-lockChoices) // half of the time it just runs
				}
			}
			w.turn(t, rng.IntN(nodes), choices)
			if h := w.held(); h > 0 {
				holds += h
				owners[w.owner] = true
			}
		}
	}
	if holds < walks || len(owners) < nodes {
		t.Errorf("the lock was held in %d ticks of %d walks, by %d nodes", holds, walks, len(owners))
	}
}

// TestModelOfTheLock shows that no two ever hold it, whatever is lost, late or frozen.
func TestModelOfTheLock(t *testing.T) {
	for nodes, depth := range map[int]int{2: 5, 3: 2} {
		t.Run(fmt.Sprintf("%d nodes", nodes), func(t *testing.T) {
			t.Parallel()
			exploreLock(t, nodes, depth)
			walkLock(t, nodes, 3000)
		})
	}
}
