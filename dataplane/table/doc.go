// Package table is the compiled form of the configuration: immutable, complete
// in itself, replaced as a whole. A Compiler is pure but for the survivors it asks
// for (package live), which it only points to; it keeps what a change does not touch.
//
//	model.Config ──Compile──► Table ─ Service ─ Listener ─ Pool ─ Member
//	                                     │         └──────────────┴──► live.*  (outlive it)
//	                                     ├ Failures: what cannot be served, and why
//	                                     └ Targets: what is to be probed
//
// One object that cannot be served takes down nothing but itself.
package table
