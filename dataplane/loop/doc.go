// Package loop is the event loop of engine E: one goroutine per core that waits
// in epoll and calls the handlers of its sockets.
//
//	epoll_wait ─► mark parked sockets that stirred
//	           ─► Handler.Ready per event   (edge-triggered, registered once)
//	           ─► requeued handlers         (their turn was used up)
//	           ─► timers due                (two-level wheel, lazy renewal)
//	           ─► posted commands           (eventfd; the only way in from outside)
//
// Everything of a loop but Post, Load and Batch's readers belongs to its
// goroutine: no lock, no channel and no allocation lies on the way of a request.
// Handlers must not block. A handler that panics loses its own connection, never
// the loop.
//
// Sock remembers an edge that could not be served yet (Readable): no new edge
// comes for it, so whoever stops reading has to go on by himself.
package loop
