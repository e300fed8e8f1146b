// Package evtcp is engine E for TCP: flows between a client and a member on an
// event loop, and the Relay that tunnels of HTTP use as well.
//
//	client ──► half ──► member      each half at its own pace: what its peer does
//	client ◄── half ◄── member      not take is kept, and the source not read
//
// A direction that ends is passed on as a half-close; the other one goes on. A
// reset is passed on as a reset. Bytes move through the loop's shared buffers; a
// flow owns one only while its peer takes no more.
package evtcp
