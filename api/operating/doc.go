// Package operating derives what is true of load-balancing objects now from the
// store and the nodes' reports, the way Octavia's health manager does (contract
// 5.5). It computes when asked and keeps nothing.
//
//	store.State ─┐
//	             ├─ View ── operating status, verdicts, counters, why
//	reports ─────┘
package operating
