package app

import (
	"time"

	"lbd/store/model"
)

// healedAfter is how long a peer must have been silent for its return to count as
// the healing of something.
const healedAfter = time.Second

// heals counts how often a peer was heard again after a silence: then the links may
// have been cut as well, and whoever has the VIPs says so again, since a cache
// that was filled meanwhile would be wrong until the next refresh. Not safe for
// concurrent use.
type heals struct {
	count  uint64
	silent map[model.NodeID]bool
}

// look at the newest reports; it returns the count.
func (w *heals) look(self model.NodeID, reports []model.Heard) uint64 {
	if w.silent == nil {
		w.silent = map[model.NodeID]bool{}
	}
	for _, h := range reports {
		switch {
		case h.Node == self:
		case h.Age >= healedAfter:
			w.silent[h.Node] = true
		case w.silent[h.Node]:
			delete(w.silent, h.Node)
			w.count++
		}
	}
	return w.count
}
