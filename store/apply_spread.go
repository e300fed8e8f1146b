package store

import (
	"cmp"
	"slices"

	"lbd/store/model"
)

// spreadPut makes a version of the table of Spread (decision 0049). To turn it on
// gives everything to who holds it; it takes further versions to distribute it.
// Turned off, the table keeps its places: who leads holds what was his while the
// others let go of theirs.
func (t *tx) spreadPut(p *SpreadPayload) error {
	now := t.st.spread
	switch {
	case p.Base != now.Version:
		return Errorf(Conflict, "the table of Spread has changed meanwhile")
	case p.On && !now.On && len(p.Moves) > 0:
		return Errorf(Invalid, "Spread is turned on before anything is moved")
	case !p.On && (!now.On || len(p.Moves) > 0):
		return Errorf(Invalid, "Spread is off: there is nothing to move or to turn off")
	case p.On && !now.On:
		if err := t.mayHold(p.Holder); err != nil {
			return err
		}
	case p.On && len(p.Moves) == 0:
		return Errorf(Invalid, "Spread is on already")
	}
	for _, m := range p.Moves {
		if err := t.mayHold(m.Node); err != nil {
			return err
		}
	}

	if p.On && !now.On {
		clear(t.st.spreadPlaces)
		for id := range t.st.loadBalancers {
			t.st.spreadPlaces[id] = model.SpreadPlace{Node: p.Holder}
		}
	}
	for _, m := range p.Moves {
		_, exists := t.st.loadBalancers[m.LoadBalancer]
		if old, ok := t.st.spreadPlaces[m.LoadBalancer]; exists && (!ok || old.Node != m.Node) {
			t.st.spreadPlaces[m.LoadBalancer] = model.SpreadPlace{Node: m.Node, Since: t.index}
		}
	}
	t.st.spread = model.Spread{Version: t.index, On: p.On}
	return nil
}

// spreadNote adds to the history, or replaces what is said of the same version.
func (t *tx) spreadNote(p *SpreadNotePayload) error {
	if p.Version == 0 || p.Version > t.st.spread.Version || len(p.Changes) > model.MaxSpreadChanges {
		return Errorf(Invalid, "a note about Spread needs a version that there was")
	}
	for _, c := range p.Changes {
		if c.Version != p.Version || c.To == "" || c.Count < len(c.LoadBalancers) || len(c.LoadBalancers) > model.MaxNamedMoves {
			return Errorf(Invalid, "a note about Spread does not say what moved where")
		}
	}
	t.st.spreadChanges = keepChanges(slices.DeleteFunc(slices.Clone(t.st.spreadChanges), func(c model.SpreadChange) bool { return c.Version == p.Version }), p.Changes...)
	return nil
}

// keepChanges adds to a history of Spread and keeps the newest.
func keepChanges(all []model.SpreadChange, more ...model.SpreadChange) []model.SpreadChange {
	all = append(all, more...)
	slices.SortStableFunc(all, func(a, b model.SpreadChange) int { return cmp.Compare(a.Version, b.Version) })
	return all[max(0, len(all)-model.MaxSpreadChanges):]
}

// mayHold refuses who never holds VIPs.
func (t *tx) mayHold(id model.NodeID) error {
	n, ok := t.st.nodes[id]
	if !ok {
		return notFound("Node", id)
	}
	if n.Kind != model.DataNode {
		return Errorf(Conflict, "node %s is a %s: it holds no load balancer", n.Name, n.Kind)
	}
	return nil
}
