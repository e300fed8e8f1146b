package octavia

import (
	"time"

	"lbd/api/operating"
	"lbd/store"
)

// seen is what the store says together with what the nodes see: the ground of
// every answer. It lives for one request.
type seen struct {
	*operating.View
	st *store.State
}

// look runs fn with one consistent view. fn must not keep it.
func (p *Part) look(fn func(s *seen)) {
	rows, self := p.observe.Reports(), p.cluster.Self()
	p.read.Read(func(st *store.State) {
		fn(&seen{operating.New(st, rows, self, time.Now()), st})
	})
}
