package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/internal/spread"
	"lbd/store"
	"lbd/store/model"
)

// Moves are summed up by where from, where to and why, with the first few by name.
func TestSpreadChanges(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	table := spread.Table{Places: map[model.LoadBalancerID]model.SpreadPlace{}}
	var moves []store.SpreadMove
	for _, lb := range "abcdefghijkl" {
		id := model.LoadBalancerID(string(lb))
		table.Places[id] = model.SpreadPlace{Node: "n2"}
		moves = append(moves, store.SpreadMove{LoadBalancer: id, Node: "n1"})
	}
	moves[1].Node = "n3"      // b goes elsewhere
	delete(table.Places, "c") // c is new
	table.Places["d"] = model.SpreadPlace{Node: "gone"}
	nodes := []spread.Node{{ID: "n2", Why: spread.Silent}}
	got := spreadChanges(7, at, table, moves, map[model.NodeID]string{"n1": "one", "n2": "two"}, func(m store.SpreadMove) string { return spread.Why(table, nodes, m) })
	change := func(from, fromName, to, toName, why string, count int, lbs ...model.LoadBalancerID) model.SpreadChange {
		return model.SpreadChange{
			Version: 7, At: at, From: model.NodeID(from), FromName: fromName, To: model.NodeID(to), ToName: toName, Why: why, Count: count, LoadBalancers: lbs,
		}
	}
	want := []model.SpreadChange{
		change("", "", "n1", "one", spread.New, 1, "c"),
		change("gone", "gone", "n1", "one", spread.Removed, 1, "d"),
		change("n2", "two", "n3", "n3", spread.Silent, 1, "b"),
		change("n2", "two", "n1", "one", spread.Silent, 9, "a", "e", "f", "g", "h", "i", "j", "k"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
