// Package model holds the nouns of lbd: what the cluster agrees on (load
// balancers, listeners, pools, members, monitors, networks, users, nodes) and
// what each node observes (health, counters, roles).
//
// Entities are immutable once stored: apply replaces pointers, readers share
// them without locks. Never write through a pointer that came out of the store.
//
// The package does no I/O, reads no clock and imports nothing of ours.
package model
