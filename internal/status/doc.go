// Package status keeps what the nodes say about themselves: one row per node,
// written by that node only, the newest (Epoch, Seq) wins. It is soft state: it
// never enters the Raft log, and a restart begins empty.
//
//	own report ──► Board.Put ─┐
//	peers' push ─► Board.Put ─┴─► rows ──► Reports: each with its age
//
// Age is measured by this node's monotonic clock from when the row came in; the
// clocks of nodes are never compared. A row older than the detection time says
// nothing any more: see Role.
package status
