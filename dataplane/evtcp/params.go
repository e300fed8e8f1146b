package evtcp

import "time"

const (
	// Turn is how many bytes a handler moves before the others have theirs.
	Turn = 256 << 10

	// blockedRead is the size of reads once a peer has been full: what it does not
	// take has to be kept.
	blockedRead = 64 << 10

	// maxConnects is how many members are tried for one connection.
	maxConnects = 3
)

const forever = time.Duration(1<<63 - 1)
