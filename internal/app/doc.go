// Package app builds a node out of its parts and runs it: store, Raft, data
// plane, VIP holder, API. It has no protocol of its own; what it adds are the
// loops between the parts:
//
//	store.Watch ──► source ──► data plane ──► report ──► status board ──► peers
//	Raft state, data plane, links ──► role.Decide ──► holder (VIPs)
//	status board ──► settle (leader only) ──► store
package app
