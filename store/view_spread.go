package store

import (
	"maps"
	"net/netip"

	"lbd/store/model"
)

// Spread is the newest version of the table of Spread.
func (st *State) Spread() model.Spread { return st.spread }

// SpreadPlaces is where each load balancer belongs, while Spread is on.
func (st *State) SpreadPlaces() map[model.LoadBalancerID]model.SpreadPlace {
	return maps.Clone(st.spreadPlaces)
}

// SpreadChanges is the history of who was given which load balancers, oldest first.
// Not to be changed.
func (st *State) SpreadChanges() []model.SpreadChange { return st.spreadChanges }

// SpreadShare is a data node's share of the load balancers, by number.
type SpreadShare struct {
	Given int // by the table
	Held  int // as observed
}

// SpreadShares counts the share of every data node; held are the addresses that each is
// seen to hold. nil while Spread is off.
func (st *State) SpreadShares(held map[model.NodeID][]netip.Addr) map[model.NodeID]SpreadShare {
	if !st.spread.On {
		return nil
	}
	shares := map[model.NodeID]SpreadShare{}
	for _, n := range st.nodes {
		if n.Kind == model.DataNode {
			shares[n.ID] = SpreadShare{}
		}
	}
	count := func(id model.NodeID, given, held int) {
		if s, ok := shares[id]; ok {
			shares[id] = SpreadShare{s.Given + given, s.Held + held}
		}
	}
	for _, place := range st.spreadPlaces {
		count(place.Node, 1, 0)
	}
	vips := make(map[netip.Addr]bool, len(st.loadBalancers))
	for _, lb := range st.loadBalancers {
		vips[lb.VIP.Address] = true
	}
	for id, addrs := range held {
		for _, a := range addrs {
			if vips[a] {
				count(id, 0, 1)
			}
		}
	}
	return shares
}
