// Package h2member speaks HTTP/2 (RFC 9113) to members. A Line is one connection,
// shared by many requests; each of them gets a Stream, which looks like a connection
// of its own that speaks HTTP/1.1:
//
//	engine ─► Stream.Write (a request in HTTP/1.1) ─► HEADERS, DATA, trailers ─► Line ─► member
//	engine ◄─ Stream.Read  (its answer in HTTP/1.1) ◄─ HEADERS, DATA, trailers ◄─
//
// Together with package h2, which does the reverse for clients, it lets whatever
// serves HTTP/1.1 serve gRPC: streams in both directions, trailers, cancellation.
//
// Frames, flow control, HPACK and the bounds on what a member may send are those of
// net/http; this package translates and keeps the lines.
package h2member
