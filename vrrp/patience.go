package vrrp

import "time"

// hiccups is the longest of the short gaps between two answers of an arbiter, though it
// was asked several times meanwhile: where it keeps others waiting now and then, the next
// gap of that length says nothing about the leg.
type hiccups struct {
	longest time.Duration
	at      int64 // Monotonic of its end
}

const (
	// hiccupsKept is for how long a gap is remembered.
	hiccupsKept = int64(time.Minute)
	// longestHiccup, in units of the patience asked for: a longer gap was an outage.
	longestHiccup = 6
)

// answered notes an answer after a gap. patience is what was asked for.
func (h *hiccups) answered(gap, patience time.Duration, now int64) {
	if gap <= longestHiccup*patience && (gap > h.longest || now-h.at > hiccupsKept) {
		h.longest, h.at = gap, now
	}
}

// stretch is the patience that takes an arbiter as it is: twice its longest gap, but no
// less than was asked for and not over six times that.
func (h *hiccups) stretch(patience time.Duration, now int64) time.Duration {
	if now-h.at > hiccupsKept {
		return patience
	}
	return min(max(patience, 2*h.longest), longestHiccup*patience)
}

// pauses between two questions that fit the patience: while they are answered, and
// while the newest one is not.
func pauses(patience time.Duration) (calm, anxious time.Duration) {
	calm = min(max(patience/4, 10*time.Millisecond), arbiterEvery)
	return calm, max(calm/3, 5*time.Millisecond)
}
