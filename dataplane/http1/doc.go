// Package http1 decides what an HTTP/1.x message is: where its head ends, what
// its fields are, and how its body is framed (RFC 9110, RFC 9112). It works on
// byte slices, does no I/O, and in steady state allocates nothing.
//
// Framing is decided once, strictly. What is ambiguous is refused, never
// repaired: a request with a Refusal that carries the status to answer, a
// member's answer with a Refusal that becomes 502.
//
//	buf ─► Request.Parse ─► 0: feed more │ n: head of n bytes │ *Refusal
//	buf ─► Chunked.Next  ─► consumed, body span, done         │ *Refusal
//
// The result is the same for every segmentation of the input. Slices in a
// message point into the caller's buffer and live as long as its bytes do.
// Framing bytes are never copied from one side to the other: package rewrite
// writes heads anew, AppendChunk and AppendEnd write bodies anew, trailers included.
package http1
