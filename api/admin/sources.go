package admin

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// A node that waits for approval asks once a second.
	joinsPerSecond = 2
	joinBurst      = 20
	// maxSources bounds the table, about 100 bytes each.
	maxSources = 4096
)

// sources limits requests by the address they come from.
type sources struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]*rate.Limiter // guarded by mu
}

func newSources(now func() time.Time) *sources {
	return &sources{now: now, by: map[string]*rate.Limiter{}}
}

// allowed takes a token of from's bucket. When the table is full of busy
// sources, new ones are refused: a cluster has few nodes that join at once.
func (s *sources) allowed(from string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	l, ok := s.by[from]
	if !ok {
		if len(s.by) >= maxSources {
			for k, l := range s.by {
				if l.TokensAt(now) >= joinBurst {
					delete(s.by, k)
				}
			}
			if len(s.by) >= maxSources {
				return false
			}
		}
		l = rate.NewLimiter(joinsPerSecond, joinBurst)
		s.by[from] = l
	}
	return l.AllowN(now, 1)
}
