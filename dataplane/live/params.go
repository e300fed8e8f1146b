package live

import "time"

const (
	// shards of a listener's counters. Connections are dealt out over them, so
	// that cores rarely write the same cache line. A power of two.
	shards = 8

	// MaxIdlePerMember bounds the idle server-side connections kept for a member.
	// Fewer cost connects at each burst, more cost descriptors here and there.
	MaxIdlePerMember = 256

	// IdleTimeout is how long a server-side connection stays idle in the pool.
	// Servers close theirs after 5 to 75 s; the sweep also drops those at once.
	IdleTimeout = 30 * time.Second
)
