// Package raft makes several lbd processes agree. It owns the node's identity,
// the Raft log and its snapshots, the peer port, membership, and the two clocks
// by which a leader knows how long it may hold the VIPs (lease.go) and a voter
// how long it owes loyalty to one (fence.go). It does not know what is agreed
// on (package store) and it never touches an address (the VIP holder does,
// told by State.LeaseUntil).
//
//	API ── Apply ─► node ── hraft.Raft ── fsm ─► store.Store
//	                 │         │
//	                 │     transport  ◄─ fence (promise, lease), seat, witness
//	                 │         │
//	              peer HTTP    │        one TLS 1.3 port, mutual certificates,
//	                 └── mux ──┘        ALPN "lbd-peer" or "lbd-raft"
//
// DESIGN.md beside this file has the reasons.
package raft
