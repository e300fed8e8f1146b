package live

import (
	"sync/atomic"
	"time"
)

// Policy is the part of an L7 policy that outlives swaps: what it decided.
type Policy struct {
	// Requests that it decided where to go, answered or not.
	Requests atomic.Int64
	// Latency of those that were answered; see Shard.Latency.
	Latency Histogram
}

// Answered counts a request that took so long. p may be nil: no policy decided.
func (p *Policy) Answered(took time.Duration) {
	if p != nil {
		p.Latency.Add(took)
	}
}
