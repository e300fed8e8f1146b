package status

import (
	"maps"
	"sync"

	"lbd/store/model"
)

// Totals are a node's counters, by listener, since its data directory was made: its
// processes' added up.
type Totals = map[model.ListenerID]model.ListenerCounters

// Ledger keeps the counters of all nodes so that their sums only grow: across
// restarts, failovers and the loss of nodes. A node adds what its earlier processes
// have counted, as far as its file or another node remembers; a node that was not
// heard since this process started counts with what is remembered; one that was
// removed counts on under no name. It is safe for concurrent use.
type Ledger struct {
	self model.NodeID

	mu     sync.Mutex
	base   Totals                  // guarded by mu; of earlier processes of this node
	of     map[model.NodeID]Totals // guarded by mu; the newest known of every node
	epochs map[model.NodeID]int64  // guarded by mu; of those that were heard
	// before is what was known of a node when another process of it was heard first,
	// until that one knows it, too; guarded by mu.
	before map[model.NodeID]Totals
}

// gone is the name under which the counters of removed nodes are kept.
const gone model.NodeID = ""

// NewLedger begins with what was remembered; the ledger owns it. Self may be set later.
func NewLedger(remembered map[model.NodeID]Totals) *Ledger {
	if remembered == nil {
		remembered = map[model.NodeID]Totals{}
	}
	return &Ledger{base: Totals{}, of: remembered, epochs: map[model.NodeID]int64{}, before: map[model.NodeID]Totals{}}
}

// SetSelf says which node this is; what is remembered of it is then its base.
func (l *Ledger) SetSelf(id model.NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.self == id {
		return
	}
	l.self = id
	l.base = raise(l.base, l.of[id])
}

// Own are this node's totals: live, which the data plane has counted since it
// started, and the base. Listeners that do not exist any more are forgotten.
func (l *Ledger) Own(live Totals, exists func(model.ListenerID) bool) Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := live
	if len(l.base) > 0 {
		out = make(Totals, len(live))
		maps.Copy(out, live)
		for id, b := range l.base {
			c, serving := live[id]
			if !serving && !exists(id) {
				delete(l.base, id)
				continue
			}
			out[id] = plus(c, b)
		}
	}
	if l.self != "" {
		l.of[l.self] = out
	}
	return out
}

// Heard takes the totals that a node reports and gives those to show for it.
func (l *Ledger) Heard(id model.NodeID, epoch int64, row Totals) Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.epochs[id]; !ok || known != epoch {
		l.epochs[id] = epoch
		if old := l.of[id]; len(old) > 0 {
			l.before[id] = old
		}
	}
	if old, ok := l.before[id]; ok {
		if covers(row, old) {
			delete(l.before, id)
		} else {
			row = raise(row, old)
		}
	}
	l.of[id] = row
	return row
}

// For is what a node whose process has just started is to be told: everything that
// is remembered, of itself only what an earlier process of it has reported here.
func (l *Ledger) For(id model.NodeID) map[model.NodeID]Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[model.NodeID]Totals, len(l.of))
	for n, t := range l.of {
		if n != id {
			out[n] = maps.Clone(t)
		}
	}
	if old, ok := l.before[id]; ok {
		out[id] = maps.Clone(old)
	}
	return out
}

// Told takes what another node remembers.
func (l *Ledger) Told(all map[model.NodeID]Totals) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, t := range all {
		if id == l.self {
			l.base = raise(l.base, t)
		} else if len(l.of) < MaxRows || l.of[id] != nil {
			l.of[id] = raise(l.of[id], t)
		}
	}
}

// Silent are the totals that no row of heard stands for.
func (l *Ledger) Silent(heard func(model.NodeID) bool) map[model.NodeID]Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out map[model.NodeID]Totals
	for id, t := range l.of {
		if id != l.self && !heard(id) && len(t) > 0 {
			if out == nil {
				out = map[model.NodeID]Totals{}
			}
			out[id] = t
		}
	}
	return out
}

// Prune forgets listeners that do not exist, and puts what nodes have counted that are
// no members any more where it counts on.
func (l *Ledger) Prune(member func(model.NodeID) bool, exists func(model.ListenerID) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, t := range l.of {
		if id == l.self {
			continue
		}
		if id != gone && !member(id) {
			sum := maps.Clone(l.of[gone])
			if sum == nil {
				sum = Totals{}
			}
			for lis, c := range t {
				sum[lis] = plus(model.ListenerCounters{}, plus(sum[lis], c))
			}
			l.of[gone] = sum
			delete(l.of, id)
			delete(l.epochs, id)
			delete(l.before, id)
			continue
		}
		for lis := range t {
			if !exists(lis) {
				t = maps.Clone(t)
				maps.DeleteFunc(t, func(x model.ListenerID, _ model.ListenerCounters) bool { return !exists(x) })
				l.of[id] = t
				break
			}
		}
	}
}

// Remember is everything, to be written down. Nobody changes it.
func (l *Ledger) Remember() map[model.NodeID]Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.of)
}

// Sum is row with what others have counted added; row is not changed.
func Sum(row Totals, others map[model.NodeID]Totals) Totals {
	out := maps.Clone(row)
	if out == nil {
		out = Totals{}
	}
	for _, t := range others {
		for id, c := range t {
			out[id] = plus(out[id], c)
		}
	}
	return out
}

// plus adds what has been counted; what is true now is c's.
func plus(c, more model.ListenerCounters) model.ListenerCounters {
	c.BytesIn += more.BytesIn
	c.BytesOut += more.BytesOut
	c.TotalConnections += more.TotalConnections
	c.RequestErrors += more.RequestErrors
	c.Requests += more.Requests
	return c
}

// most is the larger of each count; what is true now is a's.
func most(a, b model.ListenerCounters) model.ListenerCounters {
	a.BytesIn = max(a.BytesIn, b.BytesIn)
	a.BytesOut = max(a.BytesOut, b.BytesOut)
	a.TotalConnections = max(a.TotalConnections, b.TotalConnections)
	a.RequestErrors = max(a.RequestErrors, b.RequestErrors)
	a.Requests = max(a.Requests, b.Requests)
	return a
}

// raise is row with nothing less than in floor; neither is changed.
func raise(row, floor Totals) Totals {
	if len(floor) == 0 {
		if row == nil {
			return Totals{}
		}
		return row
	}
	out := make(Totals, max(len(row), len(floor)))
	maps.Copy(out, row)
	for id, c := range floor {
		have, serving := out[id]
		have = most(have, c)
		if !serving {
			have.ActiveConnections, have.Full = 0, false
		}
		out[id] = have
	}
	return out
}

// covers reports whether row has nothing less than floor.
func covers(row, floor Totals) bool {
	for id, c := range floor {
		if most(row[id], c) != row[id] {
			return false
		}
	}
	return true
}
