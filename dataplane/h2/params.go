package h2

import "time"

// Protocol is HTTP/2's name in ALPN.
const Protocol = "h2"

const (
	// maxStreams is how many streams of one connection are open at once. As many
	// again may be closed, by the client's reset above all, and still being served.
	maxStreams = 128

	// streamWindow and connWindow bound what a client may send ahead of what is
	// read: per stream, and buffered for all streams of a connection together.
	streamWindow = 64<<10 - 1
	connWindow   = 1 << 20

	// maxFrame is the largest payload we take, and the largest we send.
	maxFrame = 16 << 10
	// maxSend is what one write to the transport carries at most before the lock
	// goes to another stream.
	maxSend = 32 << 10

	// tableSize bounds the dynamic table of either direction (RFC 7541 section 4).
	tableSize = 4 << 10
	// keptFields is for how many fields of a header block an idle connection keeps room.
	keptFields = 32
	// maxContinuations is how many CONTINUATION frames one header block may have.
	// Enough for the largest list in frames of 4 KiB.
	maxContinuations = 32

	// The budget of what costs us and brings nothing: see budget.
	budgetFull   = 1000
	budgetPerSec = 100
	// Prices in the budget. A reset costs the work of a request that was begun.
	priceControl = 1
	priceReset   = 10
	// What a complete answer, and each frame of one, gives back: a client that takes
	// what it asked for sends a WINDOW_UPDATE or two for it, and PINGs meanwhile. A
	// request alone gives nothing: one that is opened to be reset would be free.
	gainRequest = 10
	gainFrame   = 3
	// smallData is the payload below which a DATA frame that does not end its
	// stream is charged.
	smallData = 128

	// drainGrace is how long a draining connection waits for the client's word
	// that it knows before it names the last stream.
	drainGrace = time.Second
)
