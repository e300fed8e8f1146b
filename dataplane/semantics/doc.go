// Package semantics is what both engines share of serving one HTTP request, apart
// from moving its bytes: what is remembered of a request, how its body is framed
// anew, when it may be sent again, what the client is answered when no member
// does. It works on byte slices, does no I/O and reads no clock.
package semantics
