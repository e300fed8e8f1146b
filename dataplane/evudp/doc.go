// Package evudp is engine E for UDP: flows between a client and a member on an
// event loop.
//
//	client ──► port (one socket per loop, shared by sender) ──► flow ──► member
//	client ◄── one sendmmsg per turn of the loop ◄────────────── flow (socket of its own)
//
// A flow is what one client address and port sends to one listener. The member
// that its first datagram was given to gets the others as well, as long as it
// belongs to the pool, is up and takes them; what it answers goes back from the
// address and port that the client has sent to. A flow ends when nothing passed for
// the shorter of timeout_client_data and timeout_member_data.
//
// Flows are bounded: by connection_limit, by descriptors, and for each client
// address. At a bound the flow that was quiet for longest makes room, if it was
// quiet for long enough to be over; else what is new is dropped. All that is
// dropped is counted, by reason.
package evudp
