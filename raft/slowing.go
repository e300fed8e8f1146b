package raft

import (
	"time"

	"lbd/store/model"
)

// slowing is what becomes of a profile on a machine that cannot keep its beat: for a
// while the node asks for a longer lease, and every promise follows what was asked
// (see fence), so that nobody takes over for a hiccup. Not beyond the patient timing:
// how long a real fault may last is the operator's choice. The default profile, which
// nobody may have chosen, is to be earned: a new process begins below it. It is of one
// process and not safe for concurrent use.
type slowing struct {
	rungs [len(ladder)]rung
}

func newSlowing(now time.Time) (s slowing) {
	for i, p := range ladder {
		if p == model.ProfileDefault {
			s.rungs[i] = rung{left: true, untried: true, late: now}
		}
	}
	return s
}

// ladder are the profiles that are left when they cannot be kept, the fastest first.
// Below them is patient.
var ladder = [...]model.Profile{model.ProfileFast, model.ProfileDefault}

// patient is for a machine that is busy, as build machines are, but not overloaded.
var patient = Timing{Detect: 250 * time.Millisecond, Lease: 200 * time.Millisecond, Beat: 25 * time.Millisecond}

// rung tells whether one profile of the ladder can be kept.
type rung struct {
	left    bool
	untried bool      // left because this process is new
	late    time.Time // newest beat that was late for half of its lease, or the start
}

const (
	// lateTwice: two late beats within this time are a habit.
	lateTwice = 10 * time.Second
	// calmFor is how long a profile must have been possible before it is tried again.
	calmFor = time.Minute
)

// keeps is the timing that a node keeps when the cluster's profile is p, and whether
// it was late for that.
func (s *slowing) keeps(p model.Profile) (t Timing, slowed bool) {
	below := false
	for i, q := range ladder {
		if below = below || p == q; !below {
			continue
		}
		if !s.rungs[i].left {
			return TimingOf(q), slowed
		}
		slowed = slowed || !s.rungs[i].untried
	}
	if below {
		return patient, slowed
	}
	return TimingOf(p), false
}

// beat notes by how much a beat was late, on its way out or in being answered, and
// reports whether that changes which profiles can be kept.
func (s *slowing) beat(late time.Duration, now time.Time) (changed bool) {
	for i, p := range ladder {
		if s.rungs[i].beat(late, TimingOf(p).Lease, now) {
			changed = true
		}
	}
	return changed
}

func (r *rung) beat(late, lease time.Duration, now time.Time) (changed bool) {
	if late <= lease/2 {
		if r.left && now.Sub(r.late) > calmFor {
			*r = rung{}
			return true
		}
		return false
	}
	habit := late > lease || !r.late.IsZero() && now.Sub(r.late) < lateTwice
	r.late = now
	if !habit || r.left && !r.untried {
		return false
	}
	r.left, r.untried = true, false
	return true
}
