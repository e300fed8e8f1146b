package raft

import (
	"sync"
	"sync/atomic"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// pace is the timing in force. It may change at any time and differ between
// nodes for a while: beats say how long a lease they ask for, and promises follow
// what was asked (see fence).
type pace struct {
	t atomic.Pointer[Timing]

	mu      sync.Mutex
	profile model.Profile // guarded by mu; the cluster's; "" while the timing is fixed
	slow    slowing       // guarded by mu
}

func newPace(t Timing) *pace {
	p := &pace{}
	p.t.Store(&t)
	return p
}

func (p *pace) now() Timing { return *p.t.Load() }

// unslowed is the timing that this node would keep if it could.
func (p *pace) unslowed() Timing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.profile == "" {
		return p.now()
	}
	return TimingOf(p.profile)
}

// TimingOf is what a profile means; an unknown one is the default.
func TimingOf(p model.Profile) Timing {
	switch p {
	case model.ProfileFast:
		return Timing{Detect: 60 * time.Millisecond, Lease: 38 * time.Millisecond, Beat: 10 * time.Millisecond}
	case model.ProfileCalm:
		return Timing{Detect: 600 * time.Millisecond, Lease: longestLease, Beat: 100 * time.Millisecond}
	}
	return Timing{Detect: 126 * time.Millisecond, Lease: 104 * time.Millisecond, Beat: 12 * time.Millisecond}
}

// Timing in force on this node.
func (n *Node) Timing() Timing { return n.pace.now() }

// followProfile keeps the timing equal to the cluster's profile until the node
// ends.
func (n *Node) followProfile(c *core) {
	watch := n.st.Watch()
	defer watch.Close()
	for {
		var p model.Profile
		n.st.Read(func(st *store.State) { p = st.Settings().Profile })
		c.repace(func(now *pace) (changed bool) {
			if changed = now.profile != p; changed {
				now.profile = p
			}
			return changed
		})
		select {
		case <-watch.C():
		case <-n.done:
			return
		}
	}
}

// repace changes what the timing follows from, and the timing with it.
func (c *core) repace(change func(*pace) (changed bool)) {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	if !change(c.pace) {
		return
	}
	t, slowed := c.pace.slow.keeps(c.pace.profile)
	if t == c.pace.now() {
		return
	}
	c.log.Info("timing", "profile", c.pace.profile, "slowed", slowed, "detect", t.Detect, "lease", t.Lease, "beat", t.Beat)
	c.pace.t.Store(&t)
	c.fence.setTiming(t, time.Now())
	c.notify()
}

// beaten notes by how much a beat was late, on its way out or in being answered.
func (c *core) beaten(late time.Duration, now time.Time) {
	c.repace(func(p *pace) bool {
		return p.profile != "" && p.slow.beat(late, now)
	})
}

// kept is the timing that this node keeps, and whether it was late for that of the
// cluster's profile.
func (p *pace) kept() (t Timing, slowed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.profile == "" {
		return p.now(), false
	}
	return p.slow.keeps(p.profile)
}
