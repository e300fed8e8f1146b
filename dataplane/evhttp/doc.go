// Package evhttp is engine E for HTTP/1.1: state machines on an event loop, with
// the framing of http1, the header rules of rewrite and the decisions of
// semantics, so that it serves what engine G (package conn) serves.
//
//	client.Ready ─► run ─► step, until nothing moves or the turn is used up
//	   idle ── head ── busy ───────────────────────────── idle ...
//	                    │ up:   x.out, then the rest of the body
//	                    │ down: 1xx, head and body in one call where they fit
//	                    ├─► tunnel (101; a Relay of evtcp)
//	                    └─► closing ─► lingering
//	peer.Ready ─► the client it works for, or out of the pool
//
// An idle connection is one struct and no buffer. An exchange is borrowed for
// the time of a request. The configuration is read once per request.
package evhttp
