package evhttp

import "time"

const (
	// turn is how many bytes a connection moves before the others have theirs.
	turn = 256 << 10

	// spliceRest is how much of a body must be to come for it to be spliced. Less
	// is one read.
	spliceRest = 128 << 10

	// headRead is the size of a read that expects a head.
	headRead = 64 << 10

	// slowRead is the size of reads for a client that was full once.
	slowRead = 64 << 10

	// inboxMax is the most that is kept of one side: the longest head and some.
	inboxMax = 68 << 10

	// outStart is the first size of an exchange's request buffer; it grows to
	// semantics.OutSize where a body comes with the head, and beyond for long heads.
	outStart = 2 << 10

	// lingerTime and lingerBytes bound how long a closing connection goes on
	// reading what the client still sends, so that its last answer is not lost to a
	// reset (RFC 9112 section 9.6).
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20

	// popReach is how many parked connections are passed over to find one that need
	// not be looked at.
	popReach = 64

	// freeExchanges are kept for reuse.
	freeExchanges = 1024
)
