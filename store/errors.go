package store

import (
	"errors"
	"fmt"
)

// Kind says what sort of refusal an Error is; the API edge maps kinds to
// status codes in one table.
type Kind string

const (
	NotFound    Kind = "not found"   // 404: the object addressed does not exist
	Invalid     Kind = "invalid"     // 400: the request can never succeed as it stands
	Conflict    Kind = "conflict"    // 409: the state of another object forbids it
	Quota       Kind = "quota"       // 403
	Unavailable Kind = "unavailable" // 503: no leader, no quorum, shutting down; try again
	Unsupported Kind = "unsupported" // 501: a known option that this provider lacks
	Forbidden   Kind = "forbidden"   // 403
)

// Error is a refusal by apply. Message is a whole sentence fit for a client:
// for Octavia's nouns it is the wording of the contract's catalogue (6.3). It
// crosses the wire between nodes as JSON.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// KindOf is the kind of the first Error in err's chain, or "" when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
