// Package dataplane moves the bytes: it serves the configuration that the store
// agreed on, and reports what it sees.
//
//	Source ─► Engine.Run: compile ─► swap ─► report
//	             │           table     sockets (outlive swaps)
//	             │                       ├─ loop ─► evhttp (HTTP/1.1) or evtcp (TCP) ─► members
//	             │                       └─ goroutine ─► conn (TLS; what loops hand over) ─► members
//	             ├─ health ─► verdicts, read by the next pick
//	             └─ live: counters, gates, idle connections (outlive swaps)
//
// I/O-free packages decide what is on the wire: http1 (framing), rewrite
// (headers), route and balance (which member), semantics (when to repeat, what to
// answer). Two engines move bytes between them: event loops for all that comes in
// clear, goroutines for TLS. Nothing here knows Raft, roles or the API; sockets are open on every node
// (IP_FREEBIND), whoever holds the address.
//
// DESIGN.md says why it is built like this.
package dataplane
