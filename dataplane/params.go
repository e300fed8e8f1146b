package dataplane

import "time"

const (
	// DefaultDrain is how long the connections of a listener that is gone may go
	// on. Longer keeps downloads alive, and old objects on the wire.
	DefaultDrain = 30 * time.Second

	// Bind retry: an address that is taken may become free at any time.
	bindRetryMin = 250 * time.Millisecond
	bindRetryMax = 10 * time.Second

	// Accept backoff when the kernel refuses (descriptors, memory).
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second

	// acceptTurn is how many connections an event loop accepts at a time, at most.
	acceptTurn = 16

	// loadSlack says how many more sockets than another a loop may have and still
	// keep what it accepted: that many, and one in so many. Handing over costs two
	// calls and a wake-up.
	loadSlack = 8

	// quiesceWithin bounds the time before a planned move of the VIPs in which nothing
	// new is taken. New clients wait that long, so it is less than the second after
	// which their kernel asks again; requests that take longer are cut by the move.
	quiesceWithin = 500 * time.Millisecond
	// quiesceSettle is for those whom the kernel is about to connect; then everybody it
	// has connected is to be accepted, which is looked for every quiesceLook. Who has been
	// accepted and asks nothing is waited for, see semantics.Newcomer.
	quiesceSettle = 20 * time.Millisecond
	quiesceLook   = 2 * time.Millisecond

	// sweepEvery is how often idle server-side connections are looked through.
	sweepEvery = 5 * time.Second

	// fdsPerConnection a client may need at once: its own and one to a member.
	fdsPerConnection = 2

	// fdsPerFlow of UDP: the socket towards the member.
	fdsPerFlow = 1

	// minLimitNOFILE is the smallest descriptor limit that leaves room to serve.
	minLimitNOFILE = 128
)

// fdShare splits the process's descriptor limit. The rest of the process (store,
// API, peers, probes) gets a quarter, at most 1024; idle member connections an
// eighth, splice pipes a sixteenth, at most 1024; clients what remains.
// With the usual limits: 1024 gives 288 connections, 20000 gives 7726,
// 1048576 gives 457728.
type fdShare struct {
	clients, idle int64
	pipes         int // pairs
}

func shareFDs(limit int64) fdShare {
	own := min(limit/4, 1024)
	idle := limit / 8
	pipes := min(limit/16, 1024)
	return fdShare{clients: limit - own - idle - pipes, idle: idle, pipes: int(pipes / 2)}
}
