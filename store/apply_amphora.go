package store

import (
	"cmp"
	"maps"
	"slices"

	"lbd/store/model"
)

// Amphorae are no objects of the store: the API makes a row of each data node and load
// balancer. What is kept is which of them an operator deleted while the node was silent.

func (t *tx) amphoraDismiss(p *model.Dismissal) error {
	if !has(t.st.nodes, p.Node) {
		return notFound("Node", p.Node)
	}
	if !has(t.st.loadBalancers, p.LoadBalancer) {
		return notFound("Load Balancer", p.LoadBalancer)
	}

	t.st.dismissals[*p] = struct{}{}
	return nil
}

// amphoraRestore shows all amphorae of a node again: it was heard.
func (t *tx) amphoraRestore(p *NodeRef) error {
	if !has(t.st.nodes, p.ID) {
		return notFound("Node", p.ID)
	}

	t.st.restoreAmphorae(p.ID)
	return nil
}

func (st *State) restoreAmphorae(node model.NodeID) {
	maps.DeleteFunc(st.dismissals, func(d model.Dismissal, _ struct{}) bool { return d.Node == node })
}

// dropDismissals is for a load balancer that goes.
func (st *State) dropDismissals(lb model.LoadBalancerID) {
	for node := range st.nodes {
		delete(st.dismissals, model.Dismissal{Node: node, LoadBalancer: lb})
	}
}

// Dismissed reports whether an operator deleted an amphora.
func (st *State) Dismissed(d model.Dismissal) bool { return has(st.dismissals, d) }

// Dismissals are all deleted amphorae, by node and load balancer.
func (st *State) Dismissals() []model.Dismissal {
	return slices.SortedFunc(maps.Keys(st.dismissals), func(a, b model.Dismissal) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.LoadBalancer, b.LoadBalancer))
	})
}
