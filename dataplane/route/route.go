// Package route chooses what happens to a request: which pool it goes to. A
// listener's choice is compiled once per table into a Chain of steps; the first
// step that decides ends it. L7 policies become steps here; without any, the
// default pool is all there is.
package route

import "lbd/dataplane/http1"

// Step looks at a request and may decide. P is the engine's idea of a pool.
type Step[P any] interface {
	// Decide returns the pool and true, or false to let the next step look.
	// It must not allocate nor keep req.
	Decide(req *http1.Request) (P, bool)
}

// Chain is a listener's compiled routing. The zero Chain sends everything to the
// zero pool.
type Chain[P any] struct {
	Steps   []Step[P]
	Default P
}

// Choose runs the steps in order; the default pool takes what no step decided.
func (c *Chain[P]) Choose(req *http1.Request) P {
	for _, s := range c.Steps {
		if p, ok := s.Decide(req); ok {
			return p
		}
	}
	return c.Default
}
