package model

import (
	"net/netip"
	"time"
)

// Node is one lbd process of the cluster, as the cluster agreed to have it.
// What it does right now is in its Report, never here.
type Node struct {
	ID      NodeID   `json:"id"`
	Name    string   `json:"name"` // unique in the cluster
	Kind    NodeKind `json:"kind"`
	API     string   `json:"api"`     // host:port
	Cluster string   `json:"cluster"` // host:port, Raft and peer RPC
	// Addresses are the node's own interface addresses with their prefixes:
	// never handed out as VIPs.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Joined    time.Time      `json:"joined_at"`
	Revision  uint64         `json:"revision"`
}

// Dismissal says that an operator deleted the amphora that a silent node is for a
// load balancer: it is not shown until the node is heard again.
type Dismissal struct {
	Node         NodeID         `json:"node"`
	LoadBalancer LoadBalancerID `json:"load_balancer"`
}

// NodeKind is what a node is for.
type NodeKind string

const (
	DataNode NodeKind = "data"    // votes, serves traffic, may hold VIPs
	Witness  NodeKind = "witness" // votes, never leads, no data plane
	Spare    NodeKind = "spare"   // does not vote, data plane warm
)
