package store

import (
	"slices"
	"sync"
)

// ordered is the objects of a table in the order of lists. Sorting ten thousand of them
// takes milliseconds, in which nothing is applied; so they are sorted by the first who
// asks, and put and drop keep the order from then on.
type ordered[V any] struct {
	by func(a, b *V) int

	// Those who read the state may make rows at the same time. Who writes it is alone.
	mu   sync.Mutex
	made bool // guarded by mu
	rows []*V // guarded by mu
}

// put adds an object, or replaces old, the version of it in the table before.
func (o *ordered[V]) put(old, n *V) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.made {
		return
	}
	if old != nil && o.by(old, n) != 0 {
		o.remove(old)
	}
	i, found := slices.BinarySearchFunc(o.rows, n, o.by)
	if found {
		o.rows[i] = n
	} else {
		o.rows = slices.Insert(o.rows, i, n)
	}
}

// drop removes an object.
func (o *ordered[V]) drop(old *V) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remove(old)
}

// remove needs o.mu.
func (o *ordered[V]) remove(old *V) {
	if i, found := slices.BinarySearchFunc(o.rows, old, o.by); found {
		o.rows = slices.Delete(o.rows, i, i+1)
	}
}

// listed gives the objects of m, which o keeps the order of. The slice is the caller's.
func listed[K comparable, V any](o *ordered[V], m map[K]*V) []*V {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.made {
		o.rows, o.made = all(m, o.by), true
	}
	return slices.Clone(o.rows)
}
