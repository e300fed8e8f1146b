package semantics

import "errors"

// End is why a request or connection ended, as the access log says it.
type End uint8

// The reasons, as they are written.
const (
	Completed       End = iota // the whole answer was sent
	Redirected                 // by an L7 policy
	Rejected                   // by an L7 policy
	Answered                   // by lbd itself: Max-Forwards, metrics
	ClientMalformed            // the request broke the rules of HTTP
	ClientTimeout              // the request was too slow, or nothing of the answer was taken in time
	ClientAborted              // the client left
	NoMember                   // none is there, or none took a connection
	MemberClosed               // before it had answered
	MemberTimeout              // nothing came from it in time
	MemberMalformed            // its answer broke the rules of HTTP
	MemberCut                  // its answer ended too early
	Cut                        // by lbd: the listener is gone, or a handler failed
	IdleTimeout                // a TCP connection or tunnel on which nothing moved
	ends
)

var endNames = [ends]string{
	"completed", "redirected", "rejected", "answered", "client-malformed", "client-timeout", "client-aborted", "no-member",
	"member-closed", "member-timeout", "member-malformed", "member-cut", "cut", "idle-timeout",
}

// String is the reason as it is written.
func (e End) String() string { return endNames[e] }

// Failed reports whether something went wrong: such lines are never sampled away.
func (e End) Failed() bool { return e >= ClientMalformed }

// Reason is the end of an exchange that failed with err.
func Reason(err error) End {
	switch {
	case errors.Is(err, ErrClientGone):
		return ClientAborted
	case err == ErrClientTimeout:
		return ClientTimeout
	case err == ErrClientFraming:
		return ClientMalformed
	case err == ErrNoMember:
		return NoMember
	case err == ErrMemberTimeout:
		return MemberTimeout
	case err == ErrMemberAnswer:
		return MemberMalformed
	}
	return MemberClosed
}
