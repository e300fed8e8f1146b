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

// NodeKind is what a node is for.
type NodeKind string

const (
	DataNode NodeKind = "data"    // votes, serves traffic, may hold VIPs
	Witness  NodeKind = "witness" // votes, never leads, no data plane
	Spare    NodeKind = "spare"   // does not vote, data plane warm
)
