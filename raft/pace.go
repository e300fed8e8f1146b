package raft

import (
	"sync/atomic"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// pace is the timing in force. It may change at any time and differ between
// nodes for a while: beats say how long a lease they ask for, and promises follow
// what was asked (see fence).
type pace struct{ t atomic.Pointer[Timing] }

func newPace(t Timing) *pace {
	p := &pace{}
	p.t.Store(&t)
	return p
}

func (p *pace) now() Timing { return *p.t.Load() }

// TimingOf is what a profile means; an unknown one is the default.
func TimingOf(p model.Profile) Timing {
	switch p {
	case model.ProfileFast:
		return Timing{Detect: 60 * time.Millisecond, Lease: 38 * time.Millisecond, Beat: 10 * time.Millisecond}
	case model.ProfileCalm:
		return Timing{Detect: 600 * time.Millisecond, Lease: longestLease, Beat: 100 * time.Millisecond}
	}
	return Timing{Detect: 250 * time.Millisecond, Lease: 200 * time.Millisecond, Beat: 25 * time.Millisecond}
}

// timing in force on this node.
func (n *Node) timing() Timing { return n.pace.now() }

// followProfile keeps the timing equal to the cluster's profile until the node
// ends.
func (n *Node) followProfile(c *core) {
	watch := n.st.Watch()
	defer watch.Close()
	for {
		var p model.Profile
		n.st.Read(func(st *store.State) { p = st.Settings().Profile })
		if t := TimingOf(p); t != n.pace.now() {
			n.log.Info("timing", "profile", p, "detect", t.Detect, "lease", t.Lease, "beat", t.Beat)
			n.pace.t.Store(&t)
			c.fence.setTiming(t)
			n.notify()
		}
		select {
		case <-watch.C():
		case <-n.done:
			return
		}
	}
}
