// Package dataplane moves the bytes: it serves the configuration that the store
// agreed on, and reports what it sees.
//
//	Source ─► Engine.Run: compile ─► swap ─► report
//	             │           table     sockets (outlive swaps)
//	             │                       └─ accept ─► conn (HTTP/1.1) or l4 (TCP) ─► members
//	             ├─ health ─► verdicts, read by the next pick
//	             └─ live: counters, gates, idle connections (outlive swaps)
//
// I/O-free packages decide what is on the wire: http1 (framing), rewrite
// (headers), route and balance (which member). The engines move bytes between
// them. Nothing here knows Raft, roles or the API; sockets are open on every node
// (IP_FREEBIND), whoever holds the address.
//
// DESIGN.md says why it is built like this.
package dataplane
