// Package tether is the connection whose end proves that a VIP holder is gone.
//
// The holder process keeps one TCP connection to every voter. It never closes it
// while it can hold an address: the kernel does, when the process dies, after it
// has taken the addresses away with their device. So the end of the stream (FIN)
// is a statement of that kernel: this holder answers for nothing any more.
//
// A statement needs a signature. Every segment is signed by the kernel with a
// secret of the two ends (TCP MD5 signatures, RFC 2385), also those that close a
// connection, and unsigned ones are dropped. A reset or an end that a firewall or
// a stranger makes up is therefore not seen at all. A signed reset is no
// statement either: a kernel may reset a connection whose process lives on.
//
// Where the kernel has no signatures there are no tethers, and a dead node is
// noticed by its silence, as one that is cut off.
package tether
