package netio

import "time"

const (
	// SmallSize of a pooled buffer in bytes: a request or answer with its head
	// and a small body. Smaller means more calls for a 10 KiB page, larger means
	// more memory per busy connection.
	SmallSize = 16 << 10

	// LargeSize of a pooled buffer in bytes: the longest head (64 KiB) with some
	// room, and one turn of a streamed body. It is the bound on what is held per
	// direction of a stream.
	LargeSize = 68 << 10

	// pipeSize asked for a splice pipe, in bytes. The kernel may give less to a
	// user that has many; 64 KiB (the default) then still works.
	pipeSize = 256 << 10

	// maxIdlePipes kept for reuse.
	maxIdlePipes = 64

	// deadlineSlack is how much longer than asked a renewable deadline may last,
	// as a fraction: asked/deadlineSlack. It saves a timer change per request.
	deadlineSlack = 4

	// noticeTime bounds how long a closing TLS connection tries to say so. The
	// record has 30 bytes: what takes longer is a peer that reads nothing.
	noticeTime = 20 * time.Millisecond

	// lingerTime and lingerBytes bound how long a closing connection goes on
	// reading what the peer still sends, so that its last answer is not lost to a
	// reset (RFC 9112 section 9.6).
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
)
