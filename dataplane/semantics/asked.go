package semantics

import "lbd/dataplane/http1"

// Asked is what is remembered of a request once its head has left the buffer.
type Asked struct {
	Keep       bool // the client's connection may go on
	Head       bool // the method was HEAD
	Idempotent bool
	WebSocket  bool
	Minor      int // of HTTP/1.x
}

// Remember keeps of r what is needed once its head is gone.
func Remember(r *http1.Request) Asked {
	return Asked{
		Keep: r.KeepAlive, Head: string(r.Method) == "HEAD", Idempotent: r.Idempotent(),
		WebSocket: r.WebSocket, Minor: r.Minor,
	}
}

// Answer is what the framing of an answer depends on.
func (a *Asked) Answer() http1.Asked { return http1.Asked{Head: a.Head, WebSocket: a.WebSocket} }
