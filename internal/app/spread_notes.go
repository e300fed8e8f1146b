package app

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"lbd/internal/spread"
	"lbd/store"
	"lbd/store/model"
)

// maxSpreadNotes bounds the versions of the table that are still to be written down;
// the oldest go first.
const maxSpreadNotes = 16

// spreadNotes are the changes of the table of Spread by this node that the history does
// not have yet. They are written after the change: nothing waits for them.
type spreadNotes struct {
	mu      sync.Mutex
	waiting []*store.SpreadNotePayload // guarded by mu
	tried   time.Time                  // of the goroutine in run
}

func (n *spreadNotes) add(p *store.SpreadNotePayload) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting = append(n.waiting, p); len(n.waiting) > maxSpreadNotes {
		n.waiting = n.waiting[1:]
	}
}

func (n *spreadNotes) first() *store.SpreadNotePayload {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waiting) == 0 {
		return nil
	}
	return n.waiting[0]
}

func (n *spreadNotes) drop(p *store.SpreadNotePayload) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = slices.DeleteFunc(n.waiting, func(q *store.SpreadNotePayload) bool { return q == p })
}

// writeNotes puts what waits into the log, the oldest first. What is refused for good, as by a
// node that cannot read it, is not written.
func (s *spreader) writeNotes(ctx context.Context) {
	if time.Since(s.notes.tried) < noteAgain {
		return
	}
	for p := s.notes.first(); p != nil; p = s.notes.first() {
		tctx, cancel := context.WithTimeout(ctx, noteAgain)
		_, err := s.node.Apply(tctx, store.Command{Kind: store.SpreadNote, At: time.Now().UTC(), Actor: "system:spread", Payload: p})
		cancel()
		if kind := store.KindOf(err); err != nil && (kind == "" || kind == store.Unavailable) {
			s.notes.tried = time.Now()
			s.log.Debug("change of the table not written yet", "version", p.Version, "err", err)
			return
		}
		if err != nil {
			s.log.Debug("change of the table is not in the history", "version", p.Version, "err", err)
		}
		s.notes.drop(p)
	}
}

// moved notes and counts the moves of a version; why says in words what each is for.
func (s *spreader) moved(version uint64, t spread.Table, moves []store.SpreadMove, why func(store.SpreadMove) string) {
	names := map[model.NodeID]string{}
	s.st.Read(func(st *store.State) {
		for _, n := range st.Nodes() {
			names[n.ID] = n.Name
		}
	})
	for _, m := range moves {
		s.moves.WithLabelValues(why(m)).Inc()
	}
	p := &store.SpreadNotePayload{Version: version, Changes: spreadChanges(version, time.Now().UTC(), t, moves, names, why)}
	s.notes.add(p)
}

// spreadChanges sums moves up, by from where to where and why, in that order.
func spreadChanges(version uint64, at time.Time, t spread.Table, moves []store.SpreadMove, names map[model.NodeID]string, why func(store.SpreadMove) string) (changes []model.SpreadChange) {
	for _, m := range moves {
		from := t.Places[m.LoadBalancer].Node
		c := model.SpreadChange{Version: version, At: at, From: from, FromName: cmp.Or(names[from], string(from)), To: m.Node, ToName: cmp.Or(names[m.Node], string(m.Node)), Why: why(m)}
		i := slices.IndexFunc(changes, func(o model.SpreadChange) bool { return o.From == c.From && o.To == c.To && o.Why == c.Why })
		if i < 0 {
			changes, i = append(changes, c), len(changes)
		}
		if changes[i].Count++; len(changes[i].LoadBalancers) < model.MaxNamedMoves {
			changes[i].LoadBalancers = append(changes[i].LoadBalancers, m.LoadBalancer)
		}
	}
	slices.SortFunc(changes, func(a, b model.SpreadChange) int {
		return cmp.Or(cmp.Compare(a.FromName, b.FromName), cmp.Compare(a.ToName, b.ToName), cmp.Compare(a.Why, b.Why))
	})
	return changes[:min(len(changes), model.MaxSpreadChanges)]
}
