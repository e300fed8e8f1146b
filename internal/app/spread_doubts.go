package app

import (
	"slices"
	"sync"

	"lbd/internal/spread"
	"lbd/store"
	"lbd/store/model"
)

// spreadDoubt is a change of the table of Spread of which nobody could say whether it
// took effect, as when the leader died while it was under way.
type spreadDoubt struct {
	base  uint64 // version that it follows
	t     spread.Table
	moves []store.SpreadMove
	why   func(store.SpreadMove) string
}

// settle tells whether a table of that version shows that the change became version
// made; 0 means that it did not, or that later changes hide it. open says that it may
// still come.
func (d spreadDoubt) settle(version uint64, places map[model.LoadBalancerID]model.SpreadPlace) (made uint64, open bool) {
	if version <= d.base {
		return 0, true
	}
	for _, m := range d.moves {
		p, ok := places[m.LoadBalancer]
		if !ok {
			continue // deleted since
		}
		if p.Node != m.Node || p.Since <= d.base || made != 0 && p.Since != made {
			return 0, false
		}
		made = p.Since
	}
	return made, false
}

// spreadDoubts are those of this node, maxSpreadNotes of them; the oldest go first.
type spreadDoubts struct {
	mu  sync.Mutex
	all []spreadDoubt // guarded by mu
}

func (ds *spreadDoubts) add(d spreadDoubt) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.all = append(ds.all, d); len(ds.all) > maxSpreadNotes {
		ds.all = ds.all[1:]
	}
}

// answered drops those about what follows base: that is known now.
func (ds *spreadDoubts) answered(base uint64) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.all = slices.DeleteFunc(ds.all, func(d spreadDoubt) bool { return d.base == base })
}

// settled takes those out that the table leaves no doubt about, and calls happened for
// each that took effect.
func (ds *spreadDoubts) settled(version uint64, places map[model.LoadBalancerID]model.SpreadPlace, happened func(version uint64, d spreadDoubt)) {
	ds.mu.Lock()
	var was []spreadDoubt
	ds.all = slices.DeleteFunc(ds.all, func(d spreadDoubt) bool {
		_, open := d.settle(version, places)
		if !open {
			was = append(was, d)
		}
		return !open
	})
	ds.mu.Unlock()
	var last uint64 // the same was proposed again: one of them took effect
	for _, d := range was {
		if made, _ := d.settle(version, places); made > last {
			happened(made, d)
			last = made
		}
	}
}

// any tells whether there is one.
func (ds *spreadDoubts) any() bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return len(ds.all) > 0
}
