// Package vectors judges the data plane from outside: raw bytes in, and what a strict
// reader at the other end makes of what comes out. The tables were written from RFC
// 9110, 9112 and 9113, not from lbd's code; they hold only tests.
//
// A vector says what the member must see and what the client must get. Where the RFCs
// leave a choice, its note says whose practice it follows: of HAProxy, nginx and Caddy
// what two do, or the strict reading that docs/decisions give a reason for.
package vectors
