// Package netio is the thin layer between the engines and the kernel's TCP
// sockets: buffers that are held only while they hold something, reads that take
// a buffer once the socket has data, deadlines that are cheap to renew, and
// splice(2) for bulk.
//
//	          Pools (buffers, pipes; one per engine)
//	            │ borrowed only while bytes are in flight
//	client ── Conn ──► engine ──► Conn ── member
//	            Fill/Unread/Discard      Write / SpliceTo
//
// A Conn has one reading and one writing goroutine at most. Close, Abort, Wake
// and the deadlines may be used from any goroutine.
//
// The package knows no protocol and imports nothing of ours.
package netio
