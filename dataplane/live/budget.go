package live

import "sync/atomic"

// Budget bounds file descriptors over all listeners, so that the process never
// meets its limit: accept would then fail for everybody, and so would the
// control plane's files. Taken before the descriptors exist, given back after
// they are closed.
type Budget struct {
	max     int64
	used    atomic.Int64
	refused atomic.Int64
}

// NewBudget allows max descriptors.
func NewBudget(max int64) *Budget { return &Budget{max: max} }

// Take asks for n descriptors and reports whether they are granted.
func (b *Budget) Take(n int64) bool {
	for {
		used := b.used.Load()
		if used+n > b.max {
			b.refused.Add(1)
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Force takes n descriptors that are opened in any case.
func (b *Budget) Force(n int64) { b.used.Add(n) }

// Give returns n descriptors.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

// Used, Max and Refused are for metrics: granted now, the bound, and how often
// Take said no.
func (b *Budget) Used() int64    { return b.used.Load() }
func (b *Budget) Max() int64     { return b.max }
func (b *Budget) Refused() int64 { return b.refused.Load() }
