package raft

import (
	"time"

	"lbd/store/model"
)

// slowing is what becomes of a profile on a machine that cannot keep its beat: for a
// while the node asks for a longer lease, and every promise follows what was asked
// (see fence), so that nobody takes over for a hiccup. Not beyond the patient timing:
// how long a real fault may last is the operator's choice. It is of one
// process and not safe for concurrent use.
type slowing struct {
	rungs  [len(ladder)]rung
	paused time.Time // end of the newest hiccup that was longer than any lease
}

// ladder are the profiles that are left when they cannot be kept, the fastest first.
// Below them is patient.
var ladder = [...]model.Profile{model.ProfileFast, model.ProfileDefault}

// patient is for a machine that is busy, as build machines are, but not overloaded.
var patient = Timing{Detect: 250 * time.Millisecond, Lease: 200 * time.Millisecond, Beat: 25 * time.Millisecond}

// rung tells whether one profile of the ladder can be kept.
type rung struct {
	left    bool
	late    time.Time // newest beat that was late for half of its lease
	counted time.Time // when the newest hiccup was first seen; beats from before it tell of the same one
}

const (
	// lateTwice: two hiccups within this time are a habit.
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
		slowed = true
	}
	if below {
		return patient, slowed
	}
	return TimingOf(p), false
}

// beat notes by how much a beat was late, on its way out or in being answered, and
// reports whether that changes which profiles can be kept.
//
// A pause that no lease outlives, of the machine or of the network, is no reason to be
// slower, and what is late in the moment after it, while there is much to catch up on,
// belongs to it.
func (s *slowing) beat(late time.Duration, now time.Time) (changed bool) {
	if late > patient.Lease {
		s.paused = now
	}
	if now.Add(-late).Before(s.paused.Add(patient.Lease)) {
		return false
	}
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
	r.late = now
	if began := now.Add(-late); !r.counted.IsZero() && began.Before(r.counted) && !lapses(late, lease) {
		return false
	}
	habit := lapses(late, lease) || !r.counted.IsZero() && now.Sub(r.counted) < lateTwice
	r.counted = now
	if !habit || r.left {
		return false
	}
	r.left = true
	return true
}

// lapses tells whether a hiccup of that length costs the role under a lease.
func lapses(late, lease time.Duration) bool { return late > lease }
