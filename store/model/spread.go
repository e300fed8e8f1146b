package model

import "time"

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

// SpreadChange is what a version of the table of Spread gave from one node to another,
// for one reason. It is history.
type SpreadChange struct {
	Version  uint64    `json:"version"`
	At       time.Time `json:"at"` // by the clock of who proposed it
	From     NodeID    `json:"from,omitempty"`
	FromName string    `json:"from_name,omitempty"` // then; empty where they had no place
	To       NodeID    `json:"to"`
	ToName   string    `json:"to_name"`
	Count    int       `json:"count"` // load balancers
	// LoadBalancers are the first of them by id, at most MaxNamedMoves.
	LoadBalancers []LoadBalancerID `json:"loadbalancers"`
	Why           string           `json:"why"`
}

const (
	// MaxSpreadChanges bounds the history; the oldest go first.
	MaxSpreadChanges = 256
	MaxNamedMoves    = 8
)
