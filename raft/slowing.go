package raft

import (
	"time"

	"lbd/store/model"
)

// slowing is what becomes of the profile fast on a machine that cannot keep its
// beat: for a while the node asks for the lease of the default profile, and every
// promise follows what was asked (see fence), so that nobody takes over for a
// hiccup. Not beyond that: how long a real fault may last is the operator's choice.
// It is of one process and not safe for concurrent use.
type slowing struct {
	on   bool
	late time.Time // newest beat that was late for half of fast's lease
}

const (
	// lateTwice: two late beats within this time are a habit.
	lateTwice = 10 * time.Second
	// calmFor is how long fast must have been possible before it is tried again.
	calmFor = time.Minute
)

// keeps is the profile that a node keeps when the cluster's is p.
func (s *slowing) keeps(p model.Profile) model.Profile {
	if s.on && p == model.ProfileFast {
		return model.ProfileDefault
	}
	return p
}

// beat notes by how much a beat went out later than it should have, and reports
// whether that changes what the node keeps of fast.
func (s *slowing) beat(late time.Duration, now time.Time) (changed bool) {
	lease := TimingOf(model.ProfileFast).Lease
	if late <= lease/2 {
		if s.on && now.Sub(s.late) > calmFor {
			*s = slowing{}
			return true
		}
		return false
	}
	habit := late > lease || !s.late.IsZero() && now.Sub(s.late) < lateTwice
	s.late = now
	changed = habit && !s.on
	s.on = s.on || habit
	return changed
}
