// Package route chooses what happens to a request: which pool it goes to, or
// which answer it gets from us. A listener's choice is compiled once per table
// into a Chain of steps; the first step that decides ends it. L7 policies are such
// a step (Policies); without any, the default pool is all there is.
//
//	request head, Client ──► step ──► step ──► default pool
//	                          │        │
//	                          └────────┴──► Verdict: pool | reject | redirect
package route

import "lbd/dataplane/http1"

// Step looks at a request and may decide. P is the engine's idea of a pool.
type Step[P any] interface {
	// Decide returns a verdict and true, or false to let the next step look.
	// It must not allocate nor keep req. c is never nil.
	Decide(req *http1.Request, c *Client) (Verdict[P], bool)
}

// Chain is a listener's compiled routing. The zero Chain sends everything to the
// zero pool.
type Chain[P any] struct {
	Steps   []Step[P]
	Default P
}

// Choose runs the steps in order; the default pool takes what no step decided.
func (ch *Chain[P]) Choose(req *http1.Request, c *Client) Verdict[P] {
	for _, s := range ch.Steps {
		if v, ok := s.Decide(req, c); ok {
			return v
		}
	}
	return Verdict[P]{Pool: ch.Default}
}
