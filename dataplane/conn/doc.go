// Package conn is engine G for HTTP/1.1: a goroutine per client connection, on
// raw reads, with the framing of http1 and the header rules of rewrite.
//
//	client.serve ── one request after the other
//	   │ idle: no buffer, no server side, ready to drain
//	   ├ read head ── route, pick ── connect or reuse ── send (head+body, one write)
//	   ├ upload: a second goroutine, only while a body is longer than what was
//	   │         read with its head
//	   └ answer: 1xx on, head+body in one write where it fits, bulk spliced
//
// The configuration is read once per request: a request keeps the table it began
// with, a kept-alive connection uses the newest with its next request.
//
// A member's answer that breaks is answered with 502 as long as nothing of it was
// sent on; afterwards the client's connection is reset, so that it never looks
// complete. A request is sent again at most once, see exchange.retry.
package conn
