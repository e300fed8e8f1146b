// Package cli has the sub-commands that talk to a running node: status, token,
// approve, switchover, remove, api and version.
//
// They speak the public REST API over DATA/lbd.sock, a unix socket that only
// its owner (and root) can open, so no password is needed on the node itself:
//
//	lbd status ──► DATA/lbd.sock ──► the node's API, as admin
package cli
