package semantics

import "time"

// Pace is how fast a client has been while it was waited for. Each wait alone is
// bounded by the listener's client data timeout: a byte before each of them ends would
// hold a connection, and a member, for ever. The zero value has waited for nothing.
type Pace struct {
	waited time.Duration
	moved  int64 // bytes that came of it
}

// Slow notes a wait that brought n bytes and reports whether it was one too many: all
// of them together are longer than Limits.Grace, or than one wait may last (idle), and
// brought less than Limits.Rate bytes for each second beyond that.
func (p *Pace) Slow(wait time.Duration, n int, idle time.Duration, l *Limits) bool {
	p.waited += wait
	p.moved += int64(n)
	return p.waited > max(l.Grace, idle)+time.Duration(p.moved/l.Rate)*time.Second
}
