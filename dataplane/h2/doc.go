// Package h2 ends HTTP/2 (RFC 9113) on a client's connection. Every stream comes
// out as a byte stream that speaks HTTP/1.1, so that whatever serves HTTP/1.1
// serves it, with the same routing, rewriting and limits:
//
//	frames ─► Conn ─► headBytes ─► Stream.Read  ─► engine
//	frames ◄─ Conn ◄─ answer    ◄─ Stream.Write ◄─ engine
//
// What is translated is checked more strictly than HTTP/1.1 could be misread: a
// name, a value or a length that would not survive the change of version ends the
// stream (RFC 9113 section 8). The two translators work on byte slices and do no
// I/O.
//
// A connection has one goroutine that reads frames; the goroutine of each stream
// is the handler's. Writers share one lock and hold no queue: a client that does
// not read stops being read. Everything a client can make us hold or do without
// sending a request that is worth it is bounded (params.go); beyond, the
// connection ends with ENHANCE_YOUR_CALM.
package h2
