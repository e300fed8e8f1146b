package semantics

import (
	"errors"

	"lbd/dataplane/http1"
)

// Why an exchange did not end well.
var (
	// ErrClientGone: the client aborted, or takes nothing any more.
	ErrClientGone = errors.New("client gone")
	// ErrClientTimeout: the rest of a request body did not come in time.
	ErrClientTimeout = errors.New("client sends nothing")
	// ErrClientFraming: the request body broke its framing.
	ErrClientFraming = errors.New("malformed request body")
	// ErrNoMember: no pool, or none of its members takes a connection.
	ErrNoMember = errors.New("no member")
	// ErrMemberWrite: the member takes nothing any more of the request.
	ErrMemberWrite = errors.New("member does not take the request")
	// ErrMemberTimeout: no byte from the member for its data timeout.
	ErrMemberTimeout = errors.New("member sends nothing")
	// ErrMemberClosed: the member ended the connection before the first byte of an answer.
	ErrMemberClosed = errors.New("member closed without an answer")
	// ErrMemberRefused: the member says that it has not looked at the request.
	ErrMemberRefused = errors.New("member did not take the request")
	// ErrMemberCanceled: the member gave the request up, as one does whose deadline has passed.
	ErrMemberCanceled = errors.New("member gave the request up")
	// ErrMemberAnswer: the answer breaks its framing or its limits.
	ErrMemberAnswer = errors.New("malformed answer")
)

// Status is what the client is answered when nothing of a member's answer was
// sent on and err ended the exchange. 0: nobody is there to be answered.
func Status(err error) int {
	switch {
	case errors.Is(err, ErrClientGone):
		return 0
	case err == ErrClientTimeout:
		return http1.StatusRequestTimeout
	case err == ErrClientFraming:
		return http1.StatusBadRequest
	case err == ErrMemberTimeout:
		return http1.StatusGatewayTimeout
	default: // closed, reset, malformed
		return http1.StatusBadGateway
	}
}

// Sent is how far a request came before it failed.
type Sent struct {
	Bytes      int  // taken by the kernel
	Whole      bool // all of it is still at hand
	Heard      bool // a byte of an answer came
	Idempotent bool
}

// MayRepeat says whether the request is sent once more after err. Never when
// anything of an answer came, nor after a wait in vain, which a member may be the first to end. What cannot have reached
// the member, or what it has refused unread, may always be repeated; the rest only if all of it is at hand and it
// is idempotent.
func (s Sent) MayRepeat(err error) bool {
	if s.Heard || errors.Is(err, ErrClientGone) || err == ErrMemberTimeout || err == ErrMemberCanceled {
		return false
	}
	if err == ErrMemberRefused {
		return s.Whole
	}
	return s.Bytes == 0 || s.Whole && s.Idempotent
}
