package store

import "lbd/store/model"

// SpreadPayload makes the next version of the table of Spread.
type SpreadPayload struct {
	// Base is the version that it changes; another one means a conflict.
	Base uint64 `json:"base"`
	On   bool   `json:"on"`
	// Holder is the node that holds everything when Spread is turned on, and so the
	// one that has everything in the first version.
	Holder model.NodeID `json:"holder,omitempty"`
	// Moves, at most one a load balancer. Those of load balancers that are gone are
	// passed over.
	Moves []SpreadMove `json:"moves,omitempty"`
}

// SpreadMove gives a load balancer to a node.
type SpreadMove struct {
	LoadBalancer model.LoadBalancerID `json:"loadbalancer"`
	Node         model.NodeID         `json:"node"`
}

// SpreadNotePayload is the history of one version of the table of Spread.
type SpreadNotePayload struct {
	Version uint64 `json:"version"`
	// Changes, at most model.MaxSpreadChanges, all of that version.
	Changes []model.SpreadChange `json:"changes"`
}
