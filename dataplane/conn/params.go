package conn

import "time"

// Limits are the waits of HTTP clients that no listener sets. Zero fields are
// the defaults.
type Limits struct {
	// Head is how long a request head may take from its first byte; trickling
	// does not extend it. 408 then. Default 10 s, never more than the listener's
	// client data timeout.
	Head time.Duration
	// KeepAlive is how long a connection may stay idle between requests, or
	// before the first. Default 60 s.
	KeepAlive time.Duration
}

const (
	defaultHead      = 10 * time.Second
	defaultKeepAlive = 60 * time.Second

	// pollEvery is how often a connection that waits for its member looks whether
	// the client is still there: one system call each. It bounds how long a member
	// works for nobody.
	pollEvery = 250 * time.Millisecond

	// finGrace is how long a client that has sent FIN may still wait for its
	// answer to go on. A half-closed client is served; one that is gone looks the
	// same until something is written to it.
	finGrace = time.Second

	// maxInformational answers (1xx) to one request (reliability targets).
	maxInformational = 16

	// maxConnects is how many members are tried for one request.
	maxConnects = 3

	// lastPieceWait is how long an answer waits for the last bytes of its request
	// to be written before it is taken for an early one.
	lastPieceWait = 50 * time.Millisecond

	// outSize is the capacity of the buffers in which a head is put together with
	// what fits of its body: a small answer read in one piece leaves in one write.
	outSize = 20 << 10

	// chunkOverhead is room left for a chunk's size line, its end and the last chunk.
	chunkOverhead = 32

	// directFrom is the size from which a piece of a body is written from where it
	// was read instead of being copied behind other bytes first.
	directFrom = 4 << 10

	// spliceFrom is the number of body bytes still to come from which an answer
	// of known length is spliced. Below, read and write are cheaper.
	spliceFrom = 64 << 10

	// spliceTurn is the most one splice moves, in bytes.
	spliceTurn = 256 << 10
)

func (l Limits) withDefaults() Limits {
	if l.Head <= 0 {
		l.Head = defaultHead
	}
	if l.KeepAlive <= 0 {
		l.KeepAlive = defaultKeepAlive
	}
	return l
}
