package h2member

import "time"

const (
	// Protocol is HTTP/2's name in ALPN.
	Protocol = "h2"

	// upSize and downSize bound what a Stream holds of a request and of an answer that
	// the other side does not take yet, in bytes.
	upSize   = 32 << 10
	downSize = 64 << 10

	// lineStreams is how many streams a line carries at once, if the member allows as
	// many.
	lineStreams = 100
	// streamWindow bounds what a member may send on a stream ahead of what is read. A
	// line's window has room for all of its streams: clients that do not read take
	// nothing from the others.
	streamWindow = 128 << 10
	lineWindow   = lineStreams * streamWindow

	// idleTime ends a line without streams. As HTTP/1.1 connections to members.
	idleTime = 30 * time.Second
	// quietTime without a frame makes a line that has streams ask whether the member
	// is there; it has answerTime for that.
	quietTime  = 15 * time.Second
	answerTime = 5 * time.Second
	// takeTime is how long a member may take no byte of what a line writes.
	takeTime = 30 * time.Second

	// plainTime is how long a member that has chosen HTTP/1.1 is taken at its word:
	// connections to it are made side by side then.
	plainTime = time.Minute

	// copySize is the size of pieces of an answer, in bytes: a frame.
	copySize = 16 << 10
)
