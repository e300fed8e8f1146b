package evudp

import (
	"net/netip"
	"time"
)

// flows are those of a port, by the client's address and port, and in the order of
// their last use: all of them, and those of each client address. Not safe for
// concurrent use.
type flows struct {
	at      map[netip.AddrPort]*flow
	all     order
	sources map[netip.Addr]*order
}

// order is a list of flows, used last to used first, linked by the place in
// flow.links that is its number.
type order struct {
	which          int
	newest, oldest *flow
	n              int
}

type links struct{ newer, older *flow }

const (
	ofAll = iota
	ofSource
	orders
)

func newFlows() flows {
	return flows{at: make(map[netip.AddrPort]*flow), all: order{which: ofAll}, sources: make(map[netip.Addr]*order)}
}

func (s *flows) add(f *flow) {
	s.at[f.client] = f
	s.all.push(f)
	o := s.sources[f.client.Addr()]
	if o == nil {
		o = &order{which: ofSource}
		s.sources[f.client.Addr()] = o
	}
	o.push(f)
}

func (s *flows) remove(f *flow) {
	delete(s.at, f.client)
	s.all.unlink(f)
	o := s.sources[f.client.Addr()]
	if o.unlink(f); o.n == 0 {
		delete(s.sources, f.client.Addr())
	}
}

// used notes that something passed in f at now.
func (s *flows) used(f *flow, now time.Duration) {
	f.last = now
	if now-f.placed < touchEvery {
		return
	}
	f.placed = now
	s.all.front(f)
	s.sources[f.client.Addr()].front(f)
}

// crowded reports whether source has all the flows it may have.
func (s *flows) crowded(source netip.Addr) bool {
	o := s.sources[source]
	return o != nil && o.n >= MaxPerSource
}

// over is a flow that may make room at now, nil for none: of source only, or with
// the zero source of any. The order is exact up to touchEvery.
func (s *flows) over(source netip.Addr, now time.Duration) *flow {
	o := &s.all
	if source.IsValid() {
		o = s.sources[source]
	}
	if o == nil || o.oldest == nil || now-o.oldest.last < quietFor {
		return nil
	}
	return o.oldest
}

func (o *order) push(f *flow) {
	l := &f.links[o.which]
	l.newer, l.older = nil, o.newest
	if o.newest != nil {
		o.newest.links[o.which].newer = f
	} else {
		o.oldest = f
	}
	o.newest = f
	o.n++
}

func (o *order) unlink(f *flow) {
	l := &f.links[o.which]
	if l.newer != nil {
		l.newer.links[o.which].older = l.older
	} else {
		o.newest = l.older
	}
	if l.older != nil {
		l.older.links[o.which].newer = l.newer
	} else {
		o.oldest = l.newer
	}
	*l = links{}
	o.n--
}

func (o *order) front(f *flow) {
	if o.newest != f {
		o.unlink(f)
		o.push(f)
	}
}
