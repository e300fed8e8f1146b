package conn

import (
	"time"

	"lbd/dataplane/semantics"
)

// Limits are the waits of HTTP clients that no listener sets.
type Limits = semantics.Limits

const (
	// pollEvery is how often a connection that waits for its member looks whether
	// the client is still there: one system call each. It bounds how long a member
	// works for nobody.
	pollEvery = 250 * time.Millisecond

	// lastPieceWait is how long an answer waits for the last bytes of its request
	// to be written before it is taken for an early one.
	lastPieceWait = 50 * time.Millisecond

	// directFrom is the size from which a piece of a body is written from where it
	// was read instead of being copied behind other bytes first.
	directFrom = 4 << 10

	// spliceFrom is the number of body bytes still to come from which an answer
	// of known length is spliced. Below, read and write are cheaper.
	spliceFrom = 64 << 10

	// spliceTurn is the most one splice moves, in bytes.
	spliceTurn = 256 << 10
)
