package store

import (
	"cmp"
	"slices"
	"strings"

	"lbd/store/model"
)

// Settleable says what the leader may settle now, given the reports of the
// live nodes with a data plane: everything up to the index that all of them
// serve. ok is false when that ends nothing, or when live has no data node.
// Failures name only objects that the entry would settle; where several nodes
// failed an object, their reasons are joined.
func Settleable(st *State, live []model.Heard) (settle Settle, ok bool) {
	var nodes []model.Heard
	for _, h := range live {
		if n, known := st.nodes[h.Node]; known && n.Kind == model.Witness {
			continue
		}
		nodes = append(nodes, h)
	}
	if len(nodes) == 0 {
		return Settle{}, false
	}
	applied := nodes[0].Applied
	for _, h := range nodes {
		applied = min(applied, h.Applied)
	}
	for _, at := range st.pending {
		if at <= applied {
			settle.Index = max(settle.Index, at)
		}
	}
	if settle.Index == 0 {
		return Settle{}, false
	}

	slices.SortStableFunc(nodes, func(a, b model.Heard) int {
		return cmp.Compare(st.nodeName(a.Node), st.nodeName(b.Node))
	})
	reasons := map[string][]string{}
	for _, h := range nodes {
		for _, f := range h.Failures {
			if st.settles(f.Object, settle.Index) {
				reasons[f.Object] = append(reasons[f.Object], st.nodeName(h.Node)+": "+f.Reason)
			}
		}
	}
	for id, rs := range reasons {
		settle.Failures = append(settle.Failures, model.Failure{Object: id, Reason: strings.Join(rs, "; ")})
	}
	slices.SortFunc(settle.Failures, func(a, b model.Failure) int { return cmp.Compare(a.Object, b.Object) })
	return settle, true
}

func (st *State) nodeName(id model.NodeID) string {
	if n, ok := st.nodes[id]; ok {
		return n.Name
	}
	return string(id)
}

// settles reports whether a settle entry of that index ends the object's pending.
func (st *State) settles(id string, index uint64) bool {
	for n := range nouns {
		if at, ok := st.pending[ref{n, id}]; ok && at <= index {
			return true
		}
	}
	return false
}
