package tlsterm

import "time"

const (
	// ticketPeriod is how long one key encrypts session tickets. Keys are derived
	// from the cluster's key and the number of the period, so that all nodes have
	// the same without talking. A key opens tickets of its own period, the two
	// before and the one after (clocks differ): a ticket lasts 12 to 18 hours.
	ticketPeriod = 6 * time.Hour

	// HandshakeTime bounds one handshake from accept to end. Longer helps nobody on
	// a working network; shorter cuts off clients behind lossy links.
	HandshakeTime = 10 * time.Second

	// maxQueued handshakes may wait for a place; more are closed. At 1 ms each that
	// is some seconds of work: who waits longer has given up.
	maxQueued = 4096

	// memberSessions is how many sessions with members a pool remembers.
	memberSessions = 256
)
