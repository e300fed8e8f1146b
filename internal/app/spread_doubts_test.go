package app

import (
	"slices"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// A change that nobody confirmed is told of when the table shows it, once.
func TestSpreadDoubts(t *testing.T) {
	type places = map[model.LoadBalancerID]model.SpreadPlace
	at := func(n model.NodeID, since uint64) model.SpreadPlace { return model.SpreadPlace{Node: n, Since: since} }
	moves := []store.SpreadMove{{LoadBalancer: "a", Node: "n1"}, {LoadBalancer: "b", Node: "n3"}}
	for _, tc := range []struct {
		name     string
		bases    []uint64
		answered uint64
		version  uint64
		places   places
		made     []uint64
		open     bool
	}{
		{"no news", []uint64{5}, 0, 5, places{"a": at("n2", 4), "b": at("n2", 5)}, nil, true},
		{"it is the next version", []uint64{5}, 0, 9, places{"a": at("n1", 9), "b": at("n3", 9), "c": at("n2", 5)}, []uint64{9}, false},
		{"with another one behind it", []uint64{5}, 0, 12, places{"a": at("n1", 9), "b": at("n3", 9), "c": at("n3", 12)}, []uint64{9}, false},
		{"one was deleted", []uint64{5}, 0, 9, places{"b": at("n3", 9)}, []uint64{9}, false},
		{"all were deleted", []uint64{5}, 0, 9, places{"c": at("n2", 5)}, nil, false},
		{"another one was made", []uint64{5}, 0, 9, places{"a": at("n1", 9), "b": at("n1", 9)}, nil, false},
		{"one was moved since", []uint64{5}, 0, 12, places{"a": at("n1", 9), "b": at("n3", 12)}, nil, false},
		{"as it was before", []uint64{5}, 0, 9, places{"a": at("n1", 3), "b": at("n3", 3)}, nil, false},
		{"proposed twice, applied once", []uint64{5, 5}, 0, 9, places{"a": at("n1", 9), "b": at("n3", 9)}, []uint64{9}, false},
		{"proposed again, and confirmed", []uint64{5}, 5, 9, places{"a": at("n1", 9), "b": at("n3", 9)}, nil, false},
		{"more than are kept", slices.Repeat([]uint64{5}, maxSpreadNotes+1), 0, 5, places{}, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var ds spreadDoubts
			for _, b := range tc.bases {
				ds.add(spreadDoubt{base: b, moves: moves})
			}
			if tc.answered > 0 {
				ds.answered(tc.answered)
			}
			var made []uint64
			ds.settled(tc.version, tc.places, func(v uint64, _ spreadDoubt) { made = append(made, v) })
			if !slices.Equal(made, tc.made) || ds.any() != tc.open || len(ds.all) > maxSpreadNotes {
				t.Errorf("took effect as %v, %d doubts are left; want %v, left %v", made, len(ds.all), tc.made, tc.open)
			}
		})
	}
}
