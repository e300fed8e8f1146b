package evudp

import "time"

const (
	// Queue is how many bytes may wait in a listening socket: a burst while the
	// loop serves others. The kernel counts its own costs, some 800 bytes for a short
	// datagram.
	Queue = 4 << 20

	// MaxPerSource is how many flows one client address may have on one loop of one
	// listener: a resolver or a translator of addresses needs thousands, and nobody
	// may have all.
	MaxPerSource = 8192

	// quietFor is how long nothing has passed in a flow that may make room for a new
	// one. Less ends streams, more keeps questions that were answered long ago.
	quietFor = time.Second

	// touchEvery is how exact a flow's place in the order of use is. More often costs
	// work for each datagram.
	touchEvery = 100 * time.Millisecond

	// renewEvery is how often a flow in use renews its session. A second is the shortest
	// time that sessions can be given.
	renewEvery = time.Second / 2

	// begEvery is how often a port without room asks those on other loops, begFor for how
	// many flows at most.
	begEvery = 10 * time.Millisecond
	begFor   = 64

	// maxConnects is how many members are tried for one datagram.
	maxConnects = 3

	// retiredIdle ends the flows of a process that another has replaced: what clients
	// send arrives there.
	retiredIdle = 5 * time.Second
)
