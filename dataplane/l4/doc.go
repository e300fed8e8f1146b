// Package l4 relays bytes between a client and a member: TCP listeners, HTTPS
// listeners (passed through unread) and what follows an HTTP upgrade.
//
//	client ──► pump ──► member      one goroutine per direction, each at its own
//	client ◄── pump ◄── member      pace; a slow reader stops its writer
//
// A direction that ends is passed on as a half-close; the other one goes on. A
// reset is passed on as a reset. Small exchanges go through a pooled buffer that
// is held only while it carries bytes; once a direction moves bulk it is spliced
// inside the kernel.
package l4
