package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

func TestSpreadTable(t *testing.T) {
	c := newCluster(t)
	c.ok(store.NodePut, &model.Node{ID: "n1", Name: "one", Kind: model.DataNode})
	c.ok(store.NodePut, &model.Node{ID: "n2", Name: "two", Kind: model.DataNode})
	c.ok(store.NodePut, &model.Node{ID: "n3", Name: "three", Kind: model.Witness})
	c.ok(store.NetworkCreate, &model.Network{ID: "net"})
	c.ok(store.SubnetCreate, subnet("sub", "net", "10.0.0.0/24", ""))
	for _, id := range []string{"x", "y"} {
		c.ok(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
			LoadBalancer: model.LoadBalancer{ID: model.LoadBalancerID(id), VIP: model.VIP{Subnet: "sub"}}, NewPort: model.Port{ID: model.PortID("vip-" + id)},
		})
	}
	look := func() (v model.Spread, places map[model.LoadBalancerID]model.SpreadPlace) {
		c.read(func(st *store.State) { v, places = st.Spread(), st.SpreadPlaces() })
		return v, places
	}
	is := func(on bool, want map[model.LoadBalancerID]model.SpreadPlace) uint64 {
		t.Helper()
		v, places := look()
		if v.On != on || !maps.Equal(places, want) {
			t.Errorf("on %v, %v; want %v, %v", v.On, places, on, want)
		}
		return v.Version
	}
	move := func(lb, node string) []store.SpreadMove {
		return []store.SpreadMove{{LoadBalancer: model.LoadBalancerID(lb), Node: model.NodeID(node)}}
	}
	if v := is(false, nil); v != 0 {
		t.Errorf("the first version is %d", v)
	}
	c.refused(store.SpreadPut, &store.SpreadPayload{Moves: move("x", "n2")}, store.Invalid, "Spread is off: there is nothing to move or to turn off")
	c.refused(store.SpreadPut, &store.SpreadPayload{}, store.Invalid, "Spread is off: there is nothing to move or to turn off")
	c.refused(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n3"}, store.Conflict, "node three is a witness: it holds no load balancer")
	c.refused(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n9"}, store.NotFound, "Node n9 not found.")
	c.refused(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n1", Moves: move("x", "n2")}, store.Invalid, "Spread is turned on before anything is moved")

	c.ok(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n1"})
	v1 := is(true, map[model.LoadBalancerID]model.SpreadPlace{"x": {Node: "n1"}, "y": {Node: "n1"}})
	c.refused(store.SpreadPut, &store.SpreadPayload{On: true, Moves: move("x", "n2")}, store.Conflict, "the table of Spread has changed meanwhile")
	c.refused(store.SpreadPut, &store.SpreadPayload{Base: v1, On: true, Moves: move("x", "n3")}, store.Conflict, "node three is a witness: it holds no load balancer")
	c.refused(store.SpreadPut, &store.SpreadPayload{Base: v1, On: true}, store.Invalid, "Spread is on already")

	c.ok(store.SpreadPut, &store.SpreadPayload{Base: v1, On: true, Moves: append(append(move("x", "n2"), move("y", "n1")...), move("gone", "n2")...)})
	v2, places := look()
	if places["x"] != (model.SpreadPlace{Node: "n2", Since: v2.Version}) || places["y"] != (model.SpreadPlace{Node: "n1"}) || len(places) != 2 {
		t.Errorf("after a move: %v", places)
	}
	note := func(v uint64, why string) *store.SpreadNotePayload {
		return &store.SpreadNotePayload{Version: v, Changes: []model.SpreadChange{{Version: v, To: "n2", Count: 9, LoadBalancers: []model.LoadBalancerID{"x"}, Why: why}}}
	}
	said := func(want ...string) {
		t.Helper()
		c.read(func(st *store.State) {
			var got []string
			for _, h := range st.SpreadChanges() {
				got = append(got, fmt.Sprintf("%d %s", h.Version, h.Why))
			}
			if !slices.Equal(got, want) {
				t.Errorf("the history is %q, want %q", got, want)
			}
		})
	}
	c.refused(store.SpreadNote, note(0, "never"), store.Invalid, "a note about Spread needs a version that there was")
	c.refused(store.SpreadNote, note(v2.Version+1, "not yet"), store.Invalid, "a note about Spread needs a version that there was")
	c.refused(store.SpreadNote, &store.SpreadNotePayload{Version: v2.Version, Changes: note(v1, "of another").Changes}, store.Invalid, "a note about Spread does not say what moved where")
	c.ok(store.SpreadNote, note(v2.Version, "silent"))
	c.ok(store.SpreadNote, note(v1, "late"))
	c.ok(store.SpreadNote, note(v2.Version, "dead"))
	said(fmt.Sprintf("%d late", v1), fmt.Sprintf("%d dead", v2.Version))
	for v := range uint64(model.MaxSpreadChanges) {
		c.apply(store.SpreadNote, note(v2.Version, "again"))
		c.apply(store.SpreadNote, note(v, "old"))
	}
	c.read(func(st *store.State) {
		if n := len(st.SpreadChanges()); n > model.MaxSpreadChanges {
			t.Errorf("%d changes are kept", n)
		}
	})
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "x"})
	c.settle()
	v3 := is(true, map[model.LoadBalancerID]model.SpreadPlace{"y": {Node: "n1"}})
	c.ok(store.SpreadPut, &store.SpreadPayload{Base: v3})
	v4 := is(false, map[model.LoadBalancerID]model.SpreadPlace{"y": {Node: "n1"}})
	c.ok(store.SpreadPut, &store.SpreadPayload{Base: v4, On: true, Holder: "n2"})
	is(true, map[model.LoadBalancerID]model.SpreadPlace{"y": {Node: "n2"}})
}
