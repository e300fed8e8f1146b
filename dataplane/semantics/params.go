package semantics

import "time"

// Limits are the waits of HTTP clients that no listener sets. Zero fields are
// the defaults.
type Limits struct {
	// Head is how long a request head may take from its first byte; trickling
	// does not extend it. 408 then. Default 10 s, never more than the listener's
	// client data timeout.
	Head time.Duration
	// KeepAlive is how long a connection may stay idle between requests, or
	// before the first. Default 60 s.
	KeepAlive time.Duration
	// Grace is how long a client may be waited for in one request, all waits for a body
	// of known length, or for HTTP/2's windows, taken together, and Rate what it has to
	// move for each second beyond that, in bytes. Less cuts off clients on bad links,
	// more lets slow ones hold members. Default 60 s and 500, a tenth of a bad link.
	Grace time.Duration
	Rate  int64
}

const (
	defaultHead      = 10 * time.Second
	defaultKeepAlive = 60 * time.Second
	defaultGrace     = 60 * time.Second
	defaultRate      = 500

	// FinGrace is how long a client that has sent FIN may still wait for its
	// answer to go on. A half-closed client is served; one that is gone looks the
	// same until something is written to it.
	FinGrace = time.Second

	// Newcomer is how old a connection is at least before it is drained for having
	// asked nothing: a client that has just connected is about to, and takes its end for
	// a failure. Two round trips of a client far away, and less than a planned move waits.
	Newcomer = 300 * time.Millisecond

	// MaxInformational answers (1xx) to one request (reliability targets).
	MaxInformational = 16

	// MaxConnects is how many members are tried for one request.
	MaxConnects = 3

	// OutSize is how much of a request is put together before it is sent: its head
	// with what fits of its body. It is what can be sent again.
	OutSize = 20 << 10
)

// WithDefaults fills in what is not set.
func (l Limits) WithDefaults() Limits {
	if l.Head <= 0 {
		l.Head = defaultHead
	}
	if l.KeepAlive <= 0 {
		l.KeepAlive = defaultKeepAlive
	}
	if l.Grace <= 0 {
		l.Grace = defaultGrace
	}
	if l.Rate <= 0 {
		l.Rate = defaultRate
	}
	return l
}
