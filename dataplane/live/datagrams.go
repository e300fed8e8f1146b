package live

import "sync/atomic"

// Drop is why a datagram went no further.
type Drop int

// The reasons.
const (
	Denied      Drop = iota // the client may not send here
	Full                    // a bound is reached and no flow was over
	NoMember                // none is there
	Refused                 // the member's host says that nobody listens
	Unreachable             // there is no way to the member
	MemberFull              // the socket to the member takes no more
	ClientFull              // the answer was not taken by the kernel
	QueueFull               // the kernel had no room for what clients sent
	drops
)

var dropNames = [drops]string{"denied", "full", "no_member", "refused", "unreachable", "member_full", "client_full", "queue_full"}

// String is the reason as metrics have it.
func (d Drop) String() string { return dropNames[d] }

// Drops are all reasons.
func Drops() (all []Drop) {
	for d := range drops {
		all = append(all, d)
	}
	return all
}

// Datagrams counts what a UDP listener did not pass on.
type Datagrams struct {
	Dropped [drops]atomic.Int64
	// Evicted flows had to make room for others.
	Evicted atomic.Int64
}
