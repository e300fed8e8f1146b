package conn

import "errors"

// Why an exchange did not end well.
var (
	// errClientGone: the client aborted, or takes nothing any more.
	errClientGone = errors.New("client gone")
	// errClientTimeout: the rest of a request body did not come in time.
	errClientTimeout = errors.New("client sends nothing")
	// errClientFraming: the request body broke its framing.
	errClientFraming = errors.New("malformed request body")
	// errNoMember: no pool, or none of its members takes a connection.
	errNoMember = errors.New("no member")
	// errMemberWrite: the member takes nothing any more of the request.
	errMemberWrite = errors.New("member does not take the request")
	// errMemberTimeout: no byte from the member for its data timeout.
	errMemberTimeout = errors.New("member sends nothing")
	// errMemberClosed: the member ended the connection before the first byte of an answer.
	errMemberClosed = errors.New("member closed without an answer")
	// errMemberAnswer: the answer breaks its framing or its limits.
	errMemberAnswer = errors.New("malformed answer")
)
