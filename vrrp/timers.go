package vrrp

import "time"

// centisecond is the unit of intervals on the wire.
const centisecond = 10 * time.Millisecond

// Skew is Skew_Time of RFC 9568 section 6.1: (256 - priority) * interval / 256.
// interval is the active router's, in centiseconds, as learnt from its adverts.
// The higher the priority, the shorter, so that the best backup comes first.
func Skew(priority uint8, interval uint16) time.Duration {
	return time.Duration(256-int(priority)) * time.Duration(interval) * centisecond / 256
}

// ActiveDown is Active_Down_Interval of RFC 9568 section 6.1: 3 * interval +
// Skew. A backup that hears no advert for so long takes over. After an advert of
// priority 0 it waits Skew only (section 6.4.2).
func ActiveDown(priority uint8, interval uint16) time.Duration {
	return 3*time.Duration(interval)*centisecond + Skew(priority, interval)
}
