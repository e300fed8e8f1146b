package netio

import "time"

// ArmRead makes reads fail when nothing arrives for d, and for at most a quarter
// longer: a deadline that is still far enough away is left as it is. d <= 0
// removes the deadline.
func (c *Conn) ArmRead(d time.Duration) {
	if t, ok := renew(c.rdl, d); ok {
		c.rdl = t
		c.setReadDeadline(t)
	}
}

// ReadUntil makes reads fail at t exactly.
func (c *Conn) ReadUntil(t time.Time) {
	c.rdl = t
	c.setReadDeadline(t)
}

// ArmWrite is ArmRead for writes.
func (c *Conn) ArmWrite(d time.Duration) {
	if t, ok := renew(c.wdl, d); ok {
		c.wdl = t
		_ = c.tcp.SetWriteDeadline(t)
	}
}

// Wake makes a pending and every later read fail at once, until the reader sets
// another deadline. Any goroutine may call it.
func (c *Conn) Wake() { c.setReadDeadline(time.Unix(1, 0)) }

// renew says whether a deadline at old must be replaced so that it is d to
// d+d/deadlineSlack away, and by what.
func renew(old time.Time, d time.Duration) (time.Time, bool) {
	if d <= 0 {
		return time.Time{}, !old.IsZero()
	}
	now := time.Now()
	slack := d / deadlineSlack
	if left := old.Sub(now); left >= d && left <= d+slack {
		return old, false
	}
	return now.Add(d + slack), true
}
