package vrrp

import "time"

// silence counts how long a child has not been heard, by ticks of its parent
// rather than by the clock: a parent that did not run for half a second has not
// listened either, and must take that neither for the child's death nor for a
// reason to give the VIPs away.
type silence struct {
	ticks int
	last  time.Time // the newest report at the newest tick
}

// tick notes one interval of reportEvery in which the parent ran; heard is when
// the newest report came.
func (s *silence) tick(heard time.Time) {
	if s.ticks++; !heard.Equal(s.last) {
		s.ticks, s.last = 0, heard
	}
}
