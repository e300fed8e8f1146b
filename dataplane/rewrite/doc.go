// Package rewrite writes heads anew: the request as a member gets it, the answer
// as the client gets it. No I/O, no allocation beyond the caller's buffer.
//
// What lbd decides is written by lbd: request line in origin-form, framing,
// connection management, forwarding headers. What concerns only one connection
// (RFC 9110 section 7.6.1) is left out, together with whatever Connection names.
// All other field lines pass as they came, in order, with their case.
//
// Forwarding headers that a listener inserts cannot be forged: every copy from
// the client is dropped, also when it is spelled with underscores or the like
// (which CGI turns into the same variable), except that X-Forwarded-For keeps what was
// there, because it is a trail: lbd adds a line of its own behind it, and the
// last entry is the one to trust.
package rewrite
