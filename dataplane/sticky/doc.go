// Package sticky remembers which member a client belongs to. No I/O.
//
//	HTTP_COOKIE  Token: what the client carries; the same on every node, opaque
//	APP_COOKIE   Table: learned from the member's Set-Cookie, by a hash of its value
//	SOURCE_IP    Table: by the client's address
//
// A table is bounded: the entry unused for longest makes room for a new one. It
// outlives changes of configuration and can be copied to another node.
package sticky
