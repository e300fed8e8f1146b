package model

// Spread is the table that says which data node holds the addresses of which load
// balancer, while they are distributed over the nodes (decision 0049). It is what
// was decided, never what is in effect: that is in the reports.
type Spread struct {
	// Version is the Raft index of the newest change; 0: it was never used.
	Version uint64 `json:"version"`
	// On is false while the leader holds everything.
	On bool `json:"on"`
}

// SpreadPlace is where a load balancer belongs.
type SpreadPlace struct {
	Node NodeID `json:"node"`
	// Since is the version that gave it to Node; 0 when Node held it already as
	// the leader that turned Spread on.
	Since uint64 `json:"since"`
}
