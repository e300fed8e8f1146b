// Package live holds what outlives a change of configuration: the counters and
// the connection gate of a listener, the health, load and idle connections of a
// member, the set of open connections that a drain has to end, and the budget of
// file descriptors.
//
//	table (immutable, replaced) ──► live.Listener   counters, limit gate
//	                            └─► live.Member     verdict, active, idle connections
//	socket ──► live.Group (connections of one listener on one socket)
//
// Everything here may be used by many goroutines. Nothing here decides: the
// engines and the health checker do.
package live
