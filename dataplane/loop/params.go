package loop

import "time"

const (
	// maxEvents of one epoll_wait.
	maxEvents = 256

	// ScratchSize of the shared read buffers, in bytes: bulk moves in pieces of up
	// to this. More gained nothing, less costs calls.
	ScratchSize = 256 << 10

	// Headroom in front of a scratch buffer's payload, in bytes: a head that is
	// written anew is put right before the body that was read, so that both leave
	// in one call. The longest head has 64 KiB.
	Headroom = 80 << 10

	// PipeSize is what one splice moves at most, in bytes, and what pipes are asked
	// to hold.
	PipeSize = 256 << 10

	// BulkRead is how much one read brings where bytes come faster than they can be
	// read: from then on they are spliced. TrickleRead is how little one splice
	// moves before it is given up again: it costs two calls where copying costs less.
	BulkRead    = 64 << 10
	TrickleRead = 16 << 10

	// oneSegment is how much surely fits into one TCP segment, in bytes (RFC 9293
	// section 3.7.1: 536).
	oneSegment = 500

	// refreshEvery so many events of a batch the loop looks at the clock again.
	refreshEvery = 16

	// keepPipes that are free, for reuse.
	keepPipes = 64

	// Tick of the timer wheel. Deadlines are never early and up to a tick late.
	Tick = 8 * time.Millisecond

	wheelBits  = 8
	wheelSlots = 1 << wheelBits
	wheelMask  = wheelSlots - 1
)

// Sizes of lent buffers, in bytes, and how many free ones a loop keeps of each.
const (
	TinySize  = 2 << 10
	SmallSize = 16 << 10
	LargeSize = 68 << 10
	HugeSize  = ScratchSize + Headroom
)

var keep = [...]int{256, 128, 32, 4}
