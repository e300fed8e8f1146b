// Package store is what the cluster agrees on: a deterministic state machine
// over typed commands.
//
//	api → Command → raft log → Store.Apply on every node → State
//	                                     ├→ Read: the API's views
//	                                     ├→ Config: the data plane's view
//	                                     ├→ Watch, WaitIndex: wake-ups
//	                                     └→ Snapshot, Restore: Raft's compaction
//
// Apply reads no clock, draws no random number and does no I/O: ids and times
// travel in the command, and whatever must be chosen (addresses) is chosen by
// a rule that depends on the state alone. So every node that applied the same
// entries has the same bytes in its snapshot. A refused command changes
// nothing but the index.
//
// The package does not own: the shape of requests (api), the log (raft), what
// nodes observe (internal/status), sockets (dataplane).
package store
