package vrrp

import (
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is CLOCK_MONOTONIC now, in nanoseconds: the clock of Order.Deadline.
func Monotonic() int64 { return clock(unix.CLOCK_MONOTONIC) }

// DeadlineAt turns a time that carries Go's monotonic reading (a lease's end)
// into an Order's deadline. The clock is read before the difference is taken,
// so that a pause in between makes the deadline earlier, never later. A zero
// or past time gives 0, which releases.
func DeadlineAt(t time.Time) int64 {
	now := Monotonic()
	left := time.Until(t)
	if t.IsZero() || left <= 0 {
		return 0
	}
	return now + int64(left)
}

// TimeOf is the inverse of DeadlineAt, good for showing.
func TimeOf(deadline int64) time.Time {
	if deadline == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(deadline - Monotonic()))
}

func clock(id int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0 // cannot happen with these ids; 0 releases
	}
	return ts.Nano()
}
